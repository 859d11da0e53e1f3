import { encodeName, type Name } from '../../model/index.ts';

/** What git's index says of a repository's files. */
export interface GitIndex {
	/** The hash of each file as it was added; null for a file with a conflict, or of which only the intent to add stands there. */
	readonly entries: ReadonlyMap<Name, string | null>;
	/** The hash of the tree that the whole index makes; null where something was added since that was last known. */
	readonly tree: string | null;
}

/**
 * Reads an index of git, versions 2 to 4 with SHA-1.
 *
 * @returns null where it is none, is cut, or is split over several files
 * @see https://git-scm.com/docs/index-format
 */
export function readGitIndex(bytes: Buffer): GitIndex | null {
	try {
		return parseIndex(bytes);
	} catch (error) {
		// Read beyond its end: it is cut.
		if (error instanceof RangeError) return null;
		throw error;
	}
}

const hashLength = 20;

function parseIndex(bytes: Buffer): GitIndex | null {
	const version = bytes.readUInt32BE(4);
	if (bytes.toString('latin1', 0, 4) !== 'DIRC' || version < 2 || version > 4) return null;
	const count = bytes.readUInt32BE(8);
	const entries = new Map<Name, string | null>();
	let at = 12;
	let name = Buffer.alloc(0);
	for (let entry = 0; entry < count; entry++) {
		const start = at;
		const sha1 = bytes.toString('hex', at + 40, at + 60);
		const flags = bytes.readUInt16BE(at + 60);
		const extended = (flags & 0x4000) !== 0;
		const more = extended ? bytes.readUInt16BE(at + 62) : 0;
		at += extended ? 64 : 62;
		let kept = 0;
		if (version === 4) {
			const cut = varint(bytes, at);
			at = cut.at;
			kept = name.length - cut.value;
		}
		const end = bytes.indexOf(0, at);
		if (end < 0) return null;
		name = Buffer.concat([name.subarray(0, kept), bytes.subarray(at, end)]);
		// Versions before 4 fill up to a multiple of eight, with one NUL at least.
		at = version === 4 ? end + 1 : start + Math.floor((end - start + 8) / 8) * 8;
		const stage = (flags >> 12) & 3;
		const intended = (more & 0x2000) !== 0;
		entries.set(encodeName(name), stage !== 0 || intended ? null : sha1);
	}
	return treeAndSplit(bytes, at, entries);
}

/** The number of bytes to drop of the name before, as git writes offsets in packs. */
function varint(bytes: Buffer, from: number): { readonly value: number; readonly at: number } {
	let at = from;
	let byte = bytes.readUInt8(at++);
	let value = byte & 0x7f;
	while (byte >= 0x80) {
		byte = bytes.readUInt8(at++);
		value = (value + 1) * 128 + (byte & 0x7f);
	}
	return { value, at };
}

function treeAndSplit(bytes: Buffer, from: number, entries: GitIndex['entries']): GitIndex | null {
	let tree: string | null = null;
	for (let at = from; at + 8 <= bytes.length - hashLength;) {
		const kind = bytes.toString('latin1', at, at + 4);
		const length = bytes.readUInt32BE(at + 4);
		if (kind === 'link' || kind === 'sdir') return null;
		if (kind === 'TREE') tree = rootTree(bytes.subarray(at + 8, at + 8 + length));
		at += 8 + length;
	}
	return { entries, tree };
}

/** The first entry: an empty path, NUL, how many entries it covers, a blank, how many trees, a newline, the hash. */
function rootTree(cache: Buffer): string | null {
	const line = cache.indexOf('\n');
	const covered = /^\0(-?\d+) \d+$/.exec(cache.toString('latin1', 0, line))?.[1];
	if (covered === undefined || covered.startsWith('-')) return null;
	return cache.toString('hex', line + 1, line + 1 + hashLength);
}
