import { encodeName, type Name } from '../../model/index.ts';

const backslash = 0x5c;
const letters: ReadonlyMap<number, number> = new Map([
	[0x6e, 0x0a], // \n
	[0x74, 0x09], // \t
	[0x72, 0x0d], // \r
	[0x76, 0x0b], // \v
	[0x66, 0x0c], // \f
]);

/**
 * The bytes that strace wrote as a string: one to three octal digits for a byte (three where a digit follows), C's letters,
 * and the character itself after any other backslash.
 *
 * @see strace's util.c, `string_quote`
 */
export function unescape(written: Uint8Array): Buffer {
	const bytes = Buffer.allocUnsafe(written.length);
	let length = 0;
	for (let at = 0; at < written.length; at++) {
		let byte = written[at]!;
		if (byte === backslash && at + 1 < written.length) {
			byte = written[++at]!;
			if (isOctal(byte)) {
				let value = byte - 0x30;
				for (let more = 0; more < 2 && at + 1 < written.length && isOctal(written[at + 1]!); more++) {
					value = value * 8 + written[++at]! - 0x30;
				}
				byte = value & 0xff;
			} else byte = letters.get(byte) ?? byte;
		}
		bytes[length++] = byte;
	}
	return bytes.subarray(0, length);
}

/** The name that strace wrote, a byte a letter, in the model's encoding. */
export function nameOf(written: string): Name {
	// The most common case by far: nothing was escaped, and nothing needs to be.
	return /^[ -[\]-~]*$/.test(written) ? written : encodeName(unescape(Buffer.from(written, 'latin1')));
}

/** Makes a value of a text once: most lines of a log repeat what stood before. */
export function remembered<T>(make: (text: string) => T): (text: string) => T {
	const known = new Map<string, T>();
	return (text) => {
		let value = known.get(text);
		if (value === undefined) known.set(text, (value = make(text)));
		return value;
	};
}

function isOctal(byte: number): boolean {
	return byte >= 0x30 && byte <= 0x37;
}
