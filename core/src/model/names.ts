/**
 * Names of files are bytes; in tables, documents and on screen they are text. `\xNN` stands for a byte that is not part of
 * valid UTF-8 and `\\` for a backslash, so that two different files are never one: decodeName(encodeName(b)) equals b.
 */
export type Name = string;

const backslash = 0x5c;

/** The text for a file name given as bytes. Control characters (newlines too) are written as `\xNN`, so a name is one line. */
export function encodeName(bytes: Uint8Array): Name {
	if (bytes.every((byte) => byte >= 0x20 && byte < 0x7f && byte !== backslash)) {
		return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
	}
	let text = '';
	let at = 0;
	while (at < bytes.length) {
		const byte = bytes[at]!;
		const length = utf8Length(bytes, at);
		if (byte === backslash) text += '\\\\';
		else if (length === 0 || byte < 0x20 || byte === 0x7f) text += `\\x${byte.toString(16).padStart(2, '0')}`;
		else text += Buffer.from(bytes.subarray(at, at + length)).toString('utf8');
		at += Math.max(length, 1);
	}
	return text;
}

/** The bytes of an encoded name. A backslash that starts no escape stands for itself, so that a path typed by hand works. */
export function decodeName(name: Name): Buffer {
	if (!name.includes('\\')) return Buffer.from(name, 'utf8');
	const parts: Buffer[] = [];
	let at = 0;
	while (at < name.length) {
		const next = name.indexOf('\\', at);
		if (next < 0) {
			parts.push(Buffer.from(name.slice(at), 'utf8'));
			break;
		}
		parts.push(Buffer.from(name.slice(at, next), 'utf8'));
		const hex = /^\\x([0-9a-f]{2})/.exec(name.slice(next, next + 4));
		if (hex) {
			parts.push(Buffer.from([Number.parseInt(hex[1]!, 16)]));
			at = next + 4;
		} else {
			parts.push(Buffer.from('\\'));
			at = next + (name[next + 1] === '\\' ? 2 : 1);
		}
	}
	return Buffer.concat(parts);
}

/** What `node:fs` takes for an encoded name: the text itself where it has no escape, otherwise its bytes. */
export function fsPath(name: Name): string | Buffer {
	return name.includes('\\') ? decodeName(name) : name;
}

/** How many bytes the valid UTF-8 character at `at` has; 0 where there is none (RFC 3629, no surrogates, no overlong forms). */
function utf8Length(bytes: Uint8Array, at: number): number {
	const lead = bytes[at]!;
	if (lead < 0x80) return 1;
	const length = lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
	if (length === 0 || at + length > bytes.length) return 0;
	for (let k = 1; k < length; k++) if ((bytes[at + k]! & 0xc0) !== 0x80) return 0;
	const second = bytes[at + 1]!;
	if (lead === 0xe0 && second < 0xa0) return 0;
	if (lead === 0xed && second > 0x9f) return 0;
	if (lead === 0xf0 && second < 0x90) return 0;
	if (lead === 0xf4 && second > 0x8f) return 0;
	return length;
}

/** What a run saw at its paths, where that is not what this machine has there: the inside of a sandbox. */
export interface View {
	/**
	 * Where on this machine lies what a path names. Links lead where they led inside; the last one is followed only with
	 * `follow`. What is returned may be opened as it is: no link on the way to it leads anywhere else.
	 *
	 * @returns null where nothing is there
	 */
	place(path: Name, follow: boolean): Name | null;
	/** A path with its links resolved, as inside; null where nothing is there. */
	real(path: Name): Name | null;
	/** The names in a folder, in no order; null where there is no such folder. */
	names(folder: Name): readonly Name[] | null;
}
