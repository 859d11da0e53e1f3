import type { CellUse } from '../../model/index.ts';
import { loadAnalyser, modulesByCell, type CodeCell } from '../../notebook/index.ts';

/** What the text of each code cell names. Cells of a language that is not read yet name nothing. */
export async function usesOf(cells: readonly CodeCell[], language: string): Promise<readonly CellUse[]> {
	if (language.toLowerCase() !== 'python') return [];
	const analyser = await loadAnalyser();
	const names = cells.map((cell) => analyser.cell(cell.source));
	const modules = modulesByCell(names);
	return cells.map((cell, at) => ({ number: cell.number, names: names[at]!, modules: modules[at] ?? [] }));
}
