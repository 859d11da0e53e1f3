import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CellUse, Run } from '../../model/index.ts';
import { codeCells, parseNotebook, withParameters, type CodeCell, type Notebook } from '../../notebook/index.ts';
import { usesOf } from './uses.ts';

/** What a run executed and what its text names; `notebook` is null, and there are no cells, where it was a program. */
export async function textOf(
	directory: string,
	run: Run,
): Promise<{ readonly notebook: Notebook | null; readonly cells: readonly CodeCell[]; readonly uses: readonly CellUse[] }> {
	if (run.notebook === null) return { notebook: null, cells: [], uses: [] };
	const notebook = await notebookOf(directory, run);
	const cells = codeCells(notebook);
	return { notebook, cells, uses: await usesOf(cells, run.circumstances.kernel?.language ?? '') };
}

/** The notebook that a run executed: as it was given, with the parameters of the run put in. */
export async function notebookOf(directory: string, run: Run): Promise<Notebook> {
	return withParameters(await givenNotebook(directory), new Map(Object.entries(run.circumstances.parameters)));
}

/** The notebook as it was given, without parameters. */
export async function givenNotebook(directory: string): Promise<Notebook> {
	const path = join(directory, 'notebook.ipynb');
	return parseNotebook(await readFile(path), path);
}
