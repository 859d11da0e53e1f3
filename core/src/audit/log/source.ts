import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { errnoOf } from '../../model/index.ts';

export const chunkSize = 1 << 20;

/**
 * Hands on the bytes of a whole log, compressed (`.gz`) or not.
 *
 * @returns true where what is compressed ends too early, or what follows is none
 * @throws what reading the file throws, and `push`
 */
export async function pushAll(path: string, push: (chunk: Buffer) => void): Promise<boolean> {
	try {
		for await (const chunk of bytesOf(path)) push(chunk);
		return false;
	} catch (cause) {
		const code = errnoOf(cause);
		if (code !== 'Z_BUF_ERROR' && code !== 'Z_DATA_ERROR') throw cause;
		return true;
	}
}

function bytesOf(path: string): AsyncIterable<Buffer> {
	const file = createReadStream(path, { highWaterMark: chunkSize });
	if (!path.endsWith('.gz')) return file;
	const bytes = file.pipe(createGunzip({ chunkSize }));
	// A pipe does not hand on its source's errors.
	file.once('error', (error) => bytes.destroy(error));
	return bytes;
}
