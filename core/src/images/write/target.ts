import { randomBytes } from 'node:crypto';
import {
	closeSync,
	existsSync,
	fsyncSync,
	ftruncateSync,
	lstatSync,
	mkdirSync,
	openSync,
	readdirSync,
	renameSync,
	rmSync,
	statSync,
	writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { CellarError, errnoOf } from '../../model/index.ts';
import { blobFile, blobsFolder, imageTime, indexFile, layoutFile } from '../format.ts';
import { block, endOfTar, headerOf, padding } from '../tar/header.ts';

/** Where an image grows, under a name that is not yet its own. */
export interface Target {
	/** Adds to the blob that is being written. */
	write(bytes: Buffer): void;
	/** Ends a blob and gives it its name. */
	endBlob(digest: string): void;
	/** Writes the index, makes all of it durable and gives the image its name. */
	finish(index: Buffer): void;
	/** Removes what there is of it. */
	abandon(): void;
}

const layout = Buffer.from('{"imageLayoutVersion":"1.0.0"}\n');

/**
 * Opens the place for an image: a tar file where the name ends in `.tar`, otherwise a folder. An image that stands there
 * is replaced when the new one is whole.
 *
 * @throws CellarError CELLAR_USAGE where something stands there that is no image, CELLAR_NO_SUCH_FILE without a folder
 */
export function openTarget(path: string): Target {
	const place = resolve(path);
	if (!(statSync(dirname(place), { throwIfNoEntry: false })?.isDirectory() ?? false)) {
		throw new CellarError('CELLAR_NO_SUCH_FILE', `there is no folder ${dirname(place)} to put the image in`, { where: path });
	}
	const there = lstatSync(place, { throwIfNoEntry: false });
	const hidden = join(dirname(place), `.${basename(place)}.${randomBytes(6).toString('hex')}.tmp`);
	const isTar = place.endsWith('.tar');
	const replaceable =
		there === undefined || (isTar ? there.isFile() : there.isDirectory() && (isLayout(place) || readdirSync(place).length === 0));
	if (!replaceable) {
		throw new CellarError('CELLAR_USAGE', `${path} is there and is no image, so it is not replaced`, {
			hint: 'give another name with -o: a new folder, or a file that ends in .oci.tar',
		});
	}
	return isTar ? tarTarget(place, hidden) : folderTarget(place, hidden);
}

function isLayout(folder: string): boolean {
	return existsSync(join(folder, layoutFile)) && existsSync(join(folder, indexFile));
}

function folderTarget(place: string, hidden: string): Target {
	for (const folder of ['.', 'blobs', blobsFolder]) mkdirSync(join(hidden, folder));
	const growing = join(hidden, blobsFolder, '.growing');
	let file: number | null = null;
	const writeFile = (name: string, bytes: Buffer) => {
		const written = openSync(join(hidden, name), 'wx', 0o644);
		writeAll(written, bytes, null);
		fsyncSync(written);
		closeSync(written);
	};
	return {
		write(bytes) {
			file ??= openSync(growing, 'wx', 0o644);
			writeAll(file, bytes, null);
		},
		endBlob(digest) {
			if (file === null) return;
			fsyncSync(file);
			closeSync(file);
			file = null;
			renameSync(growing, join(hidden, blobFile(digest)));
		},
		finish(index) {
			writeFile(indexFile, index);
			writeFile(layoutFile, layout);
			for (const folder of ['.', 'blobs', blobsFolder]) syncFolder(join(hidden, folder));
			takePlace(hidden, place);
		},
		abandon() {
			if (file !== null) closeSync(file);
			rmSync(hidden, { recursive: true, force: true });
		},
	};
}

/** A folder cannot be renamed over one that has something in it: the old one is put aside first. */
function takePlace(hidden: string, place: string): void {
	try {
		renameSync(hidden, place);
	} catch (error) {
		if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error;
		const old = `${hidden}.old`;
		renameSync(place, old);
		try {
			renameSync(hidden, place);
		} catch (failed) {
			renameSync(old, place);
			throw failed;
		}
		rmSync(old, { recursive: true });
	}
	syncFolder(dirname(place));
}

/** A layout within a tar file. A blob's name is its hash, so its header is written when the blob is. */
function tarTarget(place: string, hidden: string): Target {
	const file = openSync(hidden, 'wx', 0o644);
	let open = true;
	const close = () => {
		if (open) closeSync(file);
		open = false;
	};
	const digests = new Set<string>();
	let position = 0;
	/** Where the header of the blob that is being written goes; null between blobs. */
	let headerAt: number | null = null;
	const append = (bytes: Buffer) => {
		writeAll(file, bytes, position);
		position += bytes.length;
	};
	const appendEntry = (name: string, kind: 'file' | 'directory', bytes: Buffer) => {
		append(header(name, kind, bytes.length));
		append(bytes);
		append(Buffer.alloc(padding(bytes.length)));
	};
	appendEntry(layoutFile, 'file', layout);
	appendEntry('blobs/', 'directory', Buffer.alloc(0));
	appendEntry(`${blobsFolder}/`, 'directory', Buffer.alloc(0));
	return {
		write(bytes) {
			if (headerAt === null) {
				headerAt = position;
				position += block;
			}
			append(bytes);
		},
		endBlob(digest) {
			if (headerAt === null) return;
			if (digests.has(digest)) {
				ftruncateSync(file, headerAt);
				position = headerAt;
			} else {
				const size = position - headerAt - block;
				writeAll(file, header(blobFile(digest), 'file', size), headerAt);
				append(Buffer.alloc(padding(size)));
				digests.add(digest);
			}
			headerAt = null;
		},
		finish(index) {
			appendEntry(indexFile, 'file', index);
			append(endOfTar);
			fsyncSync(file);
			close();
			renameSync(hidden, place);
			syncFolder(dirname(place));
		},
		abandon() {
			close();
			rmSync(hidden, { force: true });
		},
	};
}

/** One block, whatever the size: a blob's header is written last, in the one block that was left free for it. */
function header(name: string, kind: 'file' | 'directory', size: number): Buffer {
	return headerOf({
		name: Buffer.from(name),
		kind,
		mode: kind === 'file' ? 0o644 : 0o755,
		size,
		mtime: imageTime,
		target: Buffer.alloc(0),
	}).subarray(-block);
}

function writeAll(file: number, bytes: Buffer, position: number | null): void {
	let done = 0;
	while (done < bytes.length)
		done += writeSync(file, bytes, done, bytes.length - done, position === null ? null : position + done);
}

function syncFolder(path: string): void {
	const folder = openSync(path, 'r');
	try {
		fsyncSync(folder);
	} finally {
		closeSync(folder);
	}
}
