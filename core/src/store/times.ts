import { createReadStream, existsSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { CellarError } from '../model/index.ts';

/**
 * When lines of a log were written, in milliseconds since 1970. Lines that it does not have, or that tell no time, are left out.
 *
 * @param log `logs/manager.strace`, grown or compressed; nothing is known where there is neither
 * @param lines counted from 1
 * @throws CellarError CELLAR_LOG_UNREADABLE where it is broken
 */
export async function timesOfLines(log: string, lines: ReadonlySet<number>): Promise<ReadonlyMap<number, number>> {
	const times = new Map<number, number>();
	const path = [log, `${log}.gz`].find((one) => existsSync(one));
	if (path === undefined || lines.size === 0) return times;
	const last = Math.max(...lines);
	const file = createReadStream(path, { highWaterMark: 1 << 20 });
	const stream = path === log ? file : file.pipe(createGunzip());
	file.on('error', (error) => stream.destroy(error));
	let number = 1;
	/** The beginning of the line that a piece ended in: a time stands in its first letters. */
	let head = '';
	try {
		// No encoding is set: its pieces are bytes.
		for await (const piece of stream as AsyncIterable<Buffer>) {
			for (let from = 0; from <= piece.length && number <= last;) {
				const newline = piece.indexOf(0x0a, from);
				const end = newline < 0 ? piece.length : newline;
				if (head.length < 64 && lines.has(number)) head += piece.toString('latin1', from, Math.min(end, from + 64));
				if (newline < 0) break;
				const seconds = /^\d+ +(\d+\.\d+) /.exec(head)?.[1];
				if (seconds !== undefined) times.set(number, Number(seconds) * 1000);
				head = '';
				number++;
				from = newline + 1;
			}
			if (number > last) break;
		}
	} catch (cause) {
		throw new CellarError('CELLAR_LOG_UNREADABLE', 'the log cannot be read', { where: path, cause });
	} finally {
		file.destroy();
	}
	return times;
}
