import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CellarError, diskError, errnoOf } from '../../model/index.ts';
import { blobFile, indexFile, layoutFile } from '../format.ts';
import { broken, readEntries } from '../tar/entries.ts';
import { openBytes, type Place } from '../tar/stream.ts';

/** The files of an image layout, wherever they lie: in a folder, or within one tar file. */
export interface Layout {
	readonly path: string;
	/** Null where there is none of that name. */
	find(name: string): Place | null;
}

/**
 * Opens a layout without looking into its files.
 *
 * @throws CellarError CELLAR_NO_SUCH_FILE, CELLAR_NO_PERMISSION, CELLAR_IMAGE_BROKEN where it is neither a layout nor a tar
 *   file of one, or is cut
 */
export async function openLayout(path: string): Promise<Layout> {
	const place = resolve(path);
	const layout = statSync(place, { throwIfNoEntry: false })?.isDirectory() ? folderLayout(place) : await tarLayout(place, path);
	if (layout.find(layoutFile) === null || layout.find(indexFile) === null) {
		throw new CellarError('CELLAR_IMAGE_BROKEN', `${path} is no OCI image: it has no ${layoutFile} with an ${indexFile}`, {
			where: path,
		});
	}
	return layout;
}

function folderLayout(folder: string): Layout {
	return { path: folder, find: (name) => placeOf(join(folder, name)) };
}

async function tarLayout(file: string, asked: string): Promise<Layout> {
	const whole = placeOf(file);
	if (whole === null) throw new CellarError('CELLAR_NO_SUCH_FILE', `there is no image ${asked}`, { where: asked });
	await using stream = openBytes(whole, asked);
	const start = await stream.take(Math.min(2, whole.size));
	if (start?.[0] === 0x1f && start[1] === 0x8b) {
		throw new CellarError('CELLAR_IMAGE_BROKEN', `${asked} is compressed as a whole`, { where: asked, hint: 'gunzip it first' });
	}
	const places = new Map<string, Place>();
	await using entries = openBytes(whole, asked);
	for await (const entry of readEntries(entries, asked)) {
		const name = entry.name.toString('latin1').replace(/^\.\//, '');
		if (entry.type !== '0') continue;
		// Two of one name: which of them is meant would depend on who reads it.
		if (places.has(name)) throw broken(asked, `holds ${name} twice`);
		if (entry.offset + entry.size > whole.size) {
			throw broken(asked, `is cut: ${whole.size - entry.offset} of the ${entry.size} bytes of ${name} are there`);
		}
		places.set(name, { file, offset: entry.offset, size: entry.size });
	}
	return { path: file, find: (name) => places.get(name) ?? null };
}

/** The blob of a digest, `sha256:…`. */
export function findBlob(layout: Layout, digest: string): Place | null {
	return layout.find(blobFile(digest));
}

/** Null where there is no regular file. */
function placeOf(file: string): Place | null {
	let open: number;
	try {
		// A pipe under the name of a blob must not make us wait for ever.
		open = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
	} catch (cause) {
		if (errnoOf(cause) === 'EACCES') throw diskError(cause, `read ${file}`, { where: file });
		if (errnoOf(cause) === null) throw cause;
		return null;
	}
	try {
		const state = fstatSync(open);
		return state.isFile() ? { file, offset: 0, size: state.size } : null;
	} finally {
		closeSync(open);
	}
}
