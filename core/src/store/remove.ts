import { readdir, rename, rm, stat, unlink, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { CellarError, diskError, errnoOf } from '../model/index.ts';
import { blobsFolder, runsFolder } from './home.ts';
import { readJournal } from './journal.ts';
import { isAlive } from './lock.ts';
import { listRuns, type RunSummary } from './runs.ts';
import { hasTables, readFiles, readOutputs } from './tables/facts.ts';

/** What a removal freed. `keptBecause` says why blobs that nobody may need were left. */
export interface Removed {
	readonly blobs: number;
	readonly bytes: number;
	readonly keptBecause: string | null;
}

/**
 * Removes a run and the blobs that no other run refers to. Where the home holds only a link to the run, the link goes and
 * the folder that it leads to stays.
 *
 * @param id as the home lists it
 * @throws CellarError CELLAR_NO_SUCH_RUN, CELLAR_RUN_IN_USE, CELLAR_NO_PERMISSION
 */
export async function removeRun(home: string, id: string): Promise<Removed> {
	const runs = runsFolder(home);
	const directory = join(runs, id);
	if (!(await listRuns(home)).some((run) => run.run === id)) {
		throw new CellarError('CELLAR_NO_SUCH_RUN', `there is no run "${id}" in ${home}`, {
			hint: 'cellar runs lists the runs that are kept',
		});
	}
	if (await isAlive(directory)) {
		throw new CellarError('CELLAR_RUN_IN_USE', `run ${id} is still running`, {
			where: directory,
			hint: `end it first; where it runs on no machine any more, delete ${join(directory, 'lock')}`,
		});
	}
	try {
		if ((await lstat(directory)).isSymbolicLink()) await unlink(directory);
		else {
			// Renamed first: a removal that is cut short leaves no half of a run in the list.
			const hidden = join(runs, `.${id}.removed`);
			await rename(directory, hidden);
			await rm(hidden, { recursive: true });
		}
	} catch (cause) {
		throw diskError(cause, `remove run ${id}`, { where: directory });
	}
	return sweepBlobs(home);
}

/** How old a half-written blob must be to be nobody's any more. */
const staleMs = 24 * 3600 * 1000;

/**
 * Removes the blobs to which no run of a home refers. While a run is going on, what was kept since it began stays: it may
 * be that run's, whose tables are not written yet. Where a run cannot be read nothing is removed.
 */
export async function sweepBlobs(home: string): Promise<Removed> {
	const runs = await listRuns(home);
	const needed = new Set<string>();
	for (const run of runs) {
		const references = run.problem ?? (await referencesOf(run.directory));
		if (references instanceof CellarError) {
			const keptBecause = `run ${run.run} cannot be read, and may refer to any of them: ${references.message}`;
			return { blobs: 0, bytes: 0, keptBecause };
		}
		for (const sha256 of references) needed.add(sha256);
	}
	const youngest = Math.min(...runs.map(startIfRunning));
	const root = blobsFolder(home);
	let [blobs, bytes] = [0, 0];
	for (const folder of await namesIn(join(root, 'sha256'))) {
		for (const name of await namesIn(join(root, 'sha256', folder))) {
			if (needed.has(name)) continue;
			const path = join(root, 'sha256', folder, name);
			const state = await stat(path);
			if (state.mtimeMs >= youngest) continue;
			await rm(path);
			blobs += 1;
			bytes += state.size;
		}
	}
	await removeLeavings(home);
	const keptBecause = youngest < Infinity ? 'a run is going on: what was kept since it began stays' : null;
	return { blobs, bytes, keptBecause };
}

/** What was cut short: half a blob, half a removal, a run that never got its name. Young ones may be somebody's. */
async function removeLeavings(home: string): Promise<void> {
	const runs = runsFolder(home);
	const temporary = join(blobsFolder(home), 'tmp');
	const hidden = (await namesIn(runs)).filter((name) => /^\..+\.(new|removed)$/.test(name)).map((name) => join(runs, name));
	for (const path of [...hidden, ...(await namesIn(temporary)).map((name) => join(temporary, name))]) {
		const young = (await stat(path)).mtimeMs >= Date.now() - staleMs;
		if (!young || path.endsWith('.removed')) await rm(path, { recursive: true });
	}
}

/** The blobs that a run refers to, or why they cannot be told. */
async function referencesOf(directory: string): Promise<ReadonlySet<string> | CellarError> {
	try {
		return await readReferences(directory);
	} catch (error) {
		if (error instanceof CellarError) return error;
		throw error;
	}
}

/** Its tables', and those of its journal, which it has before it has tables. */
async function readReferences(directory: string): Promise<ReadonlySet<string>> {
	const found = new Set<string>();
	for (const entry of await readJournal(directory)) if (entry.event === 'input' && entry.kept) found.add(entry.sha256);
	if (!(await hasTables(directory))) return found;
	for (const file of await readFiles(directory)) for (const blob of [file.blobBefore, file.blobAfter]) if (blob) found.add(blob);
	for (const output of await readOutputs(directory)) if (output.blob) found.add(output.blob);
	return found;
}

function startIfRunning(run: RunSummary): number {
	return run.status === 'running' && run.started !== null ? Date.parse(run.started) : Infinity;
}

async function namesIn(path: string): Promise<string[]> {
	return readdir(path).catch((error: unknown) => {
		if (errnoOf(error) === 'ENOENT') return [];
		throw error;
	});
}
