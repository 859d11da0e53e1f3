import { createHash } from 'node:crypto';
import { CellarError } from '../../model/index.ts';
import { broken, hostile, readEntries, type FoundEntry } from '../tar/entries.ts';
import { openBytes, openGzip, type ByteStream } from '../tar/stream.ts';
import type { ImageLayer } from './open.ts';

/** One entry that may be written: its path is plain and every folder above it is one of the image's own. */
export interface SafeEntry {
	/** Bytes, below the root, without a `/` at either end. */
	readonly path: Buffer;
	readonly kind: 'file' | 'directory' | 'link' | 'hard link';
	readonly mode: number;
	readonly mtime: number;
	readonly size: number;
	/** A link's text, or of a hard link the path of the file that it is one more name of. */
	readonly target: Buffer;
	/** Where the content begins in its layer, not compressed. */
	readonly offset: number;
}

export interface SafeLayer {
	readonly layer: ImageLayer;
	readonly what: string;
	readonly entries: readonly SafeEntry[];
}

/** More than any environment has; each path costs memory before anything is known of it. */
const mostEntries = 1_000_000;
const longestPath = 4096;
const longestName = 255;

/**
 * Goes through whole layers and resolves every path below the root, without following a link, before anything is written.
 *
 * @param most bytes that the layers may become in all
 * @throws CellarError CELLAR_IMAGE_HOSTILE with the first entry that would leave the root, goes through a link, comes twice,
 *   is a device, …; CELLAR_IMAGE_BROKEN where a layer cannot be read
 */
export async function planLayers(layers: readonly ImageLayer[], most: number): Promise<readonly SafeLayer[]> {
	const tree: Tree = new Map();
	const planned: SafeLayer[] = [];
	for (const [at, layer] of layers.entries()) {
		const what = `layer ${at + 1}${layer.holds === null ? '' : ` (${layer.holds})`}`;
		const entries: SafeEntry[] = [];
		await using stream = openLayer(layer, what, most);
		const hashed = layer.compressed ? hashing(stream) : { stream, digest: async () => layer.diffId };
		for await (const found of readEntries(hashed.stream, what)) {
			const safe = safeEntry(found, tree, what);
			if (tree.size > mostEntries) throw hostile(what, found.name, `is one of more than ${mostEntries} paths`);
			if (safe !== null) entries.push(safe);
		}
		if ((await hashed.digest()) !== layer.diffId) throw broken(what, 'has other content than its image says');
		planned.push({ layer, what, entries });
	}
	return planned;
}

export function openLayer(layer: ImageLayer, what: string, most: number): ByteStream {
	return layer.compressed ? openGzip(layer.place, what, most) : openBytes(layer.place, what);
}

/** What stands at each path so far, one letter a byte; a folder may also be there because something lies in it. */
type Tree = Map<string, SafeEntry['kind']>;

/** Null for the root itself. */
function safeEntry(found: FoundEntry, tree: Tree, what: string): SafeEntry | null {
	const refuse = (why: string): never => {
		throw hostile(what, found.name, why);
	};
	const kind = kinds.get(found.type) ?? refuse(strangers.get(found.type) ?? `is of an unknown kind, "${found.type}"`);
	const path = plainPath(found.name, kind === 'directory', refuse);
	if (path === '') return kind === 'directory' ? null : refuse('is the root, but no folder');
	if (kind !== 'file' && found.size > 0) refuse(`is a ${kind} with content`);
	if (/(^|\/)\.wh\./.test(path)) refuse('removes what another layer holds, which no layer of Cellar does');
	for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
		const above = path.slice(0, at);
		const there = tree.get(above) ?? 'directory';
		if (there !== 'directory') refuse(`goes through "${above}", which is a ${there}`);
		tree.set(above, 'directory');
	}
	const there = tree.get(path);
	if (there !== undefined && (there !== 'directory' || kind !== 'directory')) refuse(`comes twice, the first time as a ${there}`);
	let target: Buffer = Buffer.alloc(0);
	if (kind === 'link') {
		target = found.target;
		if (target.length === 0 || target.length >= longestPath || target.includes(0)) refuse('is a link to no possible path');
	}
	if (kind === 'hard link') {
		const named = plainPath(found.target, false, () => refuse('is a hard link to a path outside the image'));
		if (tree.get(named) !== 'file') refuse('is a hard link to what is no file of the image before it');
		target = Buffer.from(named, 'latin1');
	}
	tree.set(path, kind);
	const { mode, mtime, size, offset } = found;
	// Bits by which a program takes another's rights are never taken over.
	return { path: Buffer.from(path, 'latin1'), kind, mode: mode & 0o777, mtime, size, target, offset };
}

const kinds: ReadonlyMap<string, SafeEntry['kind']> = new Map([
	['0', 'file'],
	['1', 'hard link'],
	['2', 'link'],
	['5', 'directory'],
]);

const strangers: ReadonlyMap<string, string> = new Map([
	['3', 'is a device'],
	['4', 'is a device'],
	['6', 'is a named pipe'],
	['S', 'has holes, which images of Cellar never have'],
]);

/** The path below the root, one letter a byte, `./` before it and a folder's `/` behind it taken off. */
function plainPath(name: Buffer, isFolder: boolean, refuse: (why: string) => never): string {
	const text = name.toString('latin1');
	if (text === '') refuse('has no name');
	if (text.includes('\0')) refuse('has a NUL in its name');
	if (text.startsWith('/')) refuse('is absolute');
	if (text.length >= longestPath) refuse('has an absurdly long name');
	let path = text.startsWith('./') ? text.slice(2) : text;
	if (isFolder && path.endsWith('/')) path = path.slice(0, -1);
	if (path === '' || path === '.') return '';
	for (const part of path.split('/')) {
		if (part === '..') refuse('leaves the root');
		if (part === '' || part === '.') refuse('is no plain path');
		if (part.length > longestName) refuse('has an absurdly long name');
	}
	return path;
}

/** The same stream, with the hash of all that came through it, to its very end. */
function hashing(stream: ByteStream): { stream: ByteStream; digest: () => Promise<string> } {
	const hash = createHash('sha256');
	const each = (length: number, use: (bytes: Buffer) => void) =>
		stream.each(length, (bytes) => {
			hash.update(bytes);
			use(bytes);
		});
	return {
		stream: {
			get position() {
				return stream.position;
			},
			async take(length) {
				const bytes = await stream.take(length);
				if (bytes !== null) hash.update(bytes);
				return bytes;
			},
			each,
			skip: (length) => each(length, () => {}),
			[Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
		},
		digest: async () => `sha256:${hash.digest('hex')}`,
	};
}

/** How many bytes all files of a plan have together. */
export function sizeOf(layers: readonly SafeLayer[]): number {
	return layers.reduce((sum, { entries }) => entries.reduce((all, entry) => all + entry.size, sum), 0);
}

/** @throws CellarError CELLAR_IMAGE_BROKEN where the image has no such layer */
export function layersOf(layers: readonly ImageLayer[], holds: ImageLayer['holds'], path: string): readonly ImageLayer[] {
	const found = layers.filter((layer) => layer.holds === holds);
	if (found.length > 0) return found;
	throw new CellarError('CELLAR_IMAGE_BROKEN', `${path} has no layer with the ${holds}`, { where: path });
}
