/** Addresses of version 4 and of version 6: what is asked for before a connection. */
const asked: ReadonlySet<number> = new Set([1, 28]);

/**
 * The name that a message asks a name server for the addresses of; null for any other message, of which nothing is kept.
 *
 * @see RFC 1035, section 4
 */
export function nameLookedUp(message: Uint8Array): string | null {
	const [flags, questions, answers] = [(message[2] ?? 0xff) & 0xf8, number(message, 4), number(message, 6)];
	// A question (no answer) of the standard kind, one, and nothing else.
	if (flags !== 0 || questions !== 1 || answers !== 0) return null;
	const labels: string[] = [];
	let at = 12;
	for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
		const label = Buffer.from(message.subarray(at + 1, at + 1 + length)).toString('latin1');
		if (length > 63 || label.length < length || !/^[\w-]+$/.test(label)) return null;
		labels.push(label.toLowerCase());
		at += 1 + length;
	}
	const isAddress = asked.has(number(message, at + 1)) && number(message, at + 3) === 1;
	return isAddress && labels.length > 0 ? labels.join('.') : null;
}

function number(bytes: Uint8Array, at: number): number {
	return ((bytes[at] ?? 0xff) << 8) | (bytes[at + 1] ?? 0xff);
}
