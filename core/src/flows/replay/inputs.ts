import { existsSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { CellarError, decodeName, encodeName, type Name, type Run } from '../../model/index.ts';
import type { SandboxOptions } from '../../sandbox/index.ts';
import { readTables } from '../../store/index.ts';

/**
 * The binds that put other files in place of inputs.
 *
 * @param inputs recorded path, absolute or seen from the run's folder, to file
 * @throws CellarError CELLAR_USAGE for a path that the run never read, or a folder; CELLAR_NO_SUCH_FILE
 */
export async function replacedInputs(
	inputs: ReadonlyMap<string, string>,
	recorded: string,
	first: Run,
): Promise<SandboxOptions['binds']> {
	if (inputs.size === 0) return [];
	const { files } = await readTables(recorded);
	const read = new Set(files.filter((file) => file.sha256Before !== null).map((file) => file.path));
	return [...inputs].map(([old, replacement]) => {
		const to = nameOf(old, first.circumstances.cwd);
		if (!read.has(to)) {
			throw new CellarError('CELLAR_USAGE', `the run never read ${old}, so nothing can stand in its place`, {
				hint: 'cellar deps names the inputs of a run',
				where: old,
			});
		}
		const where = `--input ${old}=${replacement}`;
		if (!existsSync(replacement)) throw new CellarError('CELLAR_NO_SUCH_FILE', `there is no file ${replacement}`, { where });
		if (!statSync(replacement).isFile()) throw new CellarError('CELLAR_USAGE', `${replacement} is no file`, { where });
		return { from: resolve(replacement), to, writable: false };
	});
}

function nameOf(path: string, folder: string): Name {
	return encodeName(decodeName(isAbsolute(path) ? path : resolve(folder, path)));
}
