import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Absent } from '../../core/src/index.ts';
import { readTables } from '../../core/src/store/index.ts';
import { type Comparison } from '../../core/src/model/index.ts';
import type { ErrorDocument, Place } from './cellar.ts';

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

/** So many of a list, by a seed that `CELLAR_TEST_SEED` may give; it is said, with what was drawn. */
export function drawn<Item>(items: readonly Item[], count: number): readonly Item[] {
	const seed = Number(process.env['CELLAR_TEST_SEED'] ?? Date.now() % 1_000_000);
	const random = randomFrom(seed);
	const left = [...items];
	const taken = Array.from({ length: count }, () => left.splice(Math.floor(random() * left.length), 1)[0]!);
	process.stdout.write(`CELLAR_TEST_SEED=${seed} draws, of ${items.length}:\n  ${taken.join('\n  ')}\n`);
	return taken;
}

/** The names of the files in the layers of an image that was written as a folder. */
export function namesInImage(folder: string): ReadonlySet<string> {
	const blob = (digest: string) => join(folder, 'blobs', digest.replace(':', '/'));
	const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Record<string, { digest: string }[]>; // an OCI document of ours
	const manifest = read(blob(read(join(folder, 'index.json'))['manifests']![0]!.digest));
	const listed = manifest['layers']!.map(({ digest }) =>
		execFileSync('tar', ['--list', '--file', blob(digest)], { encoding: 'utf8', maxBuffer: 1 << 28 }),
	);
	return new Set(listed.flatMap((text) => text.split('\n').map((name) => `/${name.replace(/^\.?\//, '')}`)));
}

/**
 * What a run opened and its image holds, bytecode by its source: Python reads the one in place of the other, and an image
 * without the source has neither.
 */
export async function openedAndPacked(directory: string, image: string): Promise<string[]> {
	const packed = namesInImage(image);
	const { facts } = await readTables(directory);
	const opened = facts.accesses
		.filter((access) => access.how === 'read' || access.how === 'execute')
		.map((access) => access.path.replace(/\/__pycache__\/([^/]+)\.cpython-\d+\.pyc$/, '/$1.py'));
	return [...new Set(opened)].filter((path) => packed.has(path)).sort();
}

/** What `cellar repeat --json` prints. */
export interface RepeatDocument extends Comparison {
	readonly absent: readonly Absent[];
	readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/**
 * Packs a run without one of its files and repeats it. Where the repeat does not come out the same, no cell differs before the
 * one that is named as the first to use the file; where it does, that the file was absent is said all the same.
 */
export async function repeatWithout(place: Place, run: string, path: string): Promise<'cannot start' | 'fails' | 'same'> {
	const image = join(place.folder, 'without.oci.tar');
	const home = join(place.folder, 'repeats');
	try {
		const packed = await place.cellar(['pack', run, '-o', image, '--without', path, '--json']);
		expect(packed.code, packed.stderr).toBe(0);
		expect(packed.json<{ leftOut: { path: string; reason: string }[] }>().leftOut).toContainEqual({
			path,
			reason: 'left out by --without',
		});
		const said = await place.cellar(['repeat', image, '--json', '--progress', 'plain'], { env: { CELLAR_HOME: home } });
		expect(said.stderr, path).toMatch(/was left out of the image by --without; (start-up|cell \d+) used it first/);
		expect(said.stderr).toContain(path);
		if (said.code === 5) {
			const { error } = said.json<ErrorDocument>();
			expect(error.code, said.stderr).toBe('CELLAR_IMAGE_BROKEN');
			expect(error.hint).toContain(`${path} was left out of the image by --without; start-up used it first`);
			return 'cannot start';
		}
		const document = said.json<RepeatDocument>();
		expect(document.absent.map((one) => one.path)).toEqual([path]);
		const [absent] = document.absent;
		expect(absent).toMatchObject({ used: true, reason: 'left out of the image by --without' });
		const differing = document.cells.filter((cell) => cell.verdict !== 'same').map((cell) => cell.number);
		if (document.verdict === 'same') {
			expect(said.code).toBe(0);
			expect(differing).toEqual([]);
			return 'same';
		}
		expect(said.code, said.stderr).toBe(1);
		expect(Math.min(...differing), `${path} ${said.stdout}`).toBeGreaterThanOrEqual(absent!.cell ?? 1);
		return document.verdict === 'incomplete' && differing.length === document.cells.length ? 'cannot start' : 'fails';
	} finally {
		rmSync(image, { force: true });
		// What was unpacked is hundreds of megabytes, and no other repeat's.
		if (existsSync(join(home, 'roots'))) rmSync(join(home, 'roots'), { recursive: true });
	}
}
