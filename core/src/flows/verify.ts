import { readFile } from 'node:fs/promises';
import { CellarError, type Comparison, type DataDependency, type DataRole, type FileFact, type Name } from '../model/index.ts';
import { findRun, hasTables, openBlobs, readJournal, readRun, readTables, type Blobs } from '../store/index.ts';
import { compareOutcomes, type Outcome } from '../verify/index.ts';
import { readDependencies } from './deps.ts';
import { resultsOf } from './run/journal.ts';

/** How strictly two runs are compared; both tolerances 0 is byte for byte, after the masks. */
export interface Strictness {
	readonly rtol: number;
	readonly atol: number;
	/** Files by a path with `*` and `?`, cells as `cell:N`. */
	readonly ignore: readonly string[];
}

/**
 * Compares the outputs of two runs, cell by cell and file by file: the whole of `cellar verify`.
 *
 * @throws CellarError CELLAR_NO_SUCH_RUN, CELLAR_RUN_UNREADABLE
 */
export async function verifyRuns(
	o: Strictness & { readonly home: string; readonly a: string; readonly b: string },
): Promise<Comparison> {
	const [a, b] = await Promise.all([findRun(o.home, o.a), findRun(o.home, o.b)]);
	const blobs = openBlobs(o.home);
	return compareOutcomes(await outcomeOf(a.directory, blobs), await outcomeOf(b.directory, blobs), o);
}

/** What a run came to: the outputs of its cells, and the files that it wrote and left. */
export async function outcomeOf(directory: string, blobs: Blobs): Promise<Outcome> {
	const run = await readRun(directory);
	if (run.status === 'running') {
		throw new CellarError('CELLAR_RUN_IN_USE', `run ${run.run} is still running`, { hint: 'compare it when it has ended' });
	}
	const written = (await hasTables(directory)) ? await writtenFiles(directory) : [];
	return {
		run: run.run,
		cells: resultsOf(await readJournal(directory)),
		codeCells: run.cells.length,
		...(run.notebook === null ? { program: run.program ?? null } : {}),
		folder: run.circumstances.cwd,
		files: written.map((file) => ({ path: file.path, sha256: file.sha256After, bytes: () => bytesOf(file, blobs) })),
	};
}

/** Outputs and updated files: an intermediate is means, not result. */
async function writtenFiles(directory: string): Promise<readonly FileFact[]> {
	const { files } = await readTables(directory);
	const document = await readDependencies(directory);
	// An untraced repeat keeps nothing but its results.
	if (document === null) return files;
	const results = new Set<Name>(document.data.flatMap(resultsIn));
	return files.filter((file) => results.has(file.path) && file.kind === 'file');
}

/** The paths of what a dependency left as a result; of a store those of its files, each by its own role. */
function resultsIn(item: DataDependency): Name[] {
	const isResult = (role: DataRole) => role === 'output' || role === 'updated';
	if (item.members === null) return isResult(item.role) ? [item.path] : [];
	return item.members.filter((one) => isResult(one.role)).flatMap((one) => one.paths);
}

async function bytesOf(file: FileFact, blobs: Blobs): Promise<Buffer | null> {
	if (file.blobAfter === null || !(await blobs.has(file.blobAfter))) return null;
	return readFile(blobs.path(file.blobAfter));
}
