import { setTimeout as sleep } from 'node:timers/promises';
import { mergeFacts } from '../../audit/index.ts';
import { CellarError, type Facts, type LogId, type Secrets, type Warning } from '../../model/index.ts';
import { factsOfReport, readJournal, runOf, takeWorker, workersIn, type WorkerState } from '../../store/index.ts';
import { reduceWorker } from './reduce.ts';
import { unseenTasks } from './unseen.ts';

/** What the workers of a run have told, and what is to be said of those that have not. */
export interface Gathered {
	readonly facts: Facts;
	readonly warnings: readonly Warning[];
	/** The logs that were merged now. */
	readonly merged: readonly LogId[];
}

/** How long a worker may go on after what it worked for, and one that has ended may take to read its log; milliseconds. */
const endingMs = 3000;
const readingMs = 60_000;
const lookMs = 200;

/**
 * Merges what workers with logs of their own have reported into the facts of their run. Those that were killed are read here; those
 * that go on are not waited for but for a moment, and are told when somebody opens the run later.
 *
 * @param o.known the logs that stand in `facts` already
 */
export async function gatherWorkers(o: {
	readonly directory: string;
	/** The run's. */
	readonly nonce: string;
	readonly facts: Facts;
	readonly known: ReadonlySet<LogId>;
	readonly secrets: Secrets;
	/** They have just lost their manager, and may be ending. */
	readonly wait: boolean;
}): Promise<Gathered> {
	let workers = await workersIn(o.directory);
	const began = performance.now();
	const isAwaited = ({ state, report }: WorkerState) =>
		state === 'running' && performance.now() - began < ((report?.ended ?? null) === null ? endingMs : readingMs);
	while (o.wait && workers.some(isAwaited)) {
		await sleep(lookMs);
		workers = await workersIn(o.directory);
	}
	const warnings: Warning[] = [];
	const logs: Facts[] = [];
	const merged: LogId[] = [];
	for (const worker of workers) {
		if (o.known.has(worker.log) || worker.state === 'running') continue;
		try {
			const facts = worker.state === 'gone' ? await readInItsPlace(o, worker) : await factsOfReport(o.directory, worker.log);
			if (facts === null) continue;
			if (worker.state === 'gone') warnings.push(lost(worker));
			logs.push(facts);
			merged.push(worker.log);
		} catch (error) {
			if (!(error instanceof CellarError)) throw error;
			warnings.push(silent(worker, error.message));
		}
	}
	const running = workers.filter(({ state }) => state === 'running');
	if (running.length > 0) warnings.push(goingOn(running));
	// Numbers that somebody may have been told are kept.
	const facts = mergeFacts(o.facts, logs, o.known.size > 0);
	if (running.length === 0) {
		warnings.push(...unseenWorkers(facts));
		if (runOf(await readJournal(o.directory)).status === 'finished') warnings.push(...unseenTasks(facts));
	}
	return { facts, warnings, merged };
}

/** What it is handed, it hands to another engine, as whose tasks they run. */
const handsOn: ReadonlySet<string> = new Set(['joblib']);

/** Engines that were handed tasks of which no one is known to have run: their workers were started where nobody looked. */
export function unseenWorkers({ tasks, handed }: Pick<Facts, 'tasks' | 'handed'>): Warning[] {
	const ran = new Set(tasks.flatMap((task) => (task.attempts.length > 0 ? [task.engine] : [])));
	const engines = [
		...tasks.flatMap((task) => (task.submitted === null ? [] : [task.engine])),
		...handed.flatMap((one) => (one.task === null ? [one.id.split('.', 1)[0]!] : [])),
	];
	return [...new Set(engines)]
		.filter((engine) => !ran.has(engine) && !handsOn.has(engine))
		.toSorted()
		.map((engine) => ({
			code: 'CELLAR_WORKERS_UNSEEN',
			message: `tasks were handed to ${engine}, and no worker that ran one is in the run: what they used is not known, unless their workers are started by cellar worker`,
		}));
}

async function readInItsPlace(
	o: { directory: string; nonce: string; secrets: Secrets },
	worker: WorkerState,
): Promise<Facts | null> {
	if (worker.report === null) throw new CellarError('CELLAR_RUN_UNREADABLE', 'it left nothing that can be read');
	await using folder = await takeWorker(o.directory, worker.log);
	if (folder === null) return null;
	return await reduceWorker(folder, worker.report, o.nonce, o.secrets);
}

function lost({ log, report }: WorkerState): Warning {
	const message = `the worker on ${report?.host ?? 'an unknown host'} that was to report as ${log} was ended before it could: what it did until then is told by its log`;
	return { code: 'CELLAR_WORKER_LOST', message };
}

function silent({ log, report }: WorkerState, why: string): Warning {
	const where = report === null ? 'a worker' : `a worker on ${report.host}`;
	return { code: 'CELLAR_WORKER_SILENT', message: `${where} has not reported, and what it did is not known (${log}: ${why})` };
}

function goingOn(workers: readonly WorkerState[]): Warning {
	const hosts = [...new Set(workers.map(({ report }) => report?.host ?? 'an unknown host'))].toSorted().join(', ');
	const message =
		workers.length === 1
			? `a worker on ${hosts} goes on: what it did is told when it has ended, by the next command that asks of this run`
			: `${workers.length} workers on ${hosts} go on: what they did is told when they have ended, by the next command that asks of this run`;
	return { code: 'CELLAR_WORKER_RUNNING', message };
}
