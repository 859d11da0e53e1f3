import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { errnoOf } from '../../model/index.ts';

export const chunkSize = 1 << 20;

/** The bytes of a log, compressed (`.gz`) or not. It throws what reading and inflating do. */
export function bytesOf(path: string): AsyncIterable<Buffer> {
	const file = createReadStream(path, { highWaterMark: chunkSize });
	if (!path.endsWith('.gz')) return file;
	const bytes = file.pipe(createGunzip({ chunkSize }));
	// A pipe does not hand on its source's errors.
	file.once('error', (error) => bytes.destroy(error));
	return bytes;
}

/** A compressed log ends too early, or what follows is none. */
export function isCut(error: unknown): boolean {
	const code = errnoOf(error);
	return code === 'Z_BUF_ERROR' || code === 'Z_DATA_ERROR';
}
