import { join } from 'node:path';
import { readTables } from '../../core/src/store/index.ts';
import { expect } from 'vitest';
import { type Place } from './cellar.ts';

/** Numbers from a seed (mulberry32), so that a failure can be had again. */
export function randomFrom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let word = Math.imul(state ^ (state >>> 15), 1 | state);
		word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
		return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** Regular files that the run opened, links aside: what an image cannot do without, as far as the run tells. */
export async function openedFiles(directory: string): Promise<string[]> {
	const { facts, files } = await readTables(directory);
	const opened = new Set(
		facts.accesses.filter((access) => access.how === 'read' || access.how === 'execute').map((access) => access.path),
	);
	const system = /^\/(proc|sys|dev|run|etc|tmp)\//;
	return files
		.filter((file) => file.kind === 'file' && opened.has(file.path) && !system.test(file.path) && file.existedBefore === true)
		.map((file) => file.path)
		.sort();
}

/**
 * Packs a run without one of its files and repeats it: the repeat must either fail and name the file with the first cell that
 * used it, or come out the same and still say that it was absent.
 */
export async function repeatWithout(place: Place, run: string, path: string): Promise<'fails' | 'same'> {
	const image = join(place.folder, 'without.oci.tar');
	const packed = await place.cellar(['pack', run, '-o', image, '--without', path, '--json']);
	expect(packed.code, packed.stderr).toBe(0);
	expect(packed.json()['leftOut'].map((item: { path: string }) => item.path)).toContain(path);
	const said = await place.cellar(['repeat', image, '--progress', 'plain'], {
		env: { CELLAR_HOME: join(place.folder, 'repeats') },
	});
	const all = said.stdout + said.stderr;
	expect(all, `${path} is named`).toContain(`${path} was left out of the image`);
	expect(all).toMatch(/(start-up|cell \d+) used it first/);
	return said.code === 0 ? 'same' : 'fails';
}
