import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { CellarError, dependenciesSchema, errnoOf, type Dependencies } from '../model/index.ts';

/** A run's `dependencies.json`; null where it was not traced. @throws CellarError CELLAR_RUN_UNREADABLE */
export async function readDependencies(directory: string): Promise<Dependencies | null> {
	const path = join(directory, 'dependencies.json');
	try {
		return v.parse(dependenciesSchema, JSON.parse(await readFile(path, 'utf8')));
	} catch (cause) {
		if (errnoOf(cause) === 'ENOENT') return null;
		throw new CellarError('CELLAR_RUN_UNREADABLE', 'dependencies.json is not as it should be', { where: path, cause });
	}
}
