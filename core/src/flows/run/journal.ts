import type { CellResult, JournalEntry, Run } from '../../model/index.ts';

/** The results of a run's executions, in their order; the journal's last word on an execution counts. */
export function resultsOf(journal: readonly JournalEntry[]): CellResult[] {
	const results = new Map<number, CellResult>();
	for (const entry of journal) if (entry.event === 'cell end') results.set(entry.result.execution, entry.result);
	return [...results.values()].toSorted((a, b) => a.execution - b.execution);
}

/** The run as it began: what the journal's first entry says. */
export function beginningOf(journal: readonly JournalEntry[]): Run | null {
	const first = journal[0];
	return first?.event === 'begin' ? first.run : null;
}
