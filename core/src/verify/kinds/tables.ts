import { differs, isTolerant, largest, same, type Judged, type Strictness } from '../strictness.ts';
import { compareText, shown } from './text.ts';

/** The cells of one HTML table by row: text, with white space as a browser shows it. */
export type Grid = readonly (readonly string[])[];

/**
 * Compares the tables of two outputs cell by cell, each cell as text with its numbers.
 *
 * @returns the first difference with its row and column, counted from 1, the header's rows included
 */
export function compareTables(a: readonly Grid[], b: readonly Grid[], o: Strictness): Judged {
	if (a.length !== b.length) return differs(`${a.length} tables against ${b.length}`);
	const judged = a.map((grid, at) => compareGrid(grid, b[at] ?? [], o, a.length === 1 ? '' : `table ${at + 1}, `));
	const firstToDiffer = judged.find(({ verdict }) => verdict === 'differs');
	if (firstToDiffer) return firstToDiffer;
	const close = judged.filter(({ verdict }) => verdict === 'close');
	const reasons = [...new Set(judged.flatMap(({ reason }) => reason ?? []))];
	return {
		verdict: close.length > 0 ? 'close' : 'same',
		reason: reasons.join('; ') || null,
		largestDifference: largest(judged.map(({ largestDifference }) => largestDifference)),
	};
}

function compareGrid(a: Grid, b: Grid, o: Strictness, where: string): Judged {
	if (a.length !== b.length) {
		const at = a.findIndex((row, k) => b[k] === undefined || row.join('\n') !== b[k].join('\n'));
		const first = at < 0 ? a.length : at;
		return differs(
			`${where}${a.length} rows against ${b.length}; row ${first + 1}: ${rowShown(a[first])} against ${rowShown(b[first])}`,
		);
	}
	const narrow = a.findIndex((row, at) => row.length !== b[at]?.length);
	if (narrow >= 0) return differs(`${where}row ${narrow + 1}: ${a[narrow]?.length} cells against ${b[narrow]?.length}`);
	const cells = a.flatMap((row, r) =>
		row.flatMap((text, c) => {
			const other = b[r]?.[c] ?? '';
			return text === other ? [] : [{ r, c, judged: compareText(text, other, o, true) }];
		}),
	);
	if (cells.length === 0) return same;
	const largestDifference = largest(cells.map(({ judged }) => judged.largestDifference));
	const [first, ...others] = cells.filter(({ judged }) => judged.verdict === 'differs');
	if (first) {
		const more = others.length === 0 ? '' : `; ${others.length} more ${others.length === 1 ? 'cell differs' : 'cells differ'}`;
		return differs(`${where}${place(a, first.r, first.c)}: ${first.judged.reason}${more}`, largestDifference);
	}
	const isClose = isTolerant(o) && cells.some(({ judged }) => judged.verdict === 'close');
	const reasons = new Set(cells.map(({ judged }) => judged.reason ?? ''));
	return {
		verdict: isClose ? 'close' : 'same',
		reason: reasons.size === 1 ? [...reasons].join('') : `${cells.length} cells: ${[...reasons].slice(0, 3).join('; ')}`,
		largestDifference,
	};
}

/** A cell by its numbers, and by what stands at the head of its row and column. */
function place(grid: Grid, r: number, c: number): string {
	const heads = [grid[r]?.[0], grid[0]?.[c]].filter((head) => head !== undefined && head !== '' && head.length <= 30);
	return `row ${r + 1}, column ${c + 1}${heads.length === 0 ? '' : ` (${heads.map((head) => shown(head)).join(', ')})`}`;
}

function rowShown(row: readonly string[] | undefined): string {
	return row === undefined ? 'nothing' : shown(row.join(' '));
}
