import { inflateSync } from 'node:zlib';
import { encodeName, type Name } from '../../model/index.ts';
import { joined, namesIn, readBytes, readStart, statOf } from '../paths.ts';

/** An object's bytes without its head; null where it is not there, or is kept as a difference to another one in a pack. */
function readObject(common: Name, sha1: string): Buffer | null {
	const loose = readBytes(joined(common, `objects/${sha1.slice(0, 2)}/${sha1.slice(2)}`));
	if (loose === null) return fromPacks(common, sha1);
	const whole = inflated(loose);
	return whole === null ? null : whole.subarray(whole.indexOf(0) + 1);
}

/** zlib's stream; what follows it is passed over. Null where it is broken. */
function inflated(bytes: Buffer): Buffer | null {
	try {
		return inflateSync(bytes, { maxOutputLength: largest });
	} catch {
		// Broken, or larger than any commit or folder is.
		return null;
	}
}

/** No commit and no tree is larger. */
const largest = 64 << 20;

function fromPacks(common: Name, sha1: string): Buffer | null {
	const folder = joined(common, 'objects/pack');
	for (const name of namesIn(folder) ?? []) {
		if (!name.endsWith('.idx')) continue;
		const offset = offsetIn(joined(folder, name), sha1);
		if (offset !== null) return fromPack(joined(folder, name.replace(/idx$/, 'pack')), offset);
	}
	return null;
}

/** Where an object stands in a pack, by the pack's index, version 2. @see https://git-scm.com/docs/gitformat-pack */
function offsetIn(path: Name, sha1: string): number | null {
	const wanted = Buffer.from(sha1, 'hex');
	const head = readStart(path, 8 + 1024);
	if (head === null || head.length < 1032 || head.readUInt32BE(0) !== 0xff744f63 || head.readUInt32BE(4) !== 2) return null;
	const fan = (byte: number) => (byte < 0 ? 0 : head.readUInt32BE(8 + byte * 4));
	const [first, last, all] = [fan(wanted[0]! - 1), fan(wanted[0]!), fan(255)];
	if ((statOf(path)?.size ?? 0) < 1032 + all * 28 || last < first || last > all) return null;
	const names = readStart(path, (last - first) * 20, 1032 + first * 20);
	if (names === null) return null;
	for (let at = 0; at < names.length; at += 20) {
		if (!names.subarray(at, at + 20).equals(wanted)) continue;
		const offset = readStart(path, 4, 1032 + all * 24 + (first + at / 20) * 4)?.readUInt32BE(0) ?? 0x80000000;
		// Packs above 2 GB have a further table.
		return offset < 0x80000000 ? offset : null;
	}
	return null;
}

/** Commits, trees and files as they are; not those that stand there as a difference. */
function fromPack(path: Name, offset: number): Buffer | null {
	const head = readStart(path, 16, offset);
	if (head === null || head.length === 0) return null;
	const kind = (head[0]! >> 4) & 7;
	if (kind < 1 || kind > 4) return null;
	let size = head[0]! & 15;
	let at = 0;
	for (let scale = 16; head[at]! >= 0x80 && at < 10; scale *= 128) size += (head[++at]! & 0x7f) * scale;
	if (size > largest) return null;
	// zlib makes nothing longer than this by what it adds.
	const packed = readStart(path, size + Math.ceil(size / 1000) + 64, offset + at + 1);
	return packed === null ? null : inflated(packed);
}

/** The tree of a commit. */
export function treeOf(common: Name, commit: string): string | null {
	return /^tree ([0-9a-f]{40})\n/.exec(readObject(common, commit)?.toString('latin1', 0, 46) ?? '')?.[1] ?? null;
}

/** What a tree holds under a path: the hash of a file; an empty text for nothing, null where a tree on the way cannot be read. */
export function inTree(common: Name, tree: string, path: Name): string | null {
	let at = tree;
	for (const word of path.split('/')) {
		const entries = readObject(common, at);
		if (entries === null) return null;
		const found = entryOf(entries, word);
		if (found === null) return '';
		at = found;
	}
	return at;
}

/** A tree is `mode name NUL hash`, again and again. */
function entryOf(tree: Buffer, name: Name): string | null {
	for (let at = 0; at < tree.length;) {
		const blank = tree.indexOf(' ', at);
		const end = tree.indexOf(0, blank);
		if (blank < 0 || end < 0) return null;
		if (encodeName(tree.subarray(blank + 1, end)) === name) return tree.toString('hex', end + 1, end + 21);
		at = end + 21;
	}
	return null;
}
