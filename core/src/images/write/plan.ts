import { lstatSync, statSync } from 'node:fs';
import {
	CellarError,
	decodeName,
	diskError,
	errnoOf,
	layers,
	type Layer,
	type Name,
	type PackedPath,
} from '../../model/index.ts';
import { block, padding } from '../tar/header.ts';
import { bytecodeFate } from './bytecode.ts';
import { bytesOf, isGiven, type BlobPath } from './source.ts';

/** One entry of a layer that is to be written. */
export interface LayerEntry {
	/** Bytes without the leading `/`; a folder's ends in `/`. */
	readonly name: Buffer;
	readonly kind: PackedPath['kind'];
	readonly mode: number;
	/** Null for a folder that is only there because something lies in it. */
	readonly packed: PackedPath | null;
	/** Whether the image's time goes into it: a `.pyc`. */
	readonly stamped: boolean;
}

/** An image that is to be written: its layers in their order, those that hold nothing left out. */
export interface Plan {
	readonly layers: readonly {
		readonly holds: Layer;
		readonly entries: readonly LayerEntry[];
		/** About how much it takes. */
		readonly bytes: number;
	}[];
	readonly leftOut: readonly { readonly path: Name; readonly reason: string }[];
}

/**
 * Orders what goes into an image, whatever order it came in, and finds what has changed before anything is written.
 *
 * @throws CellarError CELLAR_CHANGED_SINCE with every path that is gone or has another size or time than the run saw;
 *   CELLAR_INTERNAL where two paths contradict each other
 */
export function planImage(paths: readonly PackedPath[], blobPath: BlobPath): Plan {
	const byName = new Map<string, PackedPath>();
	const leftOut: { path: Name; reason: string }[] = [];
	for (const packed of paths) {
		const name = nameOf(packed.path);
		const there = byName.get(name);
		if (there !== undefined && !isSame(there, packed)) throw contradiction(packed.path, 'is packed twice, in two ways');
		if (/(^|\/)\.wh\./.test(name)) {
			leftOut.push({ path: packed.path, reason: 'a layer cannot hold names that begin with .wh.: they mean removal there' });
		} else if (name !== '') byName.set(name, packed);
	}
	for (const [name, packed] of byName) checkFolders(name, packed, byName);

	const changed: Change[] = [];
	const entries = new Map<Layer, Map<string, LayerEntry>>(layers.map((layer) => [layer, new Map()]));
	const bytes = new Map<Layer, number>();
	const find = (path: Name) => byName.get(nameOf(path));
	for (const [name, packed] of byName) {
		const size = sizeOf(packed, blobPath);
		if (typeof size === 'string') {
			changed.push({ path: packed.path, why: size });
			continue;
		}
		const isBytecode = packed.kind === 'file' && name.endsWith('.pyc');
		const fate = isBytecode ? bytecodeFate(packed, find, blobPath) : ({ fate: 'keep' } as const);
		if (fate.fate === 'drop') {
			leftOut.push({ path: packed.path, reason: fate.reason });
			continue;
		}
		bytes.set(packed.layer, (bytes.get(packed.layer) ?? 0) + block + size + padding(size));
		add(entries.get(packed.layer) ?? new Map<string, LayerEntry>(), name, packed, fate.fate === 'stamp');
	}
	if (changed.length > 0) throw changedSince(changed);
	return {
		layers: layers.flatMap((holds) => {
			const own = [...(entries.get(holds)?.values() ?? [])].toSorted((a, b) => Buffer.compare(a.name, b.name));
			return own.length === 0 ? [] : [{ holds, entries: own, bytes: bytes.get(holds) ?? 0 }];
		}),
		leftOut: leftOut.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
	};
}

/** A packed path that is not any more what the run saw. */
export interface Change {
	readonly path: Name;
	readonly why: string;
}

/** How many of the changed paths a message names; a person mends the first and packs again. */
const named = 40;

export function changedSince(changes: readonly Change[]): CellarError {
	const lines = changes
		.toSorted((a, b) => (a.path < b.path ? -1 : 1))
		.slice(0, named)
		.map((change) => `  ${change.path} ${change.why}`);
	if (changes.length > named) lines.push(`  and ${changes.length - named} more`);
	const count = changes.length === 1 ? 'a file' : `${changes.length} files`;
	return new CellarError('CELLAR_CHANGED_SINCE', `${count} changed since the run:\n${lines.join('\n')}`, {
		hint: 'put them back as they were, or audit the notebook again',
	});
}

/** Adds a path and the folders above it. */
function add(entries: Map<string, LayerEntry>, name: string, packed: PackedPath, stamped: boolean): void {
	for (let at = name.indexOf('/'); at >= 0; at = name.indexOf('/', at + 1)) {
		const folder = name.slice(0, at);
		if (!entries.has(folder)) entries.set(folder, { ...folderEntry, name: Buffer.from(`${folder}/`, 'latin1') });
	}
	const isFolder = packed.kind === 'directory';
	entries.set(name, {
		name: Buffer.from(isFolder ? `${name}/` : name, 'latin1'),
		kind: packed.kind,
		// Whose a file was is not packed, so neither is what only its owner might do with it.
		mode: packed.kind === 'link' ? 0o777 : isFolder || (packed.mode & 0o111) !== 0 ? 0o755 : 0o644,
		packed,
		stamped,
	});
}

const folderEntry = { kind: 'directory', mode: 0o755, packed: null, stamped: false } as const;

/** The name within the image, one letter a byte; empty for the root. */
function nameOf(path: Name): string {
	const name = decodeName(path).toString('latin1');
	const parts = name.split('/');
	const plain = parts.every((part, at) => (at === 0 ? part === '' : part !== '' && part !== '.' && part !== '..'));
	if (name === '/') return '';
	if (!plain || parts.length < 2 || name.includes('\0')) throw contradiction(path, 'is not a plain absolute path');
	return name.slice(1);
}

/** Every folder above a path must be one: whoever reads an image follows no links. */
function checkFolders(name: string, packed: PackedPath, byName: ReadonlyMap<string, PackedPath>): void {
	for (let at = name.indexOf('/'); at >= 0; at = name.indexOf('/', at + 1)) {
		const above = byName.get(name.slice(0, at));
		if (above !== undefined && above.kind !== 'directory') {
			throw contradiction(packed.path, `lies below ${above.path}, which is packed as a ${above.kind}`);
		}
	}
	if (packed.kind === 'link' && (packed.target === null || packed.target === ''))
		throw contradiction(packed.path, 'is a link to nothing');
}

/** What a file takes in its layer, or why it is not what the run saw. */
function sizeOf(packed: PackedPath, blobPath: BlobPath): number | string {
	if (packed.kind !== 'file') return 0;
	const bytes = bytesOf(packed, blobPath);
	if (isGiven(bytes)) return bytes.bytes.length;
	try {
		const state = statSync(bytes);
		if (!state.isFile()) return 'is no regular file any more';
		const { expected } = packed;
		if (expected !== null && expected.size !== state.size) return `has ${state.size} bytes instead of ${expected.size}`;
		// With a hash the content decides, when it is written; without one the time is all there is.
		const timeCounts = packed.source.from === 'path' && expected?.sha256 === null && expected.mtime !== null;
		if (timeCounts && Math.floor(state.mtimeMs) !== Math.floor(expected.mtime)) return 'was written to';
		return state.size;
	} catch (cause) {
		const errno = errnoOf(cause);
		if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'ELOOP') return whyGone(packed);
		throw diskError(cause, `read ${packed.path}`, {
			where: packed.path,
			hint: 'pack as the user who may read what the run used',
		});
	}
}

function whyGone(packed: PackedPath): string {
	if (packed.source.from === 'blob') return 'is not in the blob store any more';
	const link = lstatSync(decodeName(packed.path), { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
	return link ? 'is a link that leads nowhere now' : 'is gone';
}

function isSame(a: PackedPath, b: PackedPath): boolean {
	const source = (packed: PackedPath) =>
		packed.source.from === 'bytes' ? packed.source.bytes.toString('latin1') : JSON.stringify(packed.source);
	return a.kind === b.kind && a.layer === b.layer && a.target === b.target && a.mode === b.mode && source(a) === source(b);
}

function contradiction(path: Name, why: string): CellarError {
	return new CellarError('CELLAR_INTERNAL', `cannot make an image: ${path} ${why}`);
}
