import { endLineage, lineageOf } from '../audit/index.ts';
import type { Warning } from '../model/index.ts';
import { findRun, listRuns, readJournal, removeRun, sweepBlobs, type RunSummary } from '../store/index.ts';

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

/** Removes one run and what only it kept. @throws CellarError CELLAR_NO_SUCH_RUN, CELLAR_RUN_IN_USE */
export async function removeRunNamed(home: string, word: string): Promise<{ readonly run: string; readonly bytes: number }> {
	const { id } = await findRun(home, word);
	const size = (await listRuns(home)).find((run) => run.run === id)?.bytes ?? 0;
	const removed = await removeRun(home, id);
	return { run: id, bytes: size + removed.bytes };
}

interface Leftover {
	readonly run: string;
	readonly pid: number;
	readonly command: string;
}

/** What runs that died have left running: processes still traced by their tracer. */
export async function leftovers(home: string): Promise<readonly (Leftover & { readonly tracer: number })[]> {
	const found: (Leftover & { tracer: number })[] = [];
	for (const run of await listRuns(home)) {
		if (run.status !== 'died' || run.problem !== null) continue;
		const tracer = (await readJournal(run.directory)).flatMap((entry) => (entry.event === 'tracer' ? [entry.pid] : [])).at(-1);
		if (tracer === undefined) continue;
		for (const { pid, command } of await lineageOf(tracer)) found.push({ run: run.run, pid, command, tracer });
	}
	return found;
}

/** Ends what died runs left running, and frees what no run refers to: the whole of `cellar runs prune`. */
export async function pruneRuns(home: string): Promise<{ readonly ended: readonly Leftover[]; readonly bytes: number }> {
	const left = await leftovers(home);
	for (const tracer of new Set(left.map((item) => item.tracer))) await endLineage(tracer, 2000);
	const swept = await sweepBlobs(home);
	return { ended: left.map(({ run, pid, command }) => ({ run, pid, command })), bytes: swept.bytes };
}
