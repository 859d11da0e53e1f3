import { existsSync, lstatSync, readdirSync, type Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { CellarError, errnoOf, type Run, type RunStatus } from '../model/index.ts';
import { names, runsFolder } from './home.ts';
import { readRun } from './read.ts';

/** A row of `cellar runs`. Where the folder cannot be read, `problem` says why and what it would have told is null. */
export interface RunSummary {
	readonly run: string;
	readonly directory: string;
	readonly notebook: string | null;
	/** The name of the program, where there is no notebook. */
	readonly program: string | null;
	readonly status: RunStatus | null;
	readonly started: string | null;
	readonly seconds: number | null;
	readonly cells: { readonly total: number; readonly finished: number };
	readonly workers: number;
	/** What the folder takes on the disk, blobs apart. */
	readonly bytes: number;
	readonly repeatOf: string | null;
	readonly problem: CellarError | null;
}

/** The runs that are kept, newest first; a run whose process is gone before its end is `died`. */
export async function listRuns(home: string): Promise<readonly RunSummary[]> {
	const summaries: RunSummary[] = [];
	for (const id of await idsIn(home)) summaries.push(await summaryOf(id, join(runsFolder(home), id)));
	return summaries.toSorted((a, b) => byName(b.run.slice(0, 15), a.run.slice(0, 15)) || byName(b.started ?? '', a.started ?? ''));
}

async function summaryOf(id: string, directory: string): Promise<RunSummary> {
	const bytes = bytesOfRun(directory);
	const run = await readable(directory);
	if (run instanceof CellarError) {
		const unknown = { notebook: null, program: null, status: null, started: null, seconds: null, workers: 0, repeatOf: null };
		return { run: id, directory, ...unknown, cells: { total: 0, finished: 0 }, bytes, problem: run };
	}
	return {
		run: id,
		directory,
		notebook: run.notebook,
		program: run.notebook === null ? basename(run.circumstances.argv[0] ?? '') : null,
		status: run.status,
		started: run.started,
		seconds: run.seconds,
		cells: { total: run.cells.length, finished: run.cells.filter((cell) => cell.status === 'finished').length },
		workers: run.workers.length,
		bytes,
		repeatOf: run.repeatOf,
		problem: null,
	};
}

/**
 * The runs that are not whole: still being made, or left by a process that died. To be asked by every command, so it opens
 * no file.
 */
export async function unfinishedRuns(home: string): Promise<readonly { readonly id: string; readonly directory: string }[]> {
	const runs = runsFolder(home);
	return (await idsIn(home))
		.map((id) => ({ id, directory: join(runs, id) }))
		.filter(({ directory }) => existsSync(join(directory, names.lock)) || !existsSync(join(directory, names.run)));
}

/** What a run's folder takes on the disk, blobs apart. */
// Synchronous inside: over hundreds of runs this is several times faster than the thread pool.
export function bytesOfRun(directory: string): number {
	let bytes = 0;
	for (const entry of entriesOf(directory)) {
		const path = join(directory, entry.name);
		if (entry.isDirectory()) bytes += bytesOfRun(path);
		else if (entry.isFile()) bytes += lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
	}
	return bytes;
}

function entriesOf(directory: string): readonly Dirent[] {
	try {
		return readdirSync(directory, { withFileTypes: true });
	} catch (error) {
		return orNothing<readonly Dirent[]>([])(error);
	}
}

/**
 * The run that a word means (INTERFACE, "Words in arguments"): an id, a prefix that only one id has, a path, or `latest`,
 * the newest run that is not a repeat.
 *
 * @throws CellarError CELLAR_NO_SUCH_RUN with the nearest one, CELLAR_AMBIGUOUS_RUN with those that fit; for a path also
 *   CELLAR_RUN_UNREADABLE and CELLAR_RUN_TOO_NEW
 */
export async function findRun(home: string, word: string): Promise<{ readonly id: string; readonly directory: string }> {
	if (word.includes('/') || extname(word) !== '' || word === '.' || word === '..') {
		const directory = resolve(word);
		return { id: (await readRun(directory)).run, directory };
	}
	const runs = runsFolder(home);
	const ids = await idsIn(home);
	if (word === 'latest') return latest(home, ids);
	const fitting = ids.includes(word) ? [word] : ids.filter((id) => word !== '' && id.startsWith(word));
	const [id] = fitting;
	if (id === undefined) throw noSuchRun(home, word, ids);
	if (fitting.length > 1) {
		throw new CellarError('CELLAR_AMBIGUOUS_RUN', `"${word}" may be any of ${fitting.length} runs: ${fitting.join(', ')}`, {
			hint: 'type one more letter of the id',
		});
	}
	return { id, directory: join(runs, id) };
}

async function latest(home: string, ids: readonly string[]): Promise<{ id: string; directory: string }> {
	let best: { id: string; directory: string; started: string } | null = null;
	for (const id of ids) {
		// Runs of one second are told apart by their milliseconds, which only the runs themselves know.
		if (best !== null && best.id.slice(0, 15) !== id.slice(0, 15)) break;
		const directory = join(runsFolder(home), id);
		const run = await readable(directory);
		if (run instanceof CellarError) {
			// A run of a newer Cellar may be the one that is meant: do not quietly take the one before it.
			if (run.code === 'CELLAR_RUN_TOO_NEW') throw run;
			continue;
		}
		if (run.repeatOf === null && (best === null || run.started > best.started)) best = { id, directory, started: run.started };
	}
	if (best === null) throw noSuchRun(home, 'latest', []);
	return { id: best.id, directory: best.directory };
}

function noSuchRun(home: string, word: string, ids: readonly string[]): CellarError {
	const nearest = ids.toSorted((a, b) => distance(word, a) - distance(word, b))[0];
	const failed = word === 'latest' ? `there is no run yet in ${home}` : `there is no run "${word}" in ${home}`;
	return new CellarError('CELLAR_NO_SUCH_RUN', failed, {
		hint:
			nearest === undefined ? 'cellar audit NOTEBOOK.ipynb makes one' : `the nearest is ${nearest}; cellar runs lists them all`,
	});
}

/** Newest second first. A run folder may be a link to where it really lies. */
async function idsIn(home: string): Promise<string[]> {
	const found: string[] = await readdir(runsFolder(home)).catch(orNothing([]));
	return found.filter((name) => /^\d{8}-\d{6}-[0-9a-z]{4}$/.test(name)).toSorted((a, b) => byName(b, a));
}

/** The run, or why it cannot be read: one broken folder must not hide the others. */
async function readable(directory: string): Promise<Run | CellarError> {
	try {
		return await readRun(directory);
	} catch (error) {
		if (error instanceof CellarError) return error;
		throw error;
	}
}

/** For what may be gone by now: a live run renames its files under the reader. */
function orNothing<T>(nothing: T): (error: unknown) => T {
	return (error) => {
		if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return nothing;
		throw error;
	};
}

function byName(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}

/** Levenshtein's: how many letters must be put in, left out or changed. */
function distance(a: string, b: string): number {
	let row = Array.from({ length: b.length + 1 }, (_, at) => at);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++) {
			const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
			next.push(Math.min(changed, row[j]! + 1, next[j - 1]! + 1));
		}
		row = next;
	}
	return row[b.length]!;
}
