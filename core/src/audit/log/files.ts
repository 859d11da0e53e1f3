import { open, stat, type FileHandle } from 'node:fs/promises';
import { CellarError, errnoOf } from '../../model/index.ts';
import { chunkSize, pushAll } from './source.ts';
import { createBatchReader, feedLog, type LogTaker } from './reader.ts';
import { hasThreads, readBeside } from './threads.ts';

/** Of a compressed log: some two hundred thousand lines, which take longer than to start a thread. */
const longLog = 4 << 20;

/**
 * Reads a whole log, compressed (`.gz`) or not. A log that was cut anywhere is read to where it ends, with a doubt.
 *
 * @param meanwhile does a little of what there is to do besides, where nothing is there to be read yet; false where all is done by now
 * @throws CellarError CELLAR_LOG_UNREADABLE where there is none, or it may not be read
 */
export async function readLog(path: string, taker: LogTaker, meanwhile?: () => boolean): Promise<void> {
	try {
		const isLong = hasThreads && path.endsWith('.gz') && (await stat(path)).size >= longLog;
		const cut = isLong ? await readBeside(path, createBatchReader(taker), meanwhile) : await readHere(path, taker);
		if (!cut) return;
		const message = 'the compressed log ends too early: what came after it is not known';
		taker.take([{ type: 'doubt', seq: null, code: 'CELLAR_LOG_CUT', message }]);
	} catch (cause) {
		throw errnoOf(cause) === null ? cause : unreadable(path, cause);
	}
}

/** @returns true where what was compressed is cut */
async function readHere(path: string, taker: LogTaker): Promise<boolean> {
	const feed = feedLog(taker);
	const cut = await pushAll(path, (chunk) => feed.push(chunk));
	feed.end();
	return cut;
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

function unreadable(path: string, cause: unknown): CellarError {
	const hint = 'check that the run folder is whole and that its logs may be read';
	return new CellarError('CELLAR_LOG_UNREADABLE', 'the log of the tracer cannot be read', { where: path, hint, cause });
}
