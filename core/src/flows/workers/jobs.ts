import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../model/index.ts';
import { unauditedFolder } from '../../workers/index.ts';

/** The batch jobs of a run whose workers could not be audited where they ran, each with its host's name, as `worker.sh` left them. */
export async function unauditedJobs(directory: string): Promise<ReadonlyMap<string, string>> {
	const folder = join(directory, unauditedFolder);
	const names = await readdir(folder).catch((error: unknown) => {
		if (errnoOf(error) === 'ENOENT') return [];
		throw error;
	});
	const read = async (name: string) => (await readFile(join(folder, name), 'utf8')).trim();
	return new Map(await Promise.all(names.map(async (name) => [name, await read(name)] as const)));
}
