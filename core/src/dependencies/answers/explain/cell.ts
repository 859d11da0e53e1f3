import { CellarError, type CellUse, type FileFact, type Name, type RunCell } from '../../../model/index.ts';
import type { Judgement } from '../../judge.ts';
import { parseSelector } from '../selector.ts';
import { countsOf, didBy, explanationOfPart } from './did.ts';
import { noPart, type Did, type Explanation } from './explanation.ts';

/**
 * What a cell names, used, made and started.
 *
 * @param what `cell:N`
 * @param uses what the source of each cell names
 * @throws CellarError CELLAR_NO_SUCH_CELL; CELLAR_USAGE where it is not one cell
 */
export function explainCell(
	j: Judgement,
	files: ReadonlyMap<Name, FileFact>,
	uses: readonly CellUse[],
	what: string,
): Explanation {
	const selector = parseSelector(what, j.run);
	const [part] = selector.parts;
	const cell = part?.part === 'cell' ? j.run.cells.find((one) => one.number === part.cell) : undefined;
	if (cell === undefined || selector.parts.length > 1) {
		throw new CellarError('CELLAR_USAGE', `${what} is not one cell`, { hint: 'cellar explain cell:3' });
	}
	const names = uses.find((use) => use.number === cell.number)?.names ?? null;
	const executions = new Set(cell.executions);
	const did = didBy(j, files, selector, (process) => process.cell !== null && executions.has(process.cell));
	return explanationOfPart(what, 'cell', reasonOf(cell, did), {
		...noPart,
		cell: {
			...{ number: cell.number, id: cell.id, status: cell.status, seconds: cell.seconds },
			names:
				names === null
					? null
					: {
							imports: [...new Set(names.imports.map((one) => one.module))],
							...{ commands: names.commands, runs: names.runs, paths: names.paths },
						},
			...did,
		},
	});
}

function reasonOf({ status, seconds }: RunCell, did: Did): string {
	return `${status}${seconds === null ? '' : ` after ${seconds.toFixed(1)} s`}: ${countsOf(did)}`;
}
