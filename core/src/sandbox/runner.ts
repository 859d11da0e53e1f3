import type { Duplex } from 'node:stream';
import type { Name, StartedProcess } from '../model/index.ts';

/** Whether this machine can do a thing, and the line that would mend it; `mend` and `reason` are null where it can. */
export interface Probe {
	readonly status: 'ok' | 'missing' | 'refused';
	/** What was found: a version, a kernel, a path. */
	readonly found: string | null;
	readonly reason: string | null;
	readonly mend: string | null;
}

/** The command that a sandbox comes down to, for whoever starts it in our place: a tracer. It needs no descriptors but stdio. */
export interface Command {
	readonly argv: readonly string[];
	readonly cwd: string;
	readonly env: Readonly<Record<string, string>>;
}

/** What a program inside sees. `root`, `work` and `binds.from` are paths of this machine; `cwd`, `home` and `binds.to` are names inside. */
export interface SandboxOptions {
	/** An image's tree, extracted by the user who repeats. It is never written to. */
	readonly root: string;
	/** A folder for what is written; the sandbox makes one of its own below it and removes that in the end. */
	readonly work: string;
	/** The program and its arguments; a word without a slash is looked up in `env.PATH`, inside. */
	readonly argv: readonly string[];
	/** The whole environment inside: nothing of ours is added. */
	readonly env: Readonly<Record<string, string>>;
	readonly cwd: Name;
	readonly home: Name;
	readonly uid: number;
	readonly gid: number;
	readonly user: string;
	readonly hostname: string;
	/** False: no network but a loopback of its own. True: the machine's. */
	readonly network: boolean;
	readonly binds: readonly { readonly from: string; readonly to: Name; readonly writable: boolean }[];
	/** Where the writable layer comes from; `auto` takes an overlay where the kernel allows one, and a copy of the root elsewhere. */
	readonly layer?: 'auto' | 'overlay' | 'copy';
	/** Starts the command in our place, to trace it from outside. */
	readonly launch?: (command: Command) => Promise<StartedProcess>;
}

/** A path on which the program left the root changed. A rename is a removal and the new path. */
export interface Written {
	/** As it was inside. */
	readonly path: Name;
	readonly kind: 'file' | 'directory' | 'link' | 'removed' | 'other';
	/** The root held something at this path before. */
	readonly existed: boolean;
	/** Where the bytes are until the sandbox is disposed of (for `fsPath`); null where there are none. */
	readonly hostPath: Name | null;
}

/**
 * A program inside a sandbox. `pid` is the runner's own process, `ended` gives the program's exit code (128 + n where a
 * signal ended it), `interrupt` and `terminate` reach the program alone and `kill` all that it started.
 */
export interface SandboxedProcess extends StartedProcess {
	/** The program's pid as this machine counts; null where it had ended before it could be seen. */
	readonly programPid: number | null;
	/** Sends SIGTERM to the program itself. */
	terminate(): void;
}

/** A program that joins another in its sandbox; what is left out is as the other has it. */
export type Beside = Pick<SandboxOptions, 'argv' | 'launch'>;

export interface Sandboxed extends SandboxedProcess {
	readonly layer: 'overlay' | 'copy';
	/**
	 * Starts one more program on the same tree and in the same network, with processes, rights and shared memory apart from the first: as
	 * a worker on the same node. It ends with the sandbox.
	 * @throws CellarError CELLAR_NO_SANDBOX, also where the first program has ended; CELLAR_IMAGE_BROKEN where the root lacks the program
	 */
	beside(program: Beside): Promise<SandboxedProcess>;
	/** The first program and all that it has started and that still runs, as this machine counts. */
	pids(): readonly number[];
	/** Connects to what listens inside, by TCP. Fails as a socket does. */
	connect(host: string, port: number): Duplex;
	/**
	 * What the program changed, sorted: every new or touched file and link, new folders, and the topmost of what is gone.
	 * A file counts when its bytes, mode or times changed, on an overlay also when it was only opened for writing. To be asked after the end.
	 */
	written(): Promise<readonly Written[]>;
	/** Ends the program if need be and removes what it wrote. */
	[Symbol.asyncDispose](): Promise<void>;
}

/** A way to run a program from an image's root with nothing of this machine but its kernel. */
export interface Runner {
	readonly name: string;
	/** Runs `true` in the smallest sandbox. `env` is where the tools are looked for. */
	probe(env?: NodeJS.ProcessEnv): Promise<Probe>;
	/**
	 * Resolves when the program runs. `env` is where the tools are looked for; nothing of it comes inside.
	 * @throws CellarError CELLAR_NO_SANDBOX with the line that mends it; CELLAR_IMAGE_BROKEN where the root lacks the program
	 */
	start(options: SandboxOptions, env?: NodeJS.ProcessEnv): Promise<Sandboxed>;
}
