import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { CellarError } from '../../model/index.ts';

/** Bytes that are read in one direction. Pieces that are handed out are good until the next call. */
export interface ByteStream {
	/** How many bytes came before. */
	readonly position: number;
	/** Exactly so many bytes; null where the stream ends before the first of them. */
	take(length: number): Promise<Buffer | null>;
	/** Exactly so many bytes, in pieces. */
	each(length: number, use: (bytes: Buffer) => void): Promise<void>;
	skip(length: number): Promise<void>;
	[Symbol.asyncDispose](): Promise<void>;
}

/** Which bytes of which file. */
export interface Place {
	readonly file: string;
	readonly offset: number;
	readonly size: number;
}

/** Where bytes come from: one chunk after another, and over some of them without reading where the source can. */
interface Source {
	next(): Promise<Buffer | null> | Buffer | null;
	/** Moves on by as much as it can without reading; the rest is read and dropped. */
	jump(length: number): number;
	close(): Promise<void> | void;
}

const chunk = 1 << 20;

/**
 * Opens a part of a file as it is.
 *
 * @param what for messages: `layer 2`
 */
export function openBytes(place: Place, what: string): ByteStream {
	const file = openSync(place.file, 'r');
	const buffer = Buffer.allocUnsafe(chunk);
	let at = 0;
	return streamOf(what, {
		next() {
			const read = readSync(file, buffer, 0, Math.min(chunk, place.size - at), place.offset + at);
			at += read;
			return read === 0 ? null : buffer.subarray(0, read);
		},
		jump(length) {
			const far = Math.min(length, place.size - at);
			at += far;
			return far;
		},
		close: () => closeSync(file),
	});
}

/** Opens a part of a file that is compressed by gzip. @param most bytes that it may become: a bomb is noticed before it fills anything */
export function openGzip(place: Place, what: string, most: number): ByteStream {
	const { file, offset, size } = place;
	const compressed = createReadStream(file, { start: offset, end: offset + size - 1, highWaterMark: chunk });
	const plain = createGunzip({ chunkSize: chunk });
	compressed.on('error', (error) => plain.destroy(error));
	compressed.pipe(plain);
	const chunks: AsyncIterator<Buffer> = plain[Symbol.asyncIterator]();
	let total = 0;
	return streamOf(what, {
		async next() {
			let result: IteratorResult<Buffer>;
			try {
				result = await chunks.next();
			} catch (cause) {
				throw new CellarError('CELLAR_IMAGE_BROKEN', `${what} cannot be decompressed`, { where: file, cause });
			}
			if (result.done === true) return null;
			total += result.value.length;
			if (total > most) {
				throw new CellarError('CELLAR_DISK_FULL', `${what} becomes larger than the ${most} bytes that are free`, {
					where: file,
					hint: 'give a folder on a larger disk; nothing was written',
				});
			}
			return result.value;
		},
		jump: () => 0,
		close() {
			compressed.destroy();
			plain.destroy();
		},
	});
}

function streamOf(what: string, source: Source): ByteStream {
	let position = 0;
	let rest: Buffer = Buffer.alloc(0);
	/** Fills `rest` if it is empty; false at the end. */
	const fill = async () => {
		if (rest.length > 0) return true;
		rest = (await source.next()) ?? Buffer.alloc(0);
		return rest.length > 0;
	};
	const cut = (length: number) => {
		const piece = rest.subarray(0, length);
		rest = rest.subarray(piece.length);
		position += piece.length;
		return piece;
	};
	const each = async (length: number, use: (bytes: Buffer) => void) => {
		for (let left = length; left > 0;) {
			if (!(await fill())) throw new CellarError('CELLAR_IMAGE_BROKEN', `${what} is cut: ${left} bytes are missing`);
			const piece = cut(left);
			use(piece);
			left -= piece.length;
		}
	};
	return {
		get position() {
			return position;
		},
		async take(length) {
			if (!(await fill())) return null;
			if (rest.length >= length) return cut(length);
			const pieces: Buffer[] = [];
			await each(length, (piece) => void pieces.push(Buffer.from(piece)));
			return Buffer.concat(pieces);
		},
		each,
		async skip(length) {
			const buffered = cut(length).length;
			const jumped = source.jump(length - buffered);
			position += jumped;
			await each(length - buffered - jumped, () => {});
		},
		async [Symbol.asyncDispose]() {
			await source.close();
		},
	};
}
