import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '../../model/index.ts';
import { parseNotebook, withParameters, type Notebook } from '../../notebook/index.ts';

/** The notebook that a run executed: as it was given, with the parameters of the run put in. */
export async function notebookOf(directory: string, run: Run): Promise<Notebook> {
	return withParameters(await givenNotebook(directory), new Map(Object.entries(run.circumstances.parameters)));
}

/** The notebook as it was given, without parameters. */
export async function givenNotebook(directory: string): Promise<Notebook> {
	const path = join(directory, 'notebook.ipynb');
	return parseNotebook(await readFile(path), path);
}
