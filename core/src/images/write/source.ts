import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { fsPath, type PackedPath } from '../../model/index.ts';

/** Where an image finds the blobs of the store. */
export type BlobPath = (sha256: string) => string;

/** Where a packed file's bytes are: a file to open, or the bytes themselves. */
export type Bytes = string | Buffer | { readonly bytes: Buffer };

export function bytesOf(packed: PackedPath, blobPath: BlobPath): Bytes {
	const { source } = packed;
	if (source.from === 'bytes') return { bytes: source.bytes };
	return source.from === 'blob' ? blobPath(source.sha256) : fsPath(packed.path);
}

export function isGiven(bytes: Bytes): bytes is { readonly bytes: Buffer } {
	return typeof bytes === 'object' && 'bytes' in bytes;
}

/** A file's content that is being read, of a size that was known before. */
export interface OpenFile {
	readonly size: number;
	/** Reads on from where the last read ended; 0 at the end. */
	read(into: Buffer, at: number, length: number): number;
	/** Whether it is now, at its end, still what it was when it was opened. */
	unchanged(): boolean;
	close(): void;
}

/** Null where there is no regular file any more. @throws the system's error, such as EACCES */
export function openFile(bytes: Bytes): OpenFile | null {
	if (isGiven(bytes)) return openGiven(bytes.bytes);
	// Without O_NONBLOCK the opening of a pipe that took the file's place would wait for ever.
	const file = openSync(bytes, constants.O_RDONLY | constants.O_NONBLOCK);
	const before = fstatSync(file);
	if (!before.isFile()) {
		closeSync(file);
		return null;
	}
	return {
		size: before.size,
		read: (into, at, length) => readSync(file, into, at, length, null),
		unchanged() {
			const now = fstatSync(file);
			return now.size === before.size && now.mtimeMs === before.mtimeMs;
		},
		close: () => closeSync(file),
	};
}

function openGiven(bytes: Buffer): OpenFile {
	let position = 0;
	return {
		size: bytes.length,
		read(into, at, length) {
			const read = bytes.copy(into, at, position, position + length);
			position += read;
			return read;
		},
		unchanged: () => true,
		close() {},
	};
}
