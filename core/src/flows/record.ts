import { readFile } from 'node:fs/promises';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { CellarError, encodeName, type PackedPath, type Run } from '../model/index.ts';
import { readRun, readTables, type Blobs } from '../store/index.ts';

/** Where an image keeps the record of its run; a mark's path begins so too, and the sandbox shows neither. */
export const recordRoot = '/.cellar/record';

/** The files of a run folder that its image carries: all that a reader of the run needs, but not the log. */
const carried = ['run.json', 'journal.jsonl', 'notebook.ipynb', 'executed.ipynb', 'dependencies.json'];

const recordSchema = v.object({
	format: v.literal(1),
	/** What the user left out by `--without`: absolute paths, of files or of folders. */
	without: v.array(v.string()),
	leftOut: v.array(v.object({ path: v.string(), reason: v.string(), secret: v.boolean() })),
});
/** What the record of an image holds beside the run's own files. */
export type ImageRecord = v.InferOutput<typeof recordSchema>;

/**
 * Reads an image's record, and the run in it.
 *
 * @param record the folder of the record
 * @throws CellarError CELLAR_IMAGE_BROKEN where it is not as Cellar writes it
 */
export async function readImageRecord(record: string): Promise<{ readonly told: ImageRecord; readonly first: Run }> {
	const broken = (why: string, cause: unknown) =>
		new CellarError('CELLAR_IMAGE_BROKEN', `the record of the image is not as it should be: ${why}`, {
			hint: 'pack the run again',
			cause,
		});
	try {
		const told = v.parse(recordSchema, JSON.parse(await readFile(join(record, 'image.json'), 'utf8')));
		return { told, first: await readRun(join(record, 'run')) };
	} catch (cause) {
		if (cause instanceof CellarError && cause.code === 'CELLAR_RUN_TOO_NEW') throw cause;
		throw broken(cause instanceof Error ? cause.message : String(cause), cause);
	}
}

/** What dpkg says of the packed files, as a database of its own: by it a traced repeat is judged where there is no such dpkg. */
export const recordedDpkg = `${recordRoot}/dpkg`;

/**
 * The record as paths of an image: the run folder's documents and tables, what was left out, and the bytes of the outputs,
 * so that a repeat on another machine can compare by kind and not only by hash.
 */
export async function recordPaths(
	directory: string,
	blobs: Blobs,
	record: ImageRecord,
	dpkg: readonly { readonly name: string; readonly bytes: Buffer }[],
): Promise<PackedPath[]> {
	const documents = carried.filter((name) => existsSync(join(directory, name)));
	const tables = readdirSync(directory).filter((name) => name.endsWith('.parquet'));
	const files = await Promise.all(
		[...documents, ...tables].map(async (name) => entry(`${recordRoot}/run/${name}`, await readFile(join(directory, name)))),
	);
	const { files: facts } = await readTables(directory);
	const kept = new Set(facts.flatMap((file) => (file.blobAfter === null ? [] : [file.blobAfter])));
	const outputs: PackedPath[] = [];
	for (const sha256 of kept) {
		if (await blobs.has(sha256))
			outputs.push({
				...entry(`${recordRoot}/blobs/sha256/${sha256.slice(0, 2)}/${sha256}`, Buffer.alloc(0)),
				source: { from: 'blob', sha256 },
			});
	}
	const told = entry(`${recordRoot}/image.json`, Buffer.from(`${JSON.stringify(record, null, '\t')}\n`));
	const packages = dpkg.map(({ name, bytes }) => entry(`${recordedDpkg}/${name}`, bytes));
	return [...files, ...outputs, told, ...packages];
}

function entry(path: string, bytes: Buffer): PackedPath {
	return {
		path: encodeName(Buffer.from(path)),
		layer: 'record',
		kind: 'file',
		target: null,
		source: { from: 'bytes', bytes },
		mode: 0o644,
		expected: null,
		reason: 'the record of the run',
	};
}

/** Where the image of a run is kept when `repeat` was given the run and not an image. */
export function imageOfRun(home: string, id: string): string {
	return join(home, 'images', `${id}.oci.tar`);
}
