import type { Duplex } from 'node:stream';

/** What is known of an engine beside the agent's marks: a file each in this folder. */
export interface Engine {
	/** As its marks begin, and as `--engine` names it. */
	readonly name: string;
	/** Whether a command starts a worker of it. @param words the program and its arguments */
	isWorker(words: readonly string[]): boolean;
	/** Whether such a worker ends when who started it does, by looking at its parent: that is Cellar then. */
	endsWithParent?(words: readonly string[]): boolean;
	/**
	 * How a worker reaches what listens there; null where that is no manager of this engine. It is asked what it is, never looked up
	 * in a catalogue.
	 */
	contactOf(listening: { readonly address: string; readonly port: number }, o: Surroundings): Promise<string | null>;
	/** The command of one worker for a manager. */
	command(contact: string, o: Surroundings): readonly string[];
}

/** With what, and where, the manager was started: so are its workers. On this machine, or in a sandbox of a repeat. */
export interface Surroundings {
	/** The program of the kernel. */
	readonly program: string;
	/** Whether a file can be executed there. */
	readonly canRun: (path: string) => boolean;
	/** Connects to what listens there, by TCP. */
	readonly connect: (host: string, port: number) => Duplex;
	/** What a command says there; nothing where it cannot be started. */
	readonly said: (argv: readonly string[]) => Promise<string>;
}
