import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, open, realpath, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { CellarError, diskError, markPath, type Mark, type StartedProcess } from '../model/index.ts';
import { endLineage, processGone, tracerOf, type LeftProcess } from './lineage.ts';
import { tracerArguments } from './options.ts';
import { refusal } from './probe.ts';

export interface LaunchOptions {
	readonly argv: readonly string[];
	/** Absolute. */
	readonly cwd: string;
	/** The whole environment of the program: it gets exactly this. */
	readonly env: Readonly<NodeJS.ProcessEnv>;
	/** Where the log goes; absolute. It is made readable by its owner only. */
	readonly log: string;
	/** What the run's marks are told by; letters and digits. */
	readonly nonce: string;
	/** The stat family is traced too. */
	readonly checks: boolean;
	/** The path of strace. */
	readonly tracer: string;
	/**
	 * Whose streams the program has; by default none of ours: no stdin, and its words are kept for `lastWords`. `ours` gives it
	 * all three, `ours, to stderr` too but that its stdout goes to our stderr; nothing is kept then.
	 */
	readonly streams?: 'kept' | 'ours' | 'ours, to stderr';
	/** It stays in our session and group: a terminal's Ctrl-C reaches it by itself. */
	readonly sharesTerminal?: boolean;
	/** The POSIX shell that runs the launcher. */
	readonly shell?: string;
}

/** A program under strace. It is our direct child: pid, signals and exit code are its own. */
export interface Launched extends StartedProcess {
	readonly tracerPid: number;
	/** Sends a signal to the program itself. */
	signal(signal: NodeJS.Signals): void;
	/** Sends a signal as a terminal does, to the program and to what it started in its group. */
	signalGroup(signal: NodeJS.Signals): void;
	/**
	 * Puts a mark into the log; resolves when it stands there, behind all that was done before and before all that is done after.
	 *
	 * @throws CellarError CELLAR_NO_TRACER where the marker process or strace is gone
	 */
	mark(mark: Mark): Promise<void>;
	/** How often strace has said that it could not write a line; 0 where its words do not come to us. */
	lostLines(): number;
	/**
	 * To be called when the program has ended (one that has not is ended like the rest): waits for what it left behind, then ends
	 * that. When it resolves, strace is gone and the log is complete. Done twice, it answers the same.
	 *
	 * @param graceMs how long what is left may go on
	 * @returns what had to be ended
	 */
	finish(graceMs: number): Promise<readonly LeftProcess[]>;
	/** Ends everything at once. */
	[Symbol.asyncDispose](): Promise<void>;
}

/** How long strace and the launcher may take to begin, and strace to end when it has nothing left to trace; milliseconds. */
const beginMs = 30_000;
const endMs = 10_000;
/** How often it is looked at whether the marker process still lives while an answer is awaited. */
const lookMs = 500;
/** How much of what the program wrote is kept for `lastWords`, in bytes. */
const kept = 4096;

/**
 * Starts a program under `strace -D`, with its marker process beside it. If we die, the marker process ends all that was
 * started within 10 seconds.
 *
 * @throws CellarError CELLAR_NO_TRACER where the program would run untraced: nothing of it has run then
 * @throws CellarError CELLAR_NO_SUCH_FILE where `cwd` is no folder
 */
export async function launch(o: LaunchOptions): Promise<Launched> {
	await prepare(o);
	const shell = o.shell ?? '/bin/sh';
	const script = fileURLToPath(new URL('./launch.sh', import.meta.url));
	const foreign = String(tracerOf('self') ?? 0);
	const look = basename(await realpath(shell)) === 'busybox' ? 'open' : 'access';
	const { words, env } = commandOf(o.argv, o.env);
	const command = [shell, script, o.nonce, look, 'program', shell, foreign, ...words];
	const child = spawn(o.tracer, [...tracerArguments(o.log, o.checks), '--', ...command], {
		cwd: o.cwd,
		env,
		// A session of its own: Ctrl-C in the terminal reaches us alone, as with any Jupyter kernel.
		detached: o.sharesTerminal !== true,
		stdio: [...streams[o.streams ?? 'kept'], 'pipe', 'pipe'],
	});
	const lastWords = lastBytes([child.stdout, child.stderr]);
	const lostLines = countOf(child.stderr, Buffer.from(`${o.tracer}: ${o.log}: `).toString('latin1'));
	const ended = endOf(child);
	const marker = talkTo(child);
	const { pid } = child;
	const found = pid === undefined ? null : await marker.ready;
	if (pid === undefined || found === null) {
		child.kill('SIGKILL');
		const { reason, mend } = refusal(lastWords());
		throw new CellarError('CELLAR_NO_TRACER', reason, { hint: mend });
	}
	const { tracerPid, markerPid } = found;
	const spare = new Set([markerPid]);
	let running = true;
	child.once('exit', () => (running = false));

	const finish = async (graceMs: number): Promise<readonly LeftProcess[]> => {
		const left = await endLineage(tracerPid, graceMs, spare);
		marker.close();
		if (!(await processGone(tracerPid, endMs))) await endTracer(tracerPid);
		for (const pipe of child.stdio) pipe?.destroy();
		return left;
	};
	let finished: Promise<readonly LeftProcess[]> | null = null;

	return {
		pid,
		tracerPid,
		ended,
		interrupt: () => {
			if (running) process.kill(pid, 'SIGINT');
		},
		signal: (signal) => {
			if (running) process.kill(pid, signal);
		},
		signalGroup: (signal) => {
			// In a group that it shares with us, it alone: the rest is not ours to signal.
			if (running) process.kill(o.sharesTerminal === true ? pid : -pid, signal);
		},
		kill: async () => {
			await endLineage(tracerPid, 0, spare);
		},
		lastWords,
		lostLines,
		mark: (mark) => {
			if (tracerOf(markerPid) !== tracerPid) return Promise.reject(noMarker());
			return marker.say(markPath(o.nonce, mark), () => tracerOf(markerPid) === tracerPid);
		},
		finish: (graceMs) => (finished ??= finish(graceMs)),
		async [Symbol.asyncDispose]() {
			await (finished ??= finish(0));
		},
	};
}

const streams = {
	kept: ['ignore', 'pipe', 'pipe'],
	ours: ['inherit', 'inherit', 'inherit'],
	'ours, to stderr': ['inherit', 2, 'inherit'],
} as const;

async function prepare({ cwd, log, argv }: LaunchOptions): Promise<void> {
	if (argv.length === 0) throw new CellarError('CELLAR_USAGE', 'there is no command to start');
	const folder = await stat(cwd).catch(() => null);
	if (!folder?.isDirectory()) {
		throw new CellarError('CELLAR_NO_SUCH_FILE', 'the working folder is not there, or is no folder', { where: cwd });
	}
	try {
		// strace would make it readable by others.
		await (await open(log, 'a', 0o600)).close();
		await chmod(log, 0o600);
	} catch (cause) {
		throw diskError(cause, 'make the log', { where: log });
	}
}

/** A shell sets these, whatever it was given; and dash drops what bash exports as functions. */
const shellVariables = ['PWD', 'OLDPWD', 'SHLVL', '_'];

/** What is loaded into every program is meant for the program alone: a tracer with libraries of its own would not start with it. */
const loaded = ['LD_PRELOAD', 'LD_AUDIT'];

/** The command by way of `env`, so that the program gets the environment that it was given and not the shell's; and what the tracer gets. */
function commandOf(
	argv: readonly string[],
	env: Readonly<NodeJS.ProcessEnv>,
): { readonly words: readonly string[]; readonly env: NodeJS.ProcessEnv } {
	// env would take a program with `=` in its path for a variable: it is started as the shell does it.
	if (argv[0]?.includes('=')) return { words: argv, env: { ...env } };
	const functions = Object.keys(env).filter((name) => name.startsWith('BASH_FUNC_'));
	const unset = shellVariables.filter((name) => env[name] === undefined);
	const set = [...shellVariables, ...functions, ...loaded].filter((name) => env[name] !== undefined);
	const words = ['/usr/bin/env', ...unset.flatMap((name) => ['-u', name]), '--', ...set.map((name) => `${name}=${env[name]}`)];
	return {
		words: [...words, ...argv],
		env: Object.fromEntries(Object.entries(env).filter(([name]) => !loaded.includes(name))),
	};
}

/** The two pipes of the marker process. */
interface Marker {
	/** Null where the program was not traced, or strace did not start it. */
	readonly ready: Promise<{ readonly markerPid: number; readonly tracerPid: number } | null>;
	say(path: string, isAlive: () => boolean): Promise<void>;
	close(): void;
}

function talkTo(child: ChildProcess): Marker {
	const [, , , marks, answers] = child.stdio;
	if (!(marks instanceof Writable) || !(answers instanceof Readable)) {
		return { ready: Promise.resolve(null), say: () => Promise.reject(noMarker()), close: () => undefined };
	}
	const waiting: ((line: string | null) => void)[] = [];
	const next = () => new Promise<string | null>((resolve) => waiting.push(resolve));
	let rest = '';
	let closed = false;
	const over = () => {
		closed = true;
		for (const resolve of waiting.splice(0)) resolve(null);
	};
	answers.setEncoding('latin1');
	answers.on('data', (text: string) => {
		const lines = (rest + text).split('\n');
		rest = lines.pop() ?? '';
		for (const line of lines) waiting.shift()?.(line);
	});
	answers.once('end', over);
	answers.once('close', over);
	// A marker process that is gone is told by its silence: whoever waits hears of it.
	for (const pipe of [marks, answers]) pipe.on('error', over);
	child.once('error', over);

	const begun = async () => {
		const line = await Promise.race([next(), sleep(beginMs, null, { ref: false })]);
		const found = /^(\d+) ([1-9]\d*)$/.exec(line ?? '');
		return found === null ? null : { markerPid: Number(found[1]), tracerPid: Number(found[2]) };
	};
	return {
		ready: begun(),
		async say(path, isAlive) {
			if (closed) throw noMarker();
			const answer = next();
			const looks = setInterval(() => {
				if (!isAlive()) over();
			}, lookMs);
			try {
				marks.write(`${path}\n`);
				if ((await answer) === null) throw noMarker();
			} finally {
				clearInterval(looks);
			}
		},
		close() {
			closed = true;
			marks.destroy();
		},
	};
}

function noMarker(): CellarError {
	return new CellarError('CELLAR_NO_TRACER', 'the process that marks cells in the log has ended, and with it the audit', {
		hint: 'a cell may have ended every process of this user, or strace was killed: run the audit again without that',
	});
}

/** Settles when the program has ended and what it wrote last has been read. */
async function endOf(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
	const end = await new Promise<{ code: number | null; signal: string | null }>((resolve) => {
		child.once('exit', (code, signal) => resolve({ code, signal }));
		child.once('error', () => resolve({ code: null, signal: null }));
	});
	// strace holds stderr until all have ended: what is in the pipes now is read within one turn of the loop.
	await nextTurn();
	await nextTurn();
	return end;
}

/** What comes last out of some pipes, which are always read: a program that fills one would stand still. */
function lastBytes(pipes: readonly (Readable | null)[]): () => string {
	let bytes = Buffer.alloc(0);
	for (const pipe of pipes) {
		pipe?.on('data', (chunk: Buffer) => {
			bytes = Buffer.concat([bytes, chunk]).subarray(-kept);
		});
		pipe?.on('error', () => undefined); // closed under us when all is over
	}
	return () => bytes.toString('utf8');
}

/** How often something has come out of a pipe. */
function countOf(pipe: Readable | null, words: string): () => number {
	let count = 0;
	let rest = '';
	pipe?.on('data', (chunk: Buffer) => {
		const text = rest + chunk.toString('latin1');
		count += text.split(words).length - 1;
		rest = text.slice(1 - words.length);
	});
	return () => count;
}

/** Only where strace has nothing left to trace and does not end: under seccomp, all that it traces would die with it. */
async function endTracer(tracerPid: number): Promise<void> {
	await endLineage(tracerPid, 0);
	if (await processGone(tracerPid, endMs)) return;
	process.kill(tracerPid, 'SIGKILL');
	await processGone(tracerPid, endMs);
}
