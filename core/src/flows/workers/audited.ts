import { probeTracer, tracerOf } from '../../audit/index.ts';
import { CellarError } from '../../model/index.ts';
import { findRun, readRun } from '../../store/index.ts';
import { endsWithParent, runCommand, workerCommand } from '../../workers/index.ts';
import { isInForeground } from '../run/control.ts';
import { findProgram } from '../run/program.ts';
import { watchWorker } from './watched.ts';

/** What `cellar worker` was asked. */
export interface WorkerOptions {
	readonly home: string;
	/** What the run is called, or its folder. */
	readonly run: string;
	readonly argv: readonly string[];
	readonly cwd: string;
	readonly env: NodeJS.ProcessEnv;
	/** Its stdout goes to our stderr. */
	readonly outputToStderr: boolean;
	/** Hands signals that reach us to `take`, until the answer is called. */
	readonly onSignal: (take: (signal: NodeJS.Signals) => void) => () => void;
}

/** How a worker ended, and what it is called in its run's folder. */
export interface WorkerEnd {
	readonly run: string;
	/** Null where somebody else traces it: its facts are theirs. */
	readonly log: string | null;
	readonly exitCode: number | null;
	readonly signal: string | null;
	/** Why its facts are not in the run, though it ran. */
	readonly problem: CellarError | null;
}

/** How long what a worker left behind may go on, in milliseconds. */
const graceMs = 4000;

/**
 * Starts an engine's worker under a tracer of its own, with the agent in it, and reports to the run what it used: the whole of
 * `cellar worker`. Where this process is traced already, what it starts is too, and only the agent is brought.
 *
 * @throws CellarError CELLAR_NO_SUCH_RUN, CELLAR_NO_TRACER, CELLAR_NO_SUCH_FILE, … before anything has run
 */
export async function auditWorker(o: WorkerOptions): Promise<WorkerEnd> {
	const { id: run, directory } = await findRun(o.home, o.run);
	const { nonce, tracer, checks } = (await readRun(directory)).circumstances;
	if (tracer === null) {
		throw new CellarError('CELLAR_USAGE', `run ${run} is not traced: nobody would read what its workers used`, {
			hint: 'name the run of a cellar audit',
		});
	}
	const { cwd, argv } = o;
	const env = Object.fromEntries(Object.entries(o.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
	if ((tracerOf('self') ?? 0) !== 0) {
		const program = findProgram({ argv: [...argv], cwd, path: env['PATH'] ?? '' });
		const end = await runCommand({ ...o, argv: workerCommand(argv, program, nonce, cwd).argv, env, nonce });
		return { run, log: null, ...end, problem: null };
	}
	const probe = await probeTracer(o.env);
	if (probe.status !== 'ok') throw new CellarError('CELLAR_NO_TRACER', probe.reason, { hint: probe.mend });

	const signals = holdSignals(o);
	const sharesTerminal = isInForeground();
	await using worker = await watchWorker({
		...{ argv, cwd, env, nonce, checks, tracer: probe.path, directory, sharesTerminal },
		streams: o.outputToStderr ? 'ours, to stderr' : 'ours',
	});
	// The terminal has sent its own to the worker already, and twice would be two.
	signals.handOn((signal) => (signal === 'SIGINT' && sharesTerminal ? undefined : worker.launched.signal(signal)));
	const parent = endsWithParent(argv) ? onParentsEnd(() => worker.launched.signal('SIGTERM')) : null;
	const { code, signal } = await worker.launched.ended;
	parent?.[Symbol.dispose]();
	signals.release();
	return { run, log: worker.log, exitCode: code, signal, problem: await problemOf(() => worker.report(graceMs)) };
}

/** How often it is looked at whether our parent still lives, in milliseconds. */
const parentMs = 500;

/** Does something when the process that started us is gone. */
function onParentsEnd(act: () => void): Disposable {
	const { ppid } = process;
	const look = setInterval(() => {
		if (process.ppid === ppid) return;
		clearInterval(look);
		act();
	}, parentMs);
	return { [Symbol.dispose]: () => clearInterval(look) };
}

/** Signals from now on: those that come before the worker is there are kept for it. */
function holdSignals({ onSignal }: WorkerOptions): {
	handOn(to: (signal: NodeJS.Signals) => void): void;
	release(): void;
} {
	const held: NodeJS.Signals[] = [];
	let take = (signal: NodeJS.Signals): void => void held.push(signal);
	const release = onSignal((signal) => take(signal));
	return {
		handOn(to) {
			take = to;
			for (const signal of held.splice(0)) to(signal);
		},
		release,
	};
}

/** What a worker did is done: that it could not be told does not change how it ended. */
async function problemOf(report: () => Promise<unknown>): Promise<CellarError | null> {
	try {
		await report();
		return null;
	} catch (error) {
		if (error instanceof CellarError) return error;
		const why = error instanceof Error ? error.message : String(error);
		return new CellarError('CELLAR_RUN_UNREADABLE', `the worker ran, and could not report to its run: ${why}`, {
			hint: 'look whether the run’s folder is still there, and whether it may be written',
			cause: error,
		});
	}
}
