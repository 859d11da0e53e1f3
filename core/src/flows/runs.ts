import { lstatSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CellarError, errnoOf, type Listener, type Warning } from '../model/index.ts';
import {
	bytesOfRun,
	findRun,
	isAlive,
	listRuns,
	readJournal,
	removeRun,
	sweepBlobs,
	unfinishedRuns,
	type RunSummary,
} from '../store/index.ts';
import { endLeftovers, leftRunning, type Leftover } from './leftovers.ts';
import { imageOfRun } from './record.ts';
import { firstOf } from './run/paths.ts';
import { recoverIn } from './recover.ts';
import { sweepWorkplaces } from './replay/workplace.ts';

/** A row of `cellar runs`. */
export type RunListing = Omit<RunSummary, 'directory' | 'problem'>;

/** The runs kept, newest first; with what could not be read said as warnings. */
export async function runsKept(
	home: string,
): Promise<{ readonly runs: readonly RunListing[]; readonly warnings: readonly Warning[] }> {
	const summaries = await listRuns(home);
	return {
		runs: summaries.map(({ directory: _, problem: __, ...listing }) => listing),
		warnings: summaries.flatMap(({ problem }) => (problem === null ? [] : [{ code: problem.code, message: problem.message }])),
	};
}

/**
 * Removes one run and what only it kept: its folder, its image, and the blobs to which no other run refers.
 *
 * @throws CellarError CELLAR_NO_SUCH_RUN, CELLAR_RUN_IN_USE: also where something that it started is still running
 */
export async function removeRunNamed(home: string, word: string): Promise<{ readonly run: string; readonly bytes: number }> {
	const { id, directory } = await findRun(home, word);
	const left = await leftOf(id, directory);
	if (left.length > 0) {
		// The folder is all by which they can be found.
		throw new CellarError('CELLAR_RUN_IN_USE', `run ${id} died and left ${firstOf(left.map(named))} running`, {
			hint: 'cellar runs prune ends it; then remove the run',
		});
	}
	const folder = join(home, 'runs', id);
	// Of a run that lies elsewhere only the link goes.
	const isHere = lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
	const own = isHere ? bytesOfRun(folder) : 0;
	const removed = await removeRun(home, id);
	return { run: id, bytes: own + removed.bytes + freed(imageOfRun(home, id)) };
}

async function leftOf(id: string, directory: string): Promise<readonly Leftover[]> {
	if (await isAlive(directory)) return [];
	try {
		return await leftRunning(id, await readJournal(directory));
	} catch (error) {
		// A run that cannot be read can still be removed.
		if (error instanceof CellarError) return [];
		throw error;
	}
}

function named({ command, pid }: Leftover): string {
	return `${command} (process ${pid})`;
}

/** Ends what died runs left running, makes these runs whole, and frees what no run refers to: the whole of `cellar runs prune`. */
export async function pruneRuns(
	home: string,
	listen: Listener,
): Promise<{ readonly ended: readonly Leftover[]; readonly bytes: number }> {
	const ended: Leftover[] = [];
	for (const { id, directory } of await unfinishedRuns(home)) {
		const left = await leftOf(id, directory);
		if (left.length === 0) continue;
		await endLeftovers(await readJournal(directory));
		ended.push(...left);
	}
	if (ended.length > 0) for (const warning of await recoverIn(home, listen)) listen({ type: 'warning', warning });
	const swept = await sweepBlobs(home);
	return { ended, bytes: swept.bytes + (await freeUnpacked(home)) };
}

/** What was used so lately may be wanted by a repeat that has not begun yet; milliseconds. */
const youngMs = 3_600_000;

/** Images that were unpacked for a repeat, which can be unpacked again, and what sandboxes that were killed have left. */
async function freeUnpacked(home: string): Promise<number> {
	let bytes = await sweepWorkplaces(home);
	for (const { directory } of await unfinishedRuns(home)) if (await isAlive(directory)) return bytes;
	for (const name of namesIn(join(home, 'roots'))) {
		const path = join(home, 'roots', name);
		if (statSync(path).mtimeMs < Date.now() - youngMs) bytes += freed(path);
	}
	return bytes;
}

/** Removes a file or a tree. @returns how many bytes were in it */
function freed(path: string): number {
	const state = lstatSync(path, { throwIfNoEntry: false });
	if (state === undefined) return 0;
	const bytes = state.isDirectory() ? bytesOfRun(path) : state.size;
	rmSync(path, { recursive: true, force: true });
	return bytes;
}

function namesIn(path: string): string[] {
	try {
		return readdirSync(path);
	} catch (error) {
		if (errnoOf(error) === 'ENOENT') return [];
		throw error;
	}
}
