import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { CellarError, type StartedProcess } from '../model/index.ts';
import { bubblewrapOptions, placesOf } from './arguments.ts';
import { identityFiles } from './identity.ts';
import { makeLayer, unshared, type Layer } from './layer.ts';
import { probeBubblewrap, probeRunner } from './probes.ts';
import { findProgram, startProcess } from './process.ts';
import type { Command, Runner, Sandboxed, SandboxOptions } from './runner.ts';

const pollMs = 5;
const execMs = 2_000;
const killMs = 5_000;

/**
 * bubblewrap over an overlay, inside a user namespace of our own: no path of this machine is mounted but the kernel's own
 * file systems and the given binds, every capability is dropped but those over the user's own files, and all that was started ends with the program.
 */
export const bubblewrap: Runner = {
	name: 'bwrap',
	probe: (env = process.env) => probeRunner(env, start),
	start: (options, env = process.env) => start(options, env),
};

async function start(options: SandboxOptions, env: NodeJS.ProcessEnv): Promise<Sandboxed> {
	const bwrap = findProgram('bwrap', env);
	const outer = unshared(env);
	if (bwrap === null || outer === null) throw await cannotStart(env, 'a tool is missing');
	const { shm } = placesOf(options);
	const layer = await makeLayer({ ...options, wanted: options.layer ?? 'auto', folders: shm === null ? [] : [shm], env });
	try {
		const all = { ...options, binds: [...identityFiles(options, layer.folder), ...options.binds] };
		const { words, made } = bubblewrapOptions(all, layer.merged, placesOf(all));
		writeFileSync(`${layer.folder}/args`, Buffer.from(words.map((word) => `${word}\0`).join(''), 'latin1'), { mode: 0o600 });
		const command: Command = {
			argv: [...outer, layer.folder, layer.kind, String(options.launch ? 0 : process.pid), bwrap, ...options.argv],
			cwd: layer.folder,
			env: { PATH: env['PATH'] ?? '', LC_ALL: 'C' },
		};
		const started = await (options.launch ?? startProcess)(command);
		return await follow(started, layer, made, options, env);
	} catch (error) {
		layer.remove();
		throw error;
	}
}

/** Waits until the program itself runs, and gives the handle on it. */
async function follow(
	started: StartedProcess,
	layer: Layer,
	made: ReadonlySet<string>,
	options: SandboxOptions,
	env: NodeJS.ProcessEnv,
): Promise<Sandboxed> {
	const life = { over: false };
	const ended = started.ended.finally(() => (life.over = true));
	const status = () => readStatus(`${layer.folder}/status`);
	const programPid = await untilItRuns(life, status);
	if (life.over && status().exitCode === null) throw await notRun(started, options, env);

	const kill = async () => {
		const { init } = status();
		// The first process of the PID namespace: with it goes everything inside.
		if (!life.over && init !== null) signal(init, 'SIGKILL');
		const timer = new AbortController();
		const tooLate = wait(killMs, true, { signal: timer.signal }).catch(() => false);
		if ((await Promise.race([ended, tooLate])) === true) await started.kill();
		timer.abort();
		await ended;
	};
	const removed = { done: false };
	return {
		pid: started.pid,
		layer: layer.kind,
		programPid,
		ended,
		lastWords: () => started.lastWords(),
		interrupt: () => {
			if (!life.over && programPid !== null) signal(programPid, 'SIGINT');
		},
		kill,
		written: () => layer.written(made),
		[Symbol.asyncDispose]: async () => {
			if (removed.done) return;
			removed.done = true;
			await kill();
			layer.remove();
		},
	};
}

/** @returns the program's pid, or null where it ended before it was seen */
async function untilItRuns(life: { readonly over: boolean }, status: () => Status): Promise<number | null> {
	for (let waited = 0; !life.over; waited += pollMs) {
		const { init } = status();
		const pid = init === null ? null : firstChild(init);
		// Between fork and exec it still bears bubblewrap's name; a program that is called so too is taken after a while.
		const command = pid === null ? null : commandOf(pid);
		if (command !== null && (command !== 'bwrap' || waited > execMs)) return pid;
		await wait(pollMs);
	}
	return null;
}

interface Status {
	readonly init: number | null;
	/** Told only where the program was executed. */
	readonly exitCode: number | null;
}

/** What bubblewrap tells, a JSON object a line, the last one perhaps half written: first the child's pid, then how it ended. */
function readStatus(path: string): Status {
	let text = '';
	try {
		text = readFileSync(path, 'utf8');
	} catch (error) {
		if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
	}
	return { init: numberAt(text, 'child-pid'), exitCode: numberAt(text, 'exit-code') };
}

function numberAt(text: string, key: string): number | null {
	const found = new RegExp(`"${key}"\\s*:\\s*(\\d+)\\s*[,}]`).exec(text);
	return found ? Number(found[1]) : null;
}

/** The program: what bubblewrap's first process in the namespace forked first. */
function firstChild(pid: number): number | null {
	const children = procFile(`/proc/${pid}/task/${pid}/children`);
	const first = children?.trim().split(' ')[0];
	return first ? Number(first) : null;
}

function commandOf(pid: number): string | null {
	return procFile(`/proc/${pid}/comm`)?.trim() ?? null;
}

/** A file of /proc, or null where its process is gone. */
function procFile(path: string): string | null {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return null;
	}
}

function signal(pid: number, name: NodeJS.Signals): void {
	try {
		process.kill(pid, name);
	} catch (error) {
		if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
	}
}

async function notRun(started: StartedProcess, options: SandboxOptions, env: NodeJS.ProcessEnv): Promise<CellarError> {
	const words = started.lastWords().trim();
	const exec = /execvp (.*): (.*)$/m.exec(words);
	if (exec) {
		return new CellarError('CELLAR_IMAGE_BROKEN', `the image cannot run ${options.argv[0]}: ${exec[2]}`, {
			where: options.argv[0] ?? '',
			hint: 'the program, its interpreter (the first line of a script) or its loader is not in the image',
		});
	}
	return cannotStart(env, words.split('\n').at(-1) || 'bubblewrap ended without a word');
}

async function cannotStart(env: NodeJS.ProcessEnv, why: string): Promise<CellarError> {
	const probed = await probeBubblewrap(env);
	return new CellarError('CELLAR_NO_SANDBOX', `no sandbox can be started: ${probed.reason ?? why}`, {
		hint: probed.mend ?? 'cellar doctor tells what this machine allows',
	});
}
