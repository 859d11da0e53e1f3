import type { Duplex } from 'node:stream';

/** No first answer of a manager is longer. */
const longest = 1 << 16;

/**
 * Whether all of some words are heard from what listens, and soon enough. Closes the connection.
 *
 * @param withinMs null for as long as it is open
 */
export function heard(socket: Duplex, words: readonly string[], withinMs: number | null): Promise<boolean> {
	return new Promise((done) => {
		let text = '';
		const end = (found: boolean) => {
			if (timer !== null) clearTimeout(timer);
			socket.destroy();
			done(found);
		};
		const timer = withinMs === null ? null : setTimeout(() => end(false), withinMs);
		socket.on('data', (bytes: Buffer) => {
			text += bytes.toString('latin1');
			if (words.every((word) => text.includes(word))) end(true);
			else if (text.length > longest) end(false);
		});
		for (const event of ['error', 'end', 'close']) socket.on(event, () => end(false));
	});
}
