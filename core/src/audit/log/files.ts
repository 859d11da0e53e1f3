import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { CellarError, errnoOf } from '../../model/index.ts';
import { feedLog, type LogTaker } from './reader.ts';

const chunkSize = 1 << 20;

/**
 * Reads a whole log, compressed (`.gz`) or not. A log that was cut anywhere is read to where it ends, with a doubt.
 *
 * @throws CellarError CELLAR_LOG_UNREADABLE where there is none, or it may not be read
 */
export async function readLog(path: string, taker: LogTaker): Promise<void> {
	const feed = feedLog(taker);
	const file = createReadStream(path, { highWaterMark: chunkSize });
	const bytes = path.endsWith('.gz') ? file.pipe(createGunzip({ chunkSize })) : file;
	// A pipe does not hand on its source's errors.
	if (bytes !== file) file.once('error', (error) => bytes.destroy(error));
	try {
		for await (const chunk of bytes) feed.push(chunk as Buffer); // no encoding is set: chunks are Buffers
	} catch (cause) {
		if (errnoOf(cause) === null) throw cause;
		if (!isCut(cause)) throw unreadable(path, cause);
		const message = 'the compressed log ends too early: what came after it is not known';
		taker.take([{ type: 'doubt', seq: null, code: 'CELLAR_LOG_CUT', message }]);
	}
	feed.end();
}

/** Reads a log while it grows; the caller decides when. Each call waits for the one before. */
export interface LogTail {
	/** Hands on what has been written since. A log that is not there yet is empty. */
	poll(): Promise<void>;
	/** The same for the last time, then what was left over. */
	end(): Promise<void>;
}

/** @throws CellarError CELLAR_LOG_UNREADABLE (by `poll` and `end`) where the log may not be read */
export function tailLog(path: string, taker: LogTaker): LogTail {
	const feed = feedLog(taker);
	const chunk = Buffer.allocUnsafe(chunkSize);
	let file: FileHandle | null = null;
	let at = 0;
	let busy = Promise.resolve();

	const read = async () => {
		try {
			file ??= await open(path, 'r');
			for (;;) {
				const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
				if (bytesRead === 0) return;
				at += bytesRead;
				feed.push(chunk.subarray(0, bytesRead));
			}
		} catch (cause) {
			if (file === null && errnoOf(cause) === 'ENOENT') return;
			throw errnoOf(cause) === null ? cause : unreadable(path, cause);
		}
	};
	const after = (next: () => Promise<void>): Promise<void> => {
		const done = busy.then(next);
		// The caller of this one hears of its failure; the next one starts anew.
		busy = done.catch(() => undefined);
		return done;
	};
	return {
		poll: () => after(read),
		end: () =>
			after(async () => {
				try {
					await read();
					feed.end();
				} finally {
					await file?.close();
				}
			}),
	};
}

function isCut(error: unknown): boolean {
	const code = errnoOf(error);
	return code === 'Z_BUF_ERROR' || code === 'Z_DATA_ERROR';
}

function unreadable(path: string, cause: unknown): CellarError {
	const hint = 'check that the run folder is whole and that its logs may be read';
	return new CellarError('CELLAR_LOG_UNREADABLE', 'the log of the tracer cannot be read', { where: path, hint, cause });
}
