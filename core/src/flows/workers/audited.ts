import { launch, probeTracer, tracerOf, type Launched, type LaunchOptions } from '../../audit/index.ts';
import { CellarError, createSecrets, encodeName, isTelling, secretValues } from '../../model/index.ts';
import { beginWorker, findRun, readRun, type WorkerFolder, type WorkerReport } from '../../store/index.ts';
import { agentFolder, engineOfCommand, runCommand, workerCommand } from '../../workers/index.ts';
import { whoAndWhere } from '../run/environment.ts';
import { isInForeground } from '../recording/program.ts';
import { findProgram, isPython } from '../run/program.ts';
import { keptArgv } from '../secrets/given.ts';
import { version } from '../version.ts';
import { reduceWorker } from './reduce.ts';

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
	const { id, directory } = await findRun(o.home, o.run);
	const { circumstances } = await readRun(directory);
	const { nonce, tracer: recorder, checks } = circumstances;
	if (recorder === null) {
		throw new CellarError('CELLAR_USAGE', `run ${id} is not traced: nobody would read what its workers used`, {
			hint: 'name the run of a cellar audit',
		});
	}
	const { cwd } = o;
	const environment = Object.fromEntries(Object.entries(o.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
	const program = findProgram({ argv: [...o.argv], cwd, path: environment['PATH'] ?? '' });
	const { argv, hasAgent } = workerCommand(o.argv, program, nonce, cwd);
	if ((tracerOf('self') ?? 0) !== 0) {
		const end = await runCommand({ ...o, argv, env: environment, nonce });
		return { run: id, log: null, ...end, problem: null };
	}
	const probe = await probeTracer(o.env);
	if (probe.status !== 'ok') throw new CellarError('CELLAR_NO_TRACER', probe.reason, { hint: probe.mend });

	const secrets = createSecrets(secretValues(environment));
	const kept = keptArgv([...o.argv], secrets);
	secrets.learn(kept.secret.filter(isTelling));
	const who = whoAndWhere();
	const begun: Omit<WorkerReport, 'log'> = {
		format: 1,
		...{ host: who.hostname, bootId: who.bootId, pid: process.pid, engine: engineOfCommand(o.argv), argv: kept.argv, cwd },
		agent: hasAgent ? encodeName(Buffer.from(agentFolder)) : null,
		findWorkers: isPython(program),
		...{ started: new Date().toISOString(), ended: null, exitCode: null, signal: null, cellar: version },
	};
	const signals = holdSignals(o);
	await using folder = await beginWorker(directory, begun);
	const sharesTerminal = isInForeground();
	await using launched = await launchIn(folder, {
		...{ argv, cwd, env: environment, log: folder.logPath, nonce, checks, tracer: probe.path, sharesTerminal },
		streams: o.outputToStderr ? 'ours, to stderr' : 'ours',
	});
	// The terminal has sent its own to the worker already, and twice would be two.
	signals.handOn((signal) => signal === 'SIGINT' && sharesTerminal ? undefined : launched.signal(signal));
	const { code, signal } = await launched.ended;
	signals.release();
	await launched.finish(graceMs);
	const end = { run: id, log: folder.log, exitCode: code, signal };
	const report = { ...begun, log: folder.log, ended: new Date().toISOString(), exitCode: code, signal };
	return { ...end, problem: await reported(() => folder.say(report).then(() => reduceWorker(folder, report, nonce, secrets))) };
}

/** Of what could not be started, nothing is to be told. */
async function launchIn(folder: WorkerFolder, options: LaunchOptions): Promise<Launched> {
	try {
		return await launch(options);
	} catch (error) {
		await folder.discard();
		throw error;
	}
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
async function reported(report: () => Promise<unknown>): Promise<CellarError | null> {
	try {
		await report();
		return null;
	} catch (error) {
		if (error instanceof CellarError) return error;
		throw error;
	}
}
