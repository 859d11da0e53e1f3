import { CellarError, type LogId, type Run } from '../../model/index.ts';
import {
	findRun,
	openReturned,
	readRun,
	takeWorker,
	ticketOf,
	workersIn,
	type Returned,
	type WorkerState,
} from '../../store/index.ts';
import { addReports, knownHere } from '../mend.ts';
import { reduceWorker } from './reduce.ts';

/** What `cellar worker add` was asked. */
export interface AddOptions {
	readonly home: string;
	readonly run: string;
	/** Folders that were brought back from where the run cannot be reached. */
	readonly folders: readonly string[];
	/** Hosts or names of workers that are known to be dead, or `all`. */
	readonly ended: readonly string[];
}

/** A worker, as it is told to a person. */
export interface AddedWorker {
	readonly name: LogId;
	readonly host: string | null;
	/** The folder in which it was brought back; null for one of the run's own. */
	readonly folder: string | null;
	/** When one that cannot be seen from here was last heard of. */
	readonly heard: string | null;
}

export interface AddDocument {
	readonly format: 1;
	readonly run: string;
	readonly added: readonly AddedWorker[];
	/** The run had them before. */
	readonly known: readonly AddedWorker[];
	/** They may go on, as far as can be seen from here. */
	readonly open: readonly AddedWorker[];
	/** They left nothing that can be read. */
	readonly silent: readonly AddedWorker[];
}

/** A worker and where it was found. */
interface Found {
	readonly worker: WorkerState;
	/** Null for one of the run's own. */
	readonly returned: Returned | null;
	readonly folder: string | null;
}

/**
 * Adds to a run what its workers have left elsewhere, once, and what those have left that are known to be dead. Where anything that
 * is given cannot be trusted, nothing is added.
 *
 * @throws CellarError CELLAR_NO_SUCH_RUN, CELLAR_NO_SUCH_WORKER where `ended` names none, and as `openReturned`
 */
export async function addWorkers(o: AddOptions): Promise<AddDocument> {
	const { id, directory } = await findRun(o.home, o.run);
	const run = await readRun(directory);
	if (run.repeatOf !== null) {
		throw new CellarError('CELLAR_USAGE', `run ${id} is a repeat: its workers are not told apart`, {
			hint: `name the run that it repeats: ${run.repeatOf}`,
		});
	}
	const ticket = ticketOf(run, directory);
	const opened: Returned[] = [];
	try {
		const found: Found[] = (await workersIn(directory)).map((worker) => ({ worker, returned: null, folder: null }));
		const own = new Set(found.map(({ worker }) => worker.log));
		for (const folder of o.folders) {
			const returned = await openReturned(directory, folder, ticket);
			opened.push(returned);
			found.push(...returned.workers.map((worker) => ({ worker, returned, folder })));
		}
		checkNamed(o.ended, found);

		const told: Record<'added' | 'known' | 'open' | 'silent', AddedWorker[]> = { added: [], known: [], open: [], silent: [] };
		for (const one of found) {
			const { worker, returned } = one;
			const became =
				returned === null
					? await ofTheRun(one, directory, ticket.nonce, o.ended)
					: own.has(worker.log)
						? 'known'
						: await brought(one, returned, ticket.nonce, o.ended);
			if (became !== null) told[became].push(addedWorker(one));
		}
		const before = logsOf(run);
		await addReports(o.home, directory);
		const after = logsOf(await readRun(directory));
		// Those that reported into the run itself since somebody last asked of it.
		const isTold = new Set(told.added.map(({ name }) => name));
		for (const one of found) {
			const { log } = one.worker;
			if (one.returned === null && after.has(log) && !before.has(log) && !isTold.has(log)) told.added.push(addedWorker(one));
		}
		return { format: 1, run: id, ...told };
	} finally {
		for (const one of opened) await one[Symbol.asyncDispose]();
	}
}

function addedWorker({ worker, folder }: Found): AddedWorker {
	return { name: worker.log, host: worker.report?.host ?? null, folder, heard: worker.heard };
}

function logsOf({ workers }: Run): ReadonlySet<LogId> {
	return new Set(workers.map(({ log }) => log));
}

function checkNamed(ended: readonly string[], found: readonly Found[]): void {
	const unknown = ended.find((word) => !found.some(({ worker }) => isNamed(worker, [word])));
	if (unknown === undefined || unknown === 'all') return;
	const hosts = [...new Set(found.flatMap(({ worker }) => worker.report?.host ?? []))].toSorted();
	throw new CellarError('CELLAR_NO_SUCH_WORKER', `no worker of this run is called ${unknown} or ran on a host of that name`, {
		hint: hosts.length === 0 ? 'no worker has begun to report' : `workers began on ${hosts.join(', ')}`,
	});
}

function isNamed({ log, report }: WorkerState, ended: readonly string[]): boolean {
	return ended.some((word) => word === 'all' || word === log || word === report?.host);
}

/** One that reports into the run itself. Null where there is nothing to say. */
async function ofTheRun(
	{ worker }: Found,
	directory: string,
	nonce: string,
	ended: readonly string[],
): Promise<'added' | 'open' | null> {
	if (worker.state !== 'running' && worker.state !== 'silent') return null;
	// A word is enough for what is silent; who was heard of just now is not dead.
	if (worker.state !== 'silent' || worker.report === null || !isNamed(worker, ended)) return 'open';
	await using folder = await takeWorker(directory, worker.log, true);
	if (folder === null) return 'open';
	await reduceWorker(folder, worker.report, nonce, knownHere());
	return 'added';
}

/** One that was brought back. Its times may be those of the copying. */
async function brought(
	{ worker }: Found,
	returned: Returned,
	nonce: string,
	ended: readonly string[],
): Promise<'added' | 'known' | 'open' | 'silent'> {
	const { log, state, report, heard } = worker;
	if (state === 'running' && (heard === null || !isNamed(worker, ended))) return 'open';
	if (state !== 'reported') {
		if (report === null) return 'silent';
		await using folder = await takeWorker(returned.directory, log, true);
		if (folder === null) return 'open';
		await reduceWorker(folder, report, nonce, knownHere());
	}
	return (await returned.settle(log)) ? 'added' : 'known';
}
