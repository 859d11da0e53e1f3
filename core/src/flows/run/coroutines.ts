import type { CellUse } from '../../model/index.ts';
import { executed } from './cells.ts';
import type { CodeCell } from '../../notebook/index.ts';

/** What the code of the cells says and the log cannot tell, by execution. */
export interface CodeHints {
	/** Executions after which something may go on in the event loop: from then on the main thread may work for them. */
	readonly coroutineCells: ReadonlySet<number>;
	/** Executions whose code IPython hands to a program, as `%%bash` does. */
	readonly scriptCells: ReadonlySet<number>;
}

export function hintsOfCode(cells: readonly CodeCell[], uses: readonly CellUse[]): CodeHints {
	const starting = new Set(uses.filter((use) => use.names.startsCoroutine).map((use) => use.number));
	const executionsOf = (fits: (cell: CodeCell) => boolean) =>
		new Set(executed(cells).flatMap((cell, at) => (fits(cell) ? [at + 1] : [])));
	return {
		coroutineCells: executionsOf((cell) => starting.has(cell.number)),
		scriptCells: executionsOf((cell) => scriptMagic.test(cell.source)),
	};
}

/** The cell magics that IPython makes of `%%script`, below others such as `%%time`. */
const scriptMagic = /^\s*(%%[^\n]*\n)*?%%(script|bash|sh|perl|ruby|python[23]?|pypy)\b/;
