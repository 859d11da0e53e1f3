import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { probeTracer, tracerOf } from '../../audit/index.ts';
import { CellarError, errnoOf } from '../../model/index.ts';
import { findRun, openReports, parseTicket, readRun, ticketOf, type Ticket } from '../../store/index.ts';
import { bundled, endsWithParent, runCommand, workerCommand } from '../../workers/index.ts';
import { isInForeground } from '../run/control.ts';
import { definedIn } from '../run/environment.ts';
import { findProgram } from '../run/program.ts';
import { noteUnaudited, watchWorker } from './watched.ts';

/** What `cellar worker` was asked. */
export interface WorkerOptions {
	readonly home: string;
	/** What the run is called, or its folder; null for the one for which the bundle that runs was made. */
	readonly run: string | null;
	/** A folder that takes the report in place of the run's. */
	readonly out: string | null;
	readonly argv: readonly string[];
	readonly cwd: string;
	readonly env: NodeJS.ProcessEnv;
	/** Its stdout goes to our stderr. */
	readonly outputToStderr: boolean;
	/** Where it cannot be audited this is called with why, and it is started all the same; the run is told so. Null: it is not started then. */
	readonly orUnaudited: ((why: CellarError) => void) | null;
	/** The batch job that starts it, as the run's manager calls that; null for none that it knows. */
	readonly job: string | null;
	/** Hands signals that reach us to `take`, until the answer is called. */
	readonly onSignal: (take: (signal: NodeJS.Signals) => void) => () => void;
}

/** How a worker ended, and what it is called in its run's folder. */
export interface WorkerEnd {
	readonly run: string | null;
	/** Null where somebody else traces it, whose its facts are, and where it was not audited. */
	readonly log: string | null;
	/** The folder with its report, where that is not the run's. */
	readonly out: string | null;
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
	try {
		return await auditedWorker(o);
	} catch (error) {
		if (o.orUnaudited === null || !(error instanceof CellarError)) throw error;
		return runUnaudited(o, error, o.orUnaudited);
	}
}

async function auditedWorker(o: WorkerOptions): Promise<WorkerEnd> {
	const { ticket, reachable } = await runMeant(o);
	const { run, nonce, checks } = ticket;
	const { cwd, argv } = o;
	const env = givenEnvironment(o.env);
	if ((tracerOf('self') ?? 0) !== 0) {
		const program = findProgram({ argv: [...argv], cwd, path: env['PATH'] ?? '' });
		const end = await runCommand({ ...o, argv: workerCommand(argv, program, nonce, cwd).argv, env, nonce });
		return { run, log: null, out: null, ...end, problem: null };
	}
	const probe = await probeTracer({ ...o.env, PATH: `${o.env['PATH'] ?? ''}:${usualFolders}` }, bundled()?.tracer ?? null);
	if (probe.status !== 'ok') throw new CellarError('CELLAR_NO_TRACER', probe.reason, { hint: probe.mend });
	// Before it is made: what cannot be started leaves no folder.
	findProgram({ argv: [...argv], cwd, path: env['PATH'] ?? '' });
	const out = o.out ?? (reachable ? null : `cellar-report-${run}`);
	const directory = out === null ? ticket.directory : await openReports(resolve(cwd, out), ticket);

	const signals = holdSignals(o);
	const sharesTerminal = isInForeground();
	await using worker = await watchWorker({
		...{ argv, cwd, env, nonce, checks, tracer: probe.path, directory, sharesTerminal, keepsLog: out === null, ...jobOf(o) },
		streams: o.outputToStderr ? 'ours, to stderr' : 'ours',
	});
	// The terminal has sent its own to the worker already, and twice would be two.
	signals.handOn((signal) => {
		if (signal === 'SIGINT' && sharesTerminal) return;
		if (signal !== 'SIGTERM') worker.launched.signal(signal);
		// It is the one by which whole jobs are ended; Dask's workers take a second one for a wish to be gone at once.
		else void worker.handOn(signal).catch(() => worker.launched.signal(signal));
	});
	const parent = endsWithParent(argv) ? onParentsEnd(() => worker.launched.signal('SIGTERM')) : null;
	const { code, signal } = await worker.launched.ended;
	parent?.[Symbol.dispose]();
	signals.release();
	const reports = out === null ? null : directory;
	return { run, log: worker.log, out: reports, exitCode: code, signal, problem: await problemOf(() => worker.report(graceMs)) };
}

/** The run that a worker works for, and whether it can report into its folder. */
async function runMeant({ home, run }: WorkerOptions): Promise<{ readonly ticket: Ticket; readonly reachable: boolean }> {
	if (run !== null) {
		const { directory } = await findRun(home, run);
		return { ticket: ticketOf(await readRun(directory), directory), reachable: true };
	}
	const bundle = bundled();
	if (bundle === null || bundle.ticket === null) {
		throw new CellarError('CELLAR_USAGE', 'which run the worker works for is not said', {
			hint: 'cellar worker --run DIR -- COMMAND, or set CELLAR_RUN; cellar audit says the folder when it begins, and latest is the newest run',
		});
	}
	const ticket = parseTicket(bundle.ticket, 'the bundle');
	return { ticket, reachable: await isReached(ticket) };
}

/** Whether the run's own folder is there, by its path, and may be written. */
async function isReached({ run, directory, nonce }: Ticket): Promise<boolean> {
	try {
		const there = await readRun(directory);
		accessSync(directory, constants.W_OK);
		return there.run === run && there.circumstances.nonce === nonce;
	} catch (error) {
		if (error instanceof CellarError || errnoOf(error) !== null) return false;
		throw error;
	}
}

/** The environment that the worker gets: a bundle has put aside what is loaded into every program. */
function givenEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
	const aside = bundled() === null ? [] : ['LD_PRELOAD', 'LD_AUDIT'];
	const original = (key: string) => aside.find((name) => key === `CELLAR_${name}`) ?? key;
	return Object.fromEntries(Object.entries(definedIn(env)).map(([key, value]) => [original(key), value]));
}

const jobOf = ({ job }: WorkerOptions) => (job === null ? {} : { job });

/** Where strace is looked for, too: a batch job may have no PATH. */
const usualFolders = '/usr/local/bin:/usr/bin:/bin';

/** Nothing has run so far: the worker is started as it is, and leaves in the run why nothing is known of it. */
async function runUnaudited(o: WorkerOptions, problem: CellarError, tell: (why: CellarError) => void): Promise<WorkerEnd> {
	const { argv, cwd } = o;
	const env = givenEnvironment(o.env);
	const program = findProgram({ argv: [...argv], cwd, path: env['PATH'] ?? '' });
	tell(problem);
	const found = o.run === null ? null : await findRun(o.home, o.run).catch(() => null);
	const note =
		found &&
		(await noteUnaudited({ argv, program, env, cwd, directory: found.directory, why: problem.message, ...jobOf(o) }).catch(
			() => null,
		));
	try {
		return { run: found?.id ?? null, log: null, out: null, ...(await runCommand({ ...o, env, nonce: null })), problem: null };
	} finally {
		await note?.[Symbol.asyncDispose]();
	}
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
