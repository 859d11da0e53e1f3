import { setTimeout as sleep } from 'node:timers/promises';
import { mergeLogs } from '../../audit/index.ts';
import { createUnion } from '../../dependencies/index.ts';
import {
	CellarError,
	accessAt,
	columnsOf,
	createPathNumbers,
	type Access,
	type AccessColumns,
	type FactsWithoutAccesses,
	type LogId,
	type Secrets,
	type Warning,
} from '../../model/index.ts';
import {
	accessesOfReport,
	createAccesses,
	factsOfReport,
	readJournal,
	runOf,
	takeWorker,
	workersIn,
	type WorkerState,
} from '../../store/index.ts';
import { createExisted } from '../run/files.ts';
import type { Told } from '../run/finish.ts';
import { unauditedJobs } from './jobs.ts';
import { reduceWorker } from './reduce.ts';
import { unseenJobs, unseenTasks, unseenWorkers } from './unseen.ts';

/** What the workers of a run have told, and what is to be said of those that have not. Whoever lets go of it leaves no table behind. */
export interface Gathered extends AsyncDisposable {
	readonly told: Told;
	readonly warnings: readonly Warning[];
	/** The logs that were merged now. */
	readonly merged: readonly LogId[];
}

/** How long a worker may go on after what it worked for, and one that has ended may take to read its log; milliseconds. */
const endingMs = 3000;
const readingMs = 60_000;
const lookMs = 200;

/** What `gatherWorkers` is told. */
interface Gathering {
	readonly directory: string;
	/** The run's. */
	readonly nonce: string;
	readonly facts: FactsWithoutAccesses;
	/** All of them, or some at a time, log by log; these may be asked for again. */
	readonly accesses: readonly Access[] | (() => AsyncIterable<AccessColumns>);
	readonly known: ReadonlySet<LogId>;
	readonly secrets: Secrets;
	/** They have just lost their manager, and may be ending. */
	readonly wait: boolean;
}

/**
 * Merges what workers with logs of their own have reported into the facts of their run. Those that were killed are read here; those
 * that go on are not waited for but for a moment, and are told when somebody opens the run later.
 *
 * @param o.known the logs that stand in `facts` already
 */
export async function gatherWorkers(o: Gathering): Promise<Gathered> {
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
	const reports: Report[] = [];
	for (const worker of workers) {
		if (o.known.has(worker.log) || isOpen(worker)) continue;
		try {
			if (worker.state === 'gone' && !(await readInItsPlace(o, worker))) continue;
			reports.push({ worker, facts: await factsOfReport(o.directory, worker.log) });
		} catch (error) {
			if (!(error instanceof CellarError)) throw error;
			warnings.push(silent(worker, error.message));
		}
	}
	const unreadable: Report[] = [];
	const isRead = (one: Report) => !unreadable.includes(one);
	let told: Told | null = null;
	while (told === null) {
		const merging = await mergeReports(o, reports.filter(isRead));
		if ('told' in merging) ({ told } = merging);
		else {
			unreadable.push(merging.unreadable);
			warnings.push(silent(merging.unreadable.worker, merging.message));
		}
	}
	const merged = reports.filter(isRead).map(({ worker }) => worker);
	for (const worker of merged) if ((worker.report?.ended ?? null) === null) warnings.push(lost(worker));
	const { facts, written } = told;
	const running = workers.filter(isOpen);
	if (running.length > 0) warnings.push(goingOn(running));
	if (running.length === 0) {
		warnings.push(...unseenWorkers(facts));
		if (runOf(await readJournal(o.directory)).status === 'finished') warnings.push(...unseenTasks(facts));
	}
	warnings.push(...unseenJobs(facts, found, await unauditedJobs(o.directory)));
	for (const worker of found) if (!isAudited(worker)) warnings.push(silent(worker, worker.report?.unaudited ?? ''));
	return {
		told,
		warnings,
		merged: merged.map(({ log }) => log),
		[Symbol.asyncDispose]: async () => written?.[Symbol.asyncDispose](),
	};
}

interface Report {
	readonly worker: WorkerState;
	readonly facts: FactsWithoutAccesses;
}

/**
 * Merges reports one after another: what stays in memory is what is different in them, and all accesses go into the run's table at
 * once, for they may be millions.
 */
async function mergeReports(
	o: Pick<Gathering, 'directory' | 'facts' | 'accesses' | 'known'>,
	reports: readonly Report[],
): Promise<{ readonly told: Told } | { readonly unreadable: Report; readonly message: string }> {
	const { facts: own, accesses: ownAccesses } = o;
	// As most runs are: nothing is made of what is there already.
	if (reports.length === 0 && typeof ownAccesses !== 'function')
		return { told: { facts: { ...own, accesses: ownAccesses }, existed: null, written: null } };
	// Numbers that somebody may have been told are kept.
	const merging = mergeLogs([own, ...reports.map(({ facts }) => facts)], o.known.size > 0);
	const broken: { readonly unreadable: Report; readonly message: string }[] = [];
	async function* pieces(): AsyncGenerator<AccessColumns> {
		const pieces = typeof ownAccesses === 'function' ? ownAccesses() : [columnsOf(ownAccesses)];
		for await (const accesses of pieces) yield merging.accesses(0, accesses);
		for (const [at, report] of reports.entries()) {
			try {
				for await (const accesses of accessesOfReport(o.directory, report.worker.log)) yield merging.accesses(at + 1, accesses);
			} catch (error) {
				if (error instanceof CellarError) broken.push({ unreadable: report, message: error.message });
				throw error;
			}
		}
	}
	try {
		return { told: await tellAll(o.directory, merging.facts, pieces()) };
	} catch (error) {
		const [one] = broken;
		if (one === undefined) throw error;
		return one;
	}
}

async function tellAll(directory: string, facts: FactsWithoutAccesses, pieces: AsyncIterable<AccessColumns>): Promise<Told> {
	const numbers = createPathNumbers();
	// The names of TaskVine's files follow from what all its workers did.
	if (facts.workers.some(({ engine }) => engine === 'taskvine')) {
		const accesses: Access[] = [];
		for await (const some of pieces) {
			// Each log has its own copy of the same path.
			for (const [at, path] of numbers.of(some.path).entries()) accesses.push(accessAt(some, at, numbers.paths[path]));
		}
		return { facts: { ...facts, accesses }, existed: null, written: null };
	}
	const union = createUnion(facts, numbers);
	const existed = createExisted(numbers);
	const written = await createAccesses(directory);
	try {
		for await (const accesses of pieces) {
			const paths = numbers.of(accesses.path);
			union.add(accesses, paths);
			existed.add(accesses, paths);
			await written.add(accesses);
		}
	} catch (error) {
		await written[Symbol.asyncDispose]();
		throw error;
	}
	return { facts: { ...facts, accesses: union.uses() }, existed, written };
}

/** @returns whether it has a report now: somebody else may be at it */
async function readInItsPlace(o: Pick<Gathering, 'directory' | 'nonce' | 'secrets'>, worker: WorkerState): Promise<boolean> {
	if (worker.report === null) throw new CellarError('CELLAR_RUN_UNREADABLE', 'it left nothing that can be read');
	await using folder = await takeWorker(o.directory, worker.log);
	if (folder === null) return false;
	await reduceWorker(folder, worker.report, o.nonce, o.secrets);
	return true;
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
