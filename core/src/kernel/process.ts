import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { CellarError, type StartedProcess } from '../model/index.ts';

/** How much of what a program wrote is kept for `lastWords`, in bytes. */
const kept = 4096;
/** How long a program that has ended is waited for to be heard out, in milliseconds: a child of its own may hold the pipes open. */
const hearing = 200;

/**
 * Starts a program in a session of its own, so that a Ctrl-C in the terminal reaches us and not it. Its stdin is empty, its
 * stdout and stderr are always read. A kernel is told by `JPY_PARENT_PID` to end when we do (jupyter_client's `launch_kernel`).
 *
 * @param options.cwd the working folder, absolute
 * @param options.env the whole environment; nothing of ours is added to it but `JPY_PARENT_PID`
 * @throws CellarError CELLAR_NO_KERNEL where the program cannot be started at all
 */
export function startProcess(options: {
	readonly argv: readonly string[];
	readonly cwd: string;
	readonly env: Readonly<NodeJS.ProcessEnv>;
}): StartedProcess {
	const [program, ...rest] = options.argv;
	if (program === undefined) throw new CellarError('CELLAR_NO_KERNEL', 'the command to start is empty');
	const child = spawn(program, rest, {
		cwd: options.cwd,
		env: { ...options.env, JPY_PARENT_PID: String(process.pid) },
		detached: true,
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	// What goes wrong in spawn is told twice: by a missing pid at once, and by this event later.
	child.on('error', () => undefined);
	const { pid } = child;
	if (pid === undefined) {
		throw new CellarError('CELLAR_NO_KERNEL', `${program} cannot be started in ${options.cwd}`, {
			hint: 'check that the program and the working folder exist and may be used',
		});
	}
	const words = lastBytes([child.stdout, child.stderr]);
	const ended = endOf(child);
	let over = false;
	child.once('exit', () => (over = true));
	return {
		pid,
		ended,
		interrupt: () => {
			if (!over) send(pid, 'SIGINT');
		},
		kill: async () => {
			// The group outlives its leader, and holds its number: what a kernel leaves behind is in it. A process of that number
			// that lives after the leader's end is another's.
			if (!over || !existsSync(`/proc/${pid}`)) send(-pid, 'SIGKILL');
			await ended;
		},
		lastWords: () => words(),
	};
}

/** Sends a signal; a process that is no more is what the sender wanted, or tells so by `ended`. */
function send(pid: number, signal: 'SIGINT' | 'SIGKILL'): void {
	try {
		process.kill(pid, signal);
	} catch (error) {
		if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
	}
}

/** Settles when the program has ended and its pipes are read to their end, or `hearing` later where another holds them. */
async function endOf(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
	const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
	const end = await new Promise<{ code: number | null; signal: string | null }>((resolve) =>
		child.once('exit', (code, signal) => resolve({ code, signal })),
	);
	await Promise.race([closed, sleep(hearing)]);
	// A child that lives on may hold the pipes for ever; it must not hold us.
	for (const pipe of [child.stdout, child.stderr]) if (pipe && 'unref' in pipe && typeof pipe.unref === 'function') pipe.unref();
	return end;
}

/** Reads the pipes for as long as they last, and gives the last bytes of both together, as text. */
function lastBytes(pipes: readonly (Readable | null)[]): () => string {
	let tail = Buffer.alloc(0);
	for (const pipe of pipes) {
		pipe?.on('error', () => undefined);
		pipe?.on('data', (chunk: Buffer) => {
			const both = Buffer.concat([tail, chunk.subarray(-kept)]);
			tail = Buffer.from(both.subarray(Math.max(0, both.length - kept)));
		});
	}
	return () => {
		// A cut may fall inside a character: its remaining bytes (10xxxxxx) are dropped.
		let start = 0;
		while (tail.length === kept && start < 3 && (tail[start]! & 0xc0) === 0x80) start += 1;
		return tail.subarray(start).toString('utf8');
	};
}
