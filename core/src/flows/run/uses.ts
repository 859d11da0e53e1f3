import type { CellUse } from '../../model/index.ts';
import { loadAnalyser, modulesByCell, namesReader, type CodeCell } from '../../notebook/index.ts';

/** What the text of each code cell names. Cells of a language that is not read yet name nothing. */
export async function usesOf(cells: readonly CodeCell[], language: string): Promise<readonly CellUse[]> {
	const analyser = language.toLowerCase() === 'python' ? await loadAnalyser() : null;
	const read = analyser === null ? namesReader(language) : (source: string) => analyser.cell(source);
	if (read === null) return [];
	const names = cells.map((cell) => read(cell.source));
	const modules = modulesByCell(names);
	return cells.map((cell, at) => ({ number: cell.number, names: names[at]!, modules: modules[at] ?? [] }));
}
