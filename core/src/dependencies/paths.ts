import { createHash } from 'node:crypto';
import {
	readdirSync,
	readFileSync,
	realpathSync,
	statSync,
	lstatSync,
	readlinkSync,
	openSync,
	readSync,
	closeSync,
	type Stats,
} from 'node:fs';
import { posix } from 'node:path';
import { decodeName, encodeName, errnoOf, fsPath, type Name, type View } from '../model/index.ts';

/** A path given as text (a line of a RECORD, a word of a setting) in the run's encoding of names. */
export function nameOfText(text: string): Name {
	return /[\\\p{Cc}\p{Cs}]/u.test(text) ? encodeName(Buffer.from(text, 'utf8')) : text;
}

/** True for a folder itself and for what lies below it. */
export function isWithin(path: Name, folder: Name): boolean {
	return path.startsWith(folder) && (path.length === folder.length || path[folder.length] === '/' || folder === '/');
}

/** What follows `folder/` in a path that lies below it; null for the folder itself and for all others. */
export function relativeTo(path: Name, folder: Name): Name | null {
	if (folder === '/') return path.length > 1 ? path.slice(1) : null;
	return path.length > folder.length + 1 && path.startsWith(folder) && path[folder.length] === '/'
		? path.slice(folder.length + 1)
		: null;
}

/**
 * Folders that were told of paths, one in each place: the same text is the same string then, by which a table finds what it knows of a
 * folder far sooner. Where a folder stands follows from its length and its last letters, in which folders of many files differ.
 */
const recent: Name[] = Array.from({ length: 1 << 10 }, () => '');

export function parentOf(path: Name): Name {
	const at = path.lastIndexOf('/');
	if (at <= 0) return '/';
	const letters = (path.charCodeAt(at - 1) * 31 + path.charCodeAt(at - 2)) * 31 + path.charCodeAt(at - 3);
	const place = (letters * 31 + at) & (recent.length - 1);
	const known = recent[place]!;
	if (known.length === at && path.startsWith(known)) return known;
	return (recent[place] = path.slice(0, at));
}

/** Keeps the answer to the last question: what is known of a path is asked for several times in a row. `forget` drops it. */
export function keepingLast<Q, T>(ask: (question: Q) => T): ((question: Q) => T) & { forget(): void } {
	let asked: Q | undefined;
	let known: T | undefined;
	const answer = (question: Q): T => {
		if (known !== undefined && asked === question) return known;
		const told = ask(question);
		asked = question;
		known = told;
		return told;
	};
	return Object.assign(answer, { forget: () => void (known = undefined) });
}

/** The last question and answer of `baseOf`: a path is asked about by many, one after another. */
let based: Name = '';
let base: Name = '';

export function baseOf(path: Name): Name {
	if (path === based) return base;
	based = path;
	return (base = path.slice(path.lastIndexOf('/') + 1));
}

/** Without `//`, `.` and `..`, by the text alone; a path that is clean already is returned as it is. */
export function cleaned(path: Name): Name {
	if (!path.includes('/.') && !path.includes('//') && !path.endsWith('/')) return path;
	if (!/\/\/|\/\.\.?(?:\/|$)|.\/$/.test(path)) return path;
	const clean = posix.normalize(path);
	return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}

/** Path words joined; `more` may start with `..`. */
export function joined(folder: Name, more: Name): Name {
	return cleaned(more.startsWith('/') ? more : `${folder === '/' ? '' : folder}/${more}`);
}

const absent = new Set([
	'ENOENT',
	'ENOTDIR',
	'EACCES',
	'EPERM',
	'ELOOP',
	'ENAMETOOLONG',
	'EISDIR',
	'EINVAL',
	'ENXIO',
	'ERR_INVALID_ARG_VALUE',
]);

/** The value, or null where the file system says that there is nothing to see. Any other failure is thrown. */
function orNull<T>(look: () => T): T | null {
	try {
		return look();
	} catch (error) {
		if (absent.has(errnoOf(error) ?? '')) return null;
		throw error;
	}
}

/** Whose files are looked at; null for this machine's. Set for the time of one call of the room's front doors, which never wait. */
let view: View | null = null;

/** Does a piece of work with the files as a run saw them. */
export function seenBy<T>(whose: View | null, work: () => T): T {
	const before = view;
	view = whose;
	try {
		return work();
	} finally {
		view = before;
	}
}

/** What `node:fs` takes for a path; a name that cannot be where the view has nothing there. */
export function onDisk(path: Name, follow: boolean): string | Buffer {
	if (view === null) return fsPath(path);
	const place = view.place(path, follow);
	return place === null ? '\0' : fsPath(place);
}

export function readBytes(path: Name): Buffer | null {
	return orNull(() => readFileSync(onDisk(path, true)));
}

export function readText(path: Name): string | null {
	return readBytes(path)?.toString('utf8') ?? null;
}

/** The first bytes of a regular file, or those from `offset`, at most `length`; null where it cannot be read. */
export function readStart(path: Name, length: number, offset = 0): Buffer | null {
	if (statOf(path)?.isFile() !== true) return null;
	const file = orNull(() => openSync(onDisk(path, true), 'r'));
	if (file === null) return null;
	try {
		const bytes = Buffer.alloc(length);
		return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
	} finally {
		closeSync(file);
	}
}

/** The sha256 of a regular file in hexadecimal, links followed; null where it cannot be read. */
export function sha256Of(path: Name): string | null {
	if (statOf(path)?.isFile() !== true) return null;
	const file = orNull(() => openSync(onDisk(path, true), 'r'));
	if (file === null) return null;
	try {
		const hash = createHash('sha256');
		const bytes = Buffer.allocUnsafe(1 << 20);
		for (let read = readSync(file, bytes); read > 0; read = readSync(file, bytes)) hash.update(bytes.subarray(0, read));
		return hash.digest('hex');
	} finally {
		closeSync(file);
	}
}

/** The names in a folder, sorted as bytes are; null where there is no such folder. */
export function namesIn(folder: Name): Name[] | null {
	if (view !== null) return view.names(folder)?.toSorted(byName) ?? null;
	const names = orNull(() => readdirSync(fsPath(folder), { encoding: 'buffer' }));
	return names === null ? null : names.toSorted((a, b) => a.compare(b)).map((name) => encodeName(name));
}

/** Whether one of the names in a folder fits; sooner told than the names in their order. */
export function hasNameIn(folder: Name, fits: (name: Name) => boolean): boolean {
	if (view !== null) return view.names(folder)?.some(fits) === true;
	return orNull(() => readdirSync(fsPath(folder)).some(fits)) === true;
}

/** Links followed. */
export function statOf(path: Name): Stats | null {
	return orNull(() => statSync(onDisk(path, true), { throwIfNoEntry: false }) ?? null);
}

export function lstatOf(path: Name): Stats | null {
	return orNull(() => lstatSync(onDisk(path, false), { throwIfNoEntry: false }) ?? null);
}

export function realPathOf(path: Name): Name | null {
	if (view !== null) return view.real(path);
	return orNull(() => encodeName(realpathSync.native(fsPath(path), { encoding: 'buffer' })));
}

export function linkTextOf(path: Name): Name | null {
	return orNull(() => encodeName(readlinkSync(onDisk(path, false), { encoding: 'buffer' })));
}

export function isFolder(path: Name): boolean {
	return statOf(path)?.isDirectory() === true;
}

export function isFile(path: Name): boolean {
	return statOf(path)?.isFile() === true;
}

/** Sorted by the bytes of their names. */
export function sortedByBytes<T>(items: readonly T[], nameOf: (item: T) => Name): T[] {
	// Of names that are plain ASCII, the text has the same order as the bytes.
	if (items.every((item) => isPlain(nameOf(item)))) return items.toSorted((a, b) => byName(nameOf(a), nameOf(b)));
	return items
		.map((item) => ({ item, bytes: decodeName(nameOf(item)) }))
		.toSorted((a, b) => a.bytes.compare(b.bytes))
		.map((one) => one.item);
}

function isPlain(name: Name): boolean {
	return /^[ -[\]-~]*$/.test(name);
}

/** Sorts as FORMATS does: by the bytes of the names. */
export function byName(a: Name, b: Name): number {
	return a < b ? -1 : a > b ? 1 : 0;
}
