import { statSync } from 'node:fs';
import { decodeName, encodeName, errnoOf, type Name, type PackedPath } from '../../model/index.ts';
import { imageTime } from '../format.ts';
import { bytesOf, isGiven, openFile, type BlobPath, type Bytes } from './source.ts';

/** What becomes of a `.pyc`: kept as it is, kept with the image's time in its header, or left out, with the reason. */
export type BytecodeFate = { readonly fate: 'keep' | 'stamp' } | { readonly fate: 'drop'; readonly reason: string };

/** Bytes 8 to 11 of a `.pyc` that is checked by time hold its source's mtime, 12 to 15 its source's size (PEP 552). */
export const headerLength = 16;
const [flagsAt, timeAt, sizeAt] = [4, 8, 12];

/**
 * Decides on a compiled Python module, so that Python takes it in the image exactly where it would take it here. In an
 * image all files have one mtime: a `.pyc` that is up to date here gets that one in its header, one that is stale here
 * must not become valid by it.
 *
 * @param find what the image holds at a path
 * @see https://peps.python.org/pep-0552/ and https://peps.python.org/pep-3147/
 */
export function bytecodeFate(packed: PackedPath, find: (path: Name) => PackedPath | undefined, blobPath: BlobPath): BytecodeFate {
	const source = sourceOf(packed.path);
	const inImage = find(source.path);
	if (inImage === undefined) {
		// Beside its source's place a module is run from its bytecode alone; in `__pycache__` it never is.
		return source.cached ? { fate: 'drop', reason: 'its source is not in the image' } : { fate: 'keep' };
	}
	const header = readHeader(bytesOf(packed, blobPath));
	if (header === null) return { fate: 'drop', reason: 'not a whole .pyc file' };
	if (header.readUInt32LE(flagsAt) !== 0) return { fate: 'keep' };
	const state = stateOf(inImage, blobPath);
	if (state === null) return { fate: 'drop', reason: 'whether it fits its source cannot be told' };
	const fits = header.readUInt32LE(timeAt) === state.mtime && header.readUInt32LE(sizeAt) === state.size;
	return fits ? { fate: 'stamp' } : { fate: 'drop', reason: 'stale: compiled from another state of its source' };
}

/** Puts the image's time into the header of a `.pyc`. */
export function stamp(header: Buffer): void {
	header.writeUInt32LE(imageTime, timeAt);
}

/** Where Python would look for the source of a `.pyc`; `cached` where it lies in a `__pycache__`. */
function sourceOf(path: Name): { path: Name; cached: boolean } {
	const bytes = decodeName(path).toString('latin1');
	const cut = bytes.lastIndexOf('/');
	const [folder, name] = [bytes.slice(0, cut), bytes.slice(cut + 1)];
	const cached = folder.endsWith('/__pycache__');
	const source = cached ? `${folder.slice(0, -'/__pycache__'.length)}/${name.split('.', 1)[0]}.py` : bytes.slice(0, -1);
	return { path: encodeName(Buffer.from(source, 'latin1')), cached };
}

/** Null where there are not that many bytes. */
function readHeader(bytes: Bytes): Buffer | null {
	const header = Buffer.alloc(headerLength);
	const file = openFile(bytes);
	try {
		return file?.read(header, 0, headerLength) === headerLength ? header : null;
	} finally {
		file?.close();
	}
}

/** Size and mtime of a source as it is packed, as a `.pyc` has them; null where the run could not say. */
function stateOf(source: PackedPath, blobPath: BlobPath): { size: number; mtime: number } | null {
	const bytes = bytesOf(source, blobPath);
	if (isGiven(bytes)) return fields(bytes.bytes.length, source.expected?.mtime ?? null);
	try {
		const state = statSync(bytes);
		return fields(state.size, source.source.from === 'path' ? state.mtimeMs : (source.expected?.mtime ?? null));
	} catch (error) {
		if (errnoOf(error) === null) throw error;
		return null;
	}
}

function fields(size: number, mtimeMs: number | null): { size: number; mtime: number } | null {
	return mtimeMs === null ? null : { size: size % 2 ** 32, mtime: Math.floor(mtimeMs / 1000) >>> 0 };
}
