import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runners } from '../../core/src/sandbox/index.ts';
import { bundle } from './as-user.ts';
import { makeRoot, options, scratch } from './root.ts';
import { story } from './story.ts';
import { untilSaid } from './wait.ts';

const bubblewrap = runners[0]!;

function ground(): { folder: string; root: string; work: string } {
	const folder = scratch();
	makeRoot(join(folder, 'root'));
	return { folder, root: join(folder, 'root'), work: join(folder, 'work') };
}

/** The command lines of all processes of this machine in which a word stands. */
function commandsWith(word: string): readonly string[] {
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.map((pid) => {
			try {
				return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
			} catch {
				// It ended while we looked.
				return '';
			}
		})
		.filter((line) => line.includes(word));
}

async function untilGone(word: string): Promise<void> {
	while (commandsWith(word).length > 0) await wait(10);
}

/** A number of seconds that no other process sleeps. */
const odd = () => `${100_000 + Math.floor(Math.random() * 1e6)}`;

test.each([0, 1, 7, 255])("the exit code is the program's: %i", async (code) => {
	const { root, work } = ground();
	expect((await story(options(root, work, ['sh', '-c', `exit ${code}`]))).code).toBe(code);
});

test('a program that a signal ends gives 128 and the signal, as in a shell', async () => {
	const { root, work } = ground();
	expect((await story(options(root, work, ['sh', '-c', 'kill -TERM $$; sleep 600']))).code).toBe(143);
});

test('the end of the program is the end of what it left in the background', async () => {
	const { root, work } = ground();
	const seconds = odd();
	expect((await story(options(root, work, ['sh', '-c', `sleep ${seconds} & exit 3`]))).code).toBe(3);
	expect(commandsWith(seconds)).toEqual([]);
});

test('kill ends everything inside, also what went into a session of its own, and what was written can still be asked for', async () => {
	const { root, work } = ground();
	const seconds = odd();
	const text = `trap '' INT TERM; echo partial > result; (sleep ${seconds} & sleep ${seconds} &); echo ready; sleep ${seconds}`;
	await using sandbox = await bubblewrap.start(options(root, work, ['sh', '-c', text]));
	await untilSaid(sandbox, 'ready');
	expect(commandsWith(`sleep ${seconds}`).length).toBeGreaterThanOrEqual(3);
	await sandbox.kill();
	expect(commandsWith(seconds)).toEqual([]);
	expect((await sandbox.ended).code).toBe(137);
	expect((await sandbox.written()).map(({ path }) => path)).toEqual(['/data/result']);
	await sandbox.kill();
});

test('disposing ends the program and removes what it wrote', async () => {
	const { root, work } = ground();
	const seconds = odd();
	const sandbox = await bubblewrap.start(options(root, work, ['sh', '-c', `echo x > y; sleep ${seconds}`]));
	await sandbox[Symbol.asyncDispose]();
	await sandbox[Symbol.asyncDispose]();
	expect(commandsWith(seconds)).toEqual([]);
	expect(readdirSync(work)).toEqual([]);
});

test('if we are killed, the program does not outlive us', async () => {
	const { folder, root, work } = ground();
	const seconds = odd();
	const told = join(await bundle(), 'tell.mjs');
	const ours = spawn(process.execPath, [told], { stdio: ['pipe', 'inherit', 'inherit'] });
	ours.stdin.end(JSON.stringify(options(root, work, ['sh', '-c', `sleep ${seconds}; true`])));
	// The program itself, not the commands that lead to it.
	while (!commandsWith(`sleep ${seconds}`).some((line) => line.startsWith('sleep'))) await wait(10);
	ours.kill('SIGKILL');
	await untilGone(seconds);
	expect(readdirSync(folder).toSorted()).toEqual(['root', 'work']);
});

test('no value of the environment stands on a command line', async () => {
	const { root, work } = ground();
	const secret = `secret-${odd()}`;
	const env = { PATH: '/usr/bin', TOKEN: secret };
	await using sandbox = await bubblewrap.start(options(root, work, ['sh', '-c', 'echo ready $TOKEN; sleep 600'], { env }));
	await untilSaid(sandbox, `ready ${secret}`);
	expect(commandsWith(secret)).toEqual([]);
	const [own = ''] = readdirSync(work);
	expect(readdirSync(join(work, own))).not.toContain('args');
});

test('a program that the image lacks, or whose loader it lacks, is the fault of the image', async () => {
	const { root, work } = ground();
	const broken = { code: 'CELLAR_IMAGE_BROKEN' };
	await expect(bubblewrap.start(options(root, work, ['/usr/bin/python9']))).rejects.toMatchObject({
		...broken,
		where: '/usr/bin/python9',
	});
	writeFileSync(join(root, 'usr/bin/script'), '#!/opt/no-such-shell\n', { mode: 0o755 });
	await expect(bubblewrap.start(options(root, work, ['script']))).rejects.toMatchObject(broken);
	unlinkSync(join(root, 'bin'));
	writeFileSync(join(root, 'proc'), 'a file');
	await expect(bubblewrap.start(options(root, work, ['/usr/bin/sh']))).rejects.toMatchObject({ ...broken, where: '/proc' });
	expect(readdirSync(work)).toEqual([]);
});

test('without bubblewrap the error says what to install', async () => {
	const { root, work } = ground();
	await expect(bubblewrap.start(options(root, work, ['true']), { PATH: scratch() })).rejects.toMatchObject({
		code: 'CELLAR_NO_SANDBOX',
		message: 'no sandbox can be started: bubblewrap is not installed',
		hint: expect.stringMatching(/apt-get install bubblewrap.*conda-forge/),
	});
});

test('a bind that is not there is refused before anything is made', async () => {
	const { root, work } = ground();
	const binds = [{ from: join(root, 'nowhere'), to: '/data/x', writable: false }];
	await expect(bubblewrap.start(options(root, work, ['true'], { binds }))).rejects.toMatchObject({ code: 'CELLAR_NO_SUCH_FILE' });
	expect(readdirSync(join(root, '..'))).toEqual(['root']);
});
