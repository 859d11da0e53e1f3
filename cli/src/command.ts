import { constants } from 'node:os';
import { CellarError, recoverRuns, type Control, type Listener } from '@cellar/core';
import { errorDocument, errorText, jsonDocument, progressReporter, type ProgressMode } from './reporters/index.ts';

/** The options that every command takes. */
export interface CommonFlags {
	readonly json: boolean;
	readonly progress: ProgressMode;
	readonly debug: boolean;
}

export const commonFlags = {
	json: { kind: 'boolean', brief: 'One JSON document on stdout, and nothing else there', default: false, withNegated: false },
	progress: {
		kind: 'enum',
		values: ['auto', 'tty', 'plain', 'quiet'],
		brief: 'How progress is shown on stderr',
		default: 'auto',
	},
	debug: { kind: 'boolean', brief: 'With an error, also where in Cellar it arose', default: false, withNegated: false },
} as const;

/** What a command has to say when it is done: the document, the same for a person, and the exit code. */
export interface Answer {
	readonly document: object;
	readonly text: string;
	/** Where the text goes; stdout unless that is the audited program's own. */
	readonly textTo?: 'stderr';
	readonly exit: number;
}

/**
 * Runs the work of a command: progress on stderr, its answer on stdout, errors in the one form that they have everywhere.
 * The first Ctrl-C asks the work to stop and to keep what there is, the second ends it.
 */
export async function answer(flags: CommonFlags, work: (listen: Listener, control: Control) => Promise<Answer>): Promise<void> {
	const progress = progressReporter(flags.progress, process.stderr);
	const { control, signalled, release } = listenToSignals();
	try {
		for (const warning of await recoverRuns(process.env, (event) => progress.event(event)))
			progress.event({ type: 'warning', warning });
		const done = await work((event) => progress.event(event), control);
		progress.close();
		if (flags.json) process.stdout.write(jsonDocument(done.document));
		else (done.textTo === 'stderr' ? process.stderr : process.stdout).write(done.text);
		process.exitCode = signalled() ?? done.exit;
	} catch (error) {
		progress.close();
		const known = error instanceof CellarError ? error : internal(error);
		if (flags.json) process.stdout.write(errorDocument(known));
		process.stderr.write(errorText(known));
		if (flags.debug) process.stderr.write(`${stackOf(error)}\n`);
		process.exitCode = signalled() ?? known.exitCode;
	} finally {
		release();
	}
}

/** The numbers of signals, by their names. */
export const signalNumbers: ReadonlyMap<string, number> = new Map(Object.entries(constants.signals));

/** SIGINT, SIGTERM and SIGHUP, the first as `stop`, the next as `kill`; `signalled` is the exit code that a signal brings. */
function listenToSignals(): { control: Control; signalled: () => number | null; release: () => void } {
	const stop = new AbortController();
	const kill = new AbortController();
	let exit: number | null = null;
	const numbers = new Map(['SIGHUP', 'SIGINT', 'SIGTERM'].map((name) => [name, signalNumbers.get(name) ?? 0]));
	const onSignal = (signal: string) => {
		exit ??= 128 + (numbers.get(signal) ?? 0);
		if (stop.signal.aborted) kill.abort();
		else {
			if (signal === 'SIGINT') process.stderr.write('\ninterrupting; what has ended is kept (Ctrl-C again ends it at once)\n');
			stop.abort(signal);
		}
	};
	for (const name of numbers.keys()) process.on(name, onSignal);
	return {
		control: { stop: stop.signal, kill: kill.signal },
		signalled: () => exit,
		release: () => {
			for (const name of numbers.keys()) process.off(name, onSignal);
		},
	};
}

function internal(error: unknown): CellarError {
	const message = error instanceof Error ? error.message : String(error);
	return new CellarError('CELLAR_INTERNAL', `a fault of Cellar's own: ${message}`, {
		hint: 'run it again with --debug and report what it says',
		cause: error,
	});
}

function stackOf(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	return error.cause === undefined ? (error.stack ?? error.message) : `${error.stack}\n  caused by ${stackOf(error.cause)}`;
}
