import type { Access, CellExecution, Facts, Run, Seq } from '../model/index.ts';
import { byName } from './paths.ts';

/** What came before any cell is known to have begun. */
const early = 'start-up';
const late = 'after the last cell';

/**
 * Tells when the manager did what belongs to no cell: `start-up`, `after cell 3`, `during cell 3` (on a thread that was there before
 * it), or `after the last cell`.
 *
 * The log has a cell's begin, and no table does. But what is told to belong to a cell came after its begin; and what came later still
 * on a thread that runs cells, while none was active, came after its end.
 */
export function createOutside(run: Run, facts: Facts): (access: Access) => string | null {
	const numbers = new Map(run.cells.flatMap((cell) => cell.executions.map((execution) => [execution, cell.number] as const)));
	const last = Math.max(0, ...numbers.keys());
	let begins: readonly (readonly [Seq, CellExecution])[] | null = null;
	const after = (seq: Seq): CellExecution | null => {
		begins ??= beginsOf(facts);
		let found: CellExecution | null = null;
		for (const [begin, execution] of begins) {
			if (begin >= seq) continue;
			if (found === null || execution > found) found = execution;
		}
		return found;
	};
	return ({ cell, worker, log, during, first }) => {
		if (cell !== null || worker !== null || log !== 'manager' || run.notebook === null) return null;
		if (during !== null) return `during cell ${numbers.get(during) ?? '?'}`;
		const execution = after(first);
		if (execution === null) return early;
		return execution === last ? late : `after cell ${numbers.get(execution) ?? '?'}`;
	};
}

/** For each cell execution, the first that is told of it. */
function beginsOf({ accesses, processes, tasks }: Facts): [Seq, CellExecution][] {
	const begins = new Map<CellExecution, Seq>();
	const see = (execution: CellExecution | null, seq: Seq) => {
		if (execution !== null && seq < (begins.get(execution) ?? Infinity)) begins.set(execution, seq);
	};
	for (const { log, cell, first, ambiguous } of accesses) if (log === 'manager' && !ambiguous) see(cell, first);
	for (const { log, cell, born } of processes) if (log === 'manager') see(cell, born);
	for (const { submitted } of tasks) if (submitted?.log === 'manager') see(submitted.cell, submitted.seq);
	return [...begins].map(([execution, seq]) => [seq, execution]);
}

/** Each once, in the order of time. */
export function outsideInOrder(all: Iterable<string>): string[] {
	const rank = (text: string) => (text === early ? 0 : text === late ? Infinity : Number(/\d+/.exec(text)?.[0] ?? 0));
	return [...new Set(all)].toSorted((a, b) => (rank(a) === rank(b) ? byName(a, b) : rank(a) - rank(b)));
}
