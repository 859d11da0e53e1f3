import type { CellNames } from '../../model/index.ts';
import { shellNames } from '../python/shell.ts';
import { cellNames, nothingFound } from './names.ts';

/** What a cell of bash names: the programs that its commands start, files, and the scripts that it sources. */
export function bashNames(source: string): CellNames {
	const found = nothingFound();
	const { commands, paths, lists, sources } = shellNames(source);
	for (const command of commands) found.commands.add(command);
	for (const path of paths) found.paths.add(path);
	for (const script of sources) found.runs.add(script);
	found.lists = lists;
	return cellNames(found);
}
