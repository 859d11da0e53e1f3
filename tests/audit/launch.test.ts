import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { endLineage, launch, lineageOf } from '../../core/src/audit/index.ts';
import type { CellarError } from '../../core/src/model/index.ts';
import { audited, cell, compiled, nonce, plainEnv, scratch, strace } from './audited.ts';
import { bundle } from './bundle.ts';

const shells = ['/bin/sh', '/bin/bash', '/bin/dash', '/bin/busybox'].filter(existsSync);

/** A shell as it is called: busybox is one by the name of its applet. */
function shellFor(path: string, folder: string): string {
	if (!path.endsWith('busybox')) return path;
	const name = join(folder, 'sh');
	symlinkSync(path, name);
	return name;
}

test.each(shells)('launched by %s, a program sees nothing but what it was given', async (path) => {
	const folder = scratch();
	const env = {
		...plainEnv,
		SECRET: 'hunter2\nand more',
		PWD: '/not/here',
		'BASH_FUNC_greet%%': '() {  echo hello\n}',
		EMPTY: '',
	};
	const { code, words, facts, log } = await audited([compiled('alone.c', folder)], {
		folder,
		env,
		shell: shellFor(path, folder),
	});
	expect(code).toBe(7);
	const lines = words.trim().split('\n');
	expect(lines.filter((line) => !line.startsWith('variable '))).toEqual([
		'children none',
		'session 1',
		`folder ${join(folder, 'run')}`,
		...['descriptor 0', 'descriptor 1', 'descriptor 2'],
		'input empty',
	]);
	expect(lines.filter((line) => line.startsWith('variable ')).sort()).toEqual(
		Object.entries(env)
			.map(([name, value]) => `variable ${name}=${value?.replaceAll('\n', '\\n')}`)
			.sort(),
	);
	// And the log tells of nothing but the program: neither the launcher nor the marker process.
	expect(facts.execs.map((exec) => exec.path)).toEqual([join(folder, 'alone')]);
	expect(facts.processes).toMatchObject([{ ordinal: 1, parent: null, exitCode: 7 }]);
	expect(facts.accesses.map((access) => access.path).filter((used) => !/^\/(etc\/ld\.so|lib|usr\/lib)/.test(used))).toEqual([
		join(folder, 'alone'),
	]);
	expect(facts.doubts).toEqual([]);
	const text = readFileSync(log, 'latin1');
	expect(text).not.toContain('hunter2');
	expect(statSync(log).mode & 0o777).toBe(0o600);
});

test('what is to be loaded into every program is loaded into the program, and neither into the tracer nor the launcher', async () => {
	const folder = scratch();
	const env = { ...plainEnv, LD_PRELOAD: '/no/such.so' };
	const { words, facts } = await audited([compiled('alone.c', folder)], { folder, env });
	expect(words).toContain('variable LD_PRELOAD=/no/such.so\n');
	// The loader says so once for each program that it loads.
	expect(words.match(/cannot be preloaded/g)).toHaveLength(1);
	expect(facts.accesses.filter(({ path }) => path === '/no/such.so')).toMatchObject([{ how: 'missing', count: 1 }]);
});

test('a program that is not there ends as in a shell, and says so', async () => {
	const { code, words } = await audited(['no-such-program']);
	expect(code).toBe(127);
	expect(words).toContain('no-such-program');
});

test('a program with = in its path is started too', async () => {
	const folder = scratch();
	const program = join(folder, 'a=b');
	writeFileSync(program, '#!/bin/sh\nexit 5\n', { mode: 0o755 });
	const { code, facts } = await audited([program], { folder });
	expect(code).toBe(5);
	expect(facts.execs.map((exec) => exec.path)).toEqual([program]);
});

test('a signal that ends the program is its own', async () => {
	const { code, signal, facts } = await audited(['/bin/sh', '-c', 'kill -USR1 $$']);
	expect({ code, signal }).toEqual({ code: null, signal: 'SIGUSR1' });
	expect(facts.processes).toMatchObject([{ ordinal: 1, exitCode: null, signal: 'SIGUSR1' }]);
});

test('an interrupt reaches the program as SIGINT', async () => {
	const folder = scratch();
	const { code } = await audited(['/bin/sh', '-c', 'trap "exit 9" INT; touch ready; while :; do sleep 0.1; done'], {
		folder,
		meanwhile: async (launched) => {
			while (!existsSync(join(folder, 'run/ready'))) await wait(10);
			launched.interrupt();
		},
	});
	expect(code).toBe(9);
});

test('a mark stands between what was done before it and what is done after', async () => {
	const folder = scratch();
	const rounds = 30;
	// The program creates a file when it finds one, so that each step waits for the mark before it.
	const program = `i=0; while [ $i -lt ${rounds} ]; do until [ -e go-$i ]; do :; done; : >did-$i; i=$((i+1)); done`;
	const { facts } = await audited(['/bin/sh', '-c', program], {
		folder,
		meanwhile: async (launched) => {
			for (let round = 0; round < rounds; round++) {
				await launched.mark(cell('begin', round + 1));
				writeFileSync(join(folder, 'run', `go-${round}`), '');
				while (!existsSync(join(folder, 'run', `did-${round}`))) await wait(1);
				await launched.mark(cell('end', round + 1));
			}
		},
	});
	const made = facts.accesses
		.filter(({ path }) => path.includes('/did-'))
		.map(({ path, cell }) => `${path.split('-').at(-1)} ${cell}`);
	expect(made).toEqual(Array.from({ length: rounds }, (_, round) => `${round} ${round + 1}`));
});

/** Children that outlive a shell: its own, one in a session of its own, one that ignores every polite signal. */
const leavesBehind = `
	sleep 1000 &
	setsid sh -c 'sleep 1001 & exec sleep 1002' </dev/null >/dev/null 2>&1 &
	(trap '' TERM HUP INT; sleep 1003; sleep 1004) &
	sleep 0.3
`;

test('what the program leaves behind is named and ended, whatever it does to signals and sessions', async () => {
	const { left, facts, code } = await audited(['/bin/sh', '-c', leavesBehind], { graceMs: 100 });
	expect(code).toBe(0);
	const commands = left.map(({ command }) => command);
	expect(commands.filter((command) => command === 'sleep').length).toBeGreaterThanOrEqual(4);
	expect(commands.some((command) => /strace|launch/.test(command))).toBe(false);
	expect(facts.processes.filter(({ ended }) => ended === null)).toEqual([]);
});

test('what ends by itself within the time of grace is not ended, and nothing is waited for longer than it takes', async () => {
	const { left } = await audited(['/bin/sh', '-c', 'sleep 0.5 &'], { graceMs: 20_000 });
	expect(left).toEqual([]);
});

test('a program that does not end is ended by kill, and its children with it', async () => {
	const folder = scratch();
	let pids: readonly number[] = [];
	const { signal } = await audited(['/bin/sh', '-c', 'trap "" TERM; sleep 1000 & touch ready; wait; wait; sleep 1001'], {
		folder,
		meanwhile: async (launched) => {
			while (!existsSync(join(folder, 'run/ready'))) await wait(10);
			pids = (await lineageOf(launched.tracerPid)).map(({ pid }) => pid);
			await launched.kill();
		},
	});
	expect(signal).toBe('SIGKILL');
	expect(pids.length).toBeGreaterThanOrEqual(3);
});

test('a mark after the marker process was killed says that the audit is over', async () => {
	const folder = scratch();
	await audited(['/bin/sh', '-c', 'until [ -e go ]; do sleep 0.05; done'], {
		folder,
		meanwhile: async (launched) => {
			const marker = (await lineageOf(launched.tracerPid)).find(({ pid }) => {
				return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').includes('marker');
			});
			process.kill(marker!.pid, 'SIGKILL');
			await expect(launched.mark(cell('begin', 1))).rejects.toMatchObject({ code: 'CELLAR_NO_TRACER' });
			writeFileSync(join(folder, 'run/go'), '');
		},
	});
});

test('where the working folder is none, nothing is started', async () => {
	const folder = scratch();
	const options = {
		argv: ['/bin/true'],
		cwd: join(folder, 'absent'),
		env: plainEnv,
		log: join(folder, 'log'),
		nonce,
		checks: false,
	};
	const failed = launch({ ...options, tracer: await strace() });
	await expect(failed).rejects.toMatchObject({ code: 'CELLAR_NO_SUCH_FILE' } satisfies Partial<CellarError>);
});

/** Starts the other Cellar and gives what it says first. */
async function other(folder: string, argv: readonly string[], before: readonly string[] = []) {
	const program = [process.execPath, join(await bundle(folder), 'tell.mjs'), 'launch', folder, ...argv];
	const [first = '', ...rest] = [...before, ...program];
	const child = spawn(first, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
	const said = await new Promise<string>((resolve, reject) => {
		createInterface({ input: child.stdout })
			.once('line', resolve)
			.once('close', () => reject(new Error('said nothing')));
	});
	// What tell.ts prints.
	return { child, said: JSON.parse(said) as { pid: number; tracerPid: number; code?: string; message?: string; hint?: string } };
}

test('when Cellar is killed, all that it started is ended within ten seconds, strace last and by itself', async () => {
	const folder = scratch();
	const { child, said } = await other(folder, [
		'/bin/sh',
		'-c',
		`trap '' TERM; ${leavesBehind} touch ready; sleep 1005; sleep 1006`,
	]);
	while (!existsSync(join(folder, 'ready'))) await wait(10);
	expect((await lineageOf(said.tracerPid)).length).toBeGreaterThanOrEqual(6);
	child.kill('SIGKILL');
	const killed = performance.now();
	while ((await lineageOf(said.tracerPid)).length > 0 && performance.now() - killed < 30_000) await wait(50);
	expect(performance.now() - killed).toBeLessThan(10_000);
	while (existsSync(`/proc/${said.tracerPid}`) && readFileSync(`/proc/${said.tracerPid}/stat`, 'latin1').includes(' S '))
		await wait(10);
	// strace was not killed: it has written the end of the last process, the marker process.
	expect(readFileSync(join(folder, 'log.strace'), 'latin1')).toMatch(/\+\+\+ exited with \d+ \+\+\+\n$/);
});

test('when Cellar is killed beside a program that ends politely, no signal but TERM is needed', async () => {
	const folder = scratch();
	// A shell says on stderr that its child was ended, and nobody is left who reads that.
	const program = 'exec 2>/dev/null; trap "touch polite; exit" TERM; touch ready; while :; do sleep 0.1; done';
	const { child, said } = await other(folder, ['/bin/sh', '-c', program]);
	while (!existsSync(join(folder, 'ready'))) await wait(10);
	child.kill('SIGKILL');
	while ((await lineageOf(said.tracerPid)).length > 0) await wait(20);
	expect(existsSync(join(folder, 'polite'))).toBe(true);
	expect(await endLineage(said.tracerPid, 0)).toEqual([]);
});

test('where Cellar itself is traced, nothing of the program runs, and the tracer is named', async () => {
	const folder = scratch();
	const { child, said } = await other(
		folder,
		['/bin/sh', '-c', 'touch ran'],
		[await strace(), '-f', '-o', '/dev/null', '-e', 'trace=none'],
	);
	child.kill('SIGKILL');
	expect(said).toMatchObject({ code: 'CELLAR_NO_TRACER' });
	expect(said.message).toMatch(/being traced, by .*strace/);
	expect(existsSync(join(folder, 'ran'))).toBe(false);
});

test('where a seccomp filter refuses ptrace, nothing of the program runs', async () => {
	const folder = scratch();
	const { said } = await other(folder, ['/bin/sh', '-c', 'touch ran'], [compiled('no-ptrace.c', folder)]);
	expect(said).toMatchObject({ code: 'CELLAR_NO_TRACER' });
	expect(said.message).toContain('seccomp');
	expect(said.hint).toContain('--cap-add=SYS_PTRACE');
	expect(existsSync(join(folder, 'ran'))).toBe(false);
});
