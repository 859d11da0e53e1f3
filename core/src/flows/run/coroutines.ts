import type { CellUse } from '../../model/index.ts';
import { executed } from './cells.ts';
import type { CodeCell } from '../../notebook/index.ts';

/** The executions after which something may go on in the event loop: from then on the main thread may work for them. */
export function executionsThatStartCoroutines(cells: readonly CodeCell[], uses: readonly CellUse[]): ReadonlySet<number> {
	const numbers = new Set(uses.filter((use) => use.names.startsCoroutine).map((use) => use.number));
	return new Set(executed(cells).flatMap((cell, at) => (numbers.has(cell.number) ? [at + 1] : [])));
}
