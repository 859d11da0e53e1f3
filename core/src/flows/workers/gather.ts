import { setTimeout as sleep } from 'node:timers/promises';
import { mergeFacts } from '../../audit/index.ts';
import { CellarError, type Facts, type LogId, type Secrets, type Warning } from '../../model/index.ts';
import { factsOfReport, readJournal, runOf, takeWorker, workersIn, type WorkerState } from '../../store/index.ts';
import { unauditedJobs } from './jobs.ts';
import { reduceWorker } from './reduce.ts';
import { unseenJobs, unseenTasks, unseenWorkers } from './unseen.ts';

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
	const isAudited = ({ report }: WorkerState) => report?.unaudited === undefined;
	let found = await workersIn(o.directory);
	const began = performance.now();
	const isAwaited = ({ state, report }: WorkerState) =>
		state === 'running' && performance.now() - began < ((report?.ended ?? null) === null ? endingMs : readingMs);
	while (o.wait && found.filter(isAudited).some(isAwaited)) {
		await sleep(lookMs);
		found = await workersIn(o.directory);
	}
	const workers = found.filter(isAudited);
	const warnings: Warning[] = [];
	const logs: Facts[] = [];
	const merged: LogId[] = [];
	for (const worker of workers) {
		if (o.known.has(worker.log) || isOpen(worker)) continue;
		try {
			const facts = worker.state === 'gone' ? await readInItsPlace(o, worker) : await factsOfReport(o.directory, worker.log);
			if (facts === null) continue;
			if ((worker.report?.ended ?? null) === null) warnings.push(lost(worker));
			logs.push(facts);
			merged.push(worker.log);
		} catch (error) {
			if (!(error instanceof CellarError)) throw error;
			warnings.push(silent(worker, error.message));
		}
	}
	const running = workers.filter(isOpen);
	if (running.length > 0) warnings.push(goingOn(running));
	// Numbers that somebody may have been told are kept.
	const facts = mergeFacts(o.facts, logs, o.known.size > 0);
	if (running.length === 0) {
		warnings.push(...unseenWorkers(facts));
		if (runOf(await readJournal(o.directory)).status === 'finished') warnings.push(...unseenTasks(facts));
	}
	warnings.push(...unseenJobs(facts, found, await unauditedJobs(o.directory)));
	for (const worker of found) if (!isAudited(worker)) warnings.push(silent(worker, worker.report?.unaudited ?? ''));
	return { facts, warnings, merged };
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

/** Whether it may report yet, as far as that can be seen from here. */
function isOpen({ state }: WorkerState): boolean {
	return state === 'running' || state === 'silent';
}

function goingOn(workers: readonly WorkerState[]): Warning {
	const hosts = [...new Set(workers.map(({ report }) => report?.host ?? 'an unknown host'))].toSorted().join(', ');
	const told =
		workers.length === 1
			? `a worker on ${hosts} goes on: what it did is told when it has ended, by the next command that asks of this run`
			: `${workers.length} workers on ${hosts} go on: what they did is told when they have ended, by the next command that asks of this run`;
	const [heard] = workers.flatMap((one) => one.heard ?? []).toSorted();
	if (heard === undefined) return { code: 'CELLAR_WORKER_RUNNING', message: told };
	const unseen = `of those that cannot be seen from here, one was last heard of at ${heard}; if it is known to be dead: cellar worker add RUN --ended HOST`;
	return { code: 'CELLAR_WORKER_RUNNING', message: `${told}; ${unseen}` };
}
