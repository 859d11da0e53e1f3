import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync, realpathSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { encodeName, errnoOf, fsPath, type FileFact, type Name } from '../../model/index.ts';

/** What a path is right now, by `lstat`: of a link, the link itself (what it leads to stands under `realPath`). */
export interface Look extends Pick<FileFact, 'path' | 'realPath' | 'kind' | 'size' | 'mode' | 'mtime'> {
	/** When the file was born, whole milliseconds since 1970; null where the file system does not tell. */
	readonly born: number | null;
	/** A link's text; null for others. */
	readonly target: Name | null;
}

/**
 * Looks at a path without opening it. What is not there, or cannot be a path, is `gone`; what may not be looked at is
 * `other` with all else null. Times are cut to whole milliseconds.
 *
 * @param folders the real paths of folders that are known by now, where many paths are looked at one after another
 */
// Synchronous: over tens of thousands of files this is several times faster than the thread pool.
export function look(path: Name, folders: Map<Name, Name | null> = new Map()): Look {
	const nothing = { path, realPath: null, size: null, mode: null, mtime: null, born: null, target: null };
	const raw = fsPath(path);
	try {
		const state = lstatSync(raw, { throwIfNoEntry: false });
		if (state === undefined) return { ...nothing, kind: 'gone' };
		const link = state.isSymbolicLink();
		return {
			path,
			realPath: link ? realPathOf(raw) : realPathBelow(path, folders),
			kind: state.isFile() ? 'file' : state.isDirectory() ? 'directory' : link ? 'link' : 'other',
			size: state.size,
			mode: state.mode & 0o7777,
			mtime: wholeMs(state.mtimeMs),
			born: state.birthtimeMs > 0 ? wholeMs(state.birthtimeMs) : null,
			target: link ? encodeName(readlinkSync(raw, { encoding: 'buffer' })) : null,
		};
	} catch (error) {
		const errno = errnoOf(error);
		if (isGone(errno)) return { ...nothing, kind: 'gone' };
		if (errno === 'EACCES' || errno === 'EPERM') return { ...nothing, kind: 'other' };
		throw error;
	}
}

/** The same of what is no link: only its folder's links matter, and many files share a folder. */
function realPathBelow(path: Name, folders: Map<Name, Name | null>): Name | null {
	const slash = path.lastIndexOf('/');
	// A folder by `.` or `..`, or a name that may not be written as we write it.
	if (slash < 0 || path.endsWith('/') || path.endsWith('/.') || path.endsWith('/..') || path.includes('\\', slash)) {
		return realPathOf(fsPath(path));
	}
	const folder = slash === 0 ? '/' : path.slice(0, slash);
	let real = folders.get(folder);
	if (real === undefined) folders.set(folder, (real = realPathOf(fsPath(folder))));
	if (real === null) return null;
	// The same name is the same string: there are hundreds of thousands of them.
	return real === folder ? path : `${real === '/' ? '' : real}${path.slice(slash)}`;
}

/** Null for a link that leads nowhere. */
function realPathOf(raw: string | Buffer): Name | null {
	try {
		// The typings of `realpathSync.native` leave out that it takes bytes as `realpathSync` does.
		return encodeName(realpathSync.native(raw, { encoding: 'buffer' }));
	} catch (error) {
		if (isGone(errnoOf(error)) || errnoOf(error) === 'EACCES') return null;
		throw error;
	}
}

function isGone(errno: string | null): boolean {
	return (
		errno === 'ENOENT' ||
		errno === 'ENOTDIR' ||
		errno === 'ELOOP' ||
		errno === 'ENAMETOOLONG' ||
		errno === 'ERR_INVALID_ARG_VALUE'
	);
}

/** Null for times outside what a Date holds. */
function wholeMs(ms: number): number | null {
	return Math.abs(ms) <= 8.64e15 ? Math.floor(ms) : null;
}

/**
 * The sha256 of a file's bytes in hexadecimal, links followed; memory does not grow with the file.
 *
 * @returns null where it is gone, may not be read or is no regular file
 */
export async function sha256Of(path: Name): Promise<string | null> {
	const small = readSmall(path);
	if (small === null) return null;
	if (small !== 'large') return createHash('sha256').update(small.bytes).digest('hex');
	const file = await openRegular(path);
	if (file === null) return null;
	try {
		const hash = createHash('sha256');
		await eachChunk(file, (bytes) => void hash.update(bytes));
		return hash.digest('hex');
	} finally {
		await file.close();
	}
}

/** What is read at once: nearly every file of a run, and the many small ones are what takes time. */
const smallest = 1 << 20;

/** The bytes of a small regular file as they were at one moment, links followed. */
export interface Small {
	readonly bytes: Buffer;
	/** It did not change while it was read. */
	readonly steady: boolean;
}

/** Reads a regular file of up to a mebibyte; null as `openRegular`. Synchronous: a tenth of the time that the thread pool takes. */
export function readSmall(path: Name): Small | 'large' | null {
	let file: number;
	try {
		file = openSync(fsPath(path), constants.O_RDONLY | constants.O_NONBLOCK);
	} catch (error) {
		if (isUnreadable(error)) return null;
		throw error;
	}
	try {
		const before = fstatSync(file, { bigint: true });
		if (!before.isFile()) return null;
		if (before.size > smallest) return 'large';
		// One byte more than it should have tells a file that grows.
		const buffer = Buffer.allocUnsafe(Number(before.size) + 1);
		let length = 0;
		for (let read = -1; read !== 0 && length < buffer.length; length += read) {
			read = readSync(file, buffer, length, buffer.length - length, length);
		}
		const after = fstatSync(file, { bigint: true });
		const steady = length === Number(before.size) && after.mtimeNs === before.mtimeNs && after.ctimeNs === before.ctimeNs;
		return { bytes: buffer.subarray(0, length), steady };
	} finally {
		closeSync(file);
	}
}

function isUnreadable(error: unknown): boolean {
	const errno = errnoOf(error);
	return isGone(errno) || errno === 'EACCES' || errno === 'EPERM' || errno === 'ENXIO';
}

/** Opens a regular file for reading; null where there is none or it may not be read. */
export async function openRegular(path: Name): Promise<FileHandle | null> {
	let file: FileHandle;
	try {
		// Without O_NONBLOCK the opening of a named pipe waits for a writer that may never come.
		file = await open(fsPath(path), constants.O_RDONLY | constants.O_NONBLOCK);
	} catch (error) {
		if (isUnreadable(error)) return null;
		throw error;
	}
	if ((await file.stat()).isFile()) return file;
	await file.close();
	return null;
}

/** Hands on a file's bytes from its start, in pieces that are good until the next one. */
export async function eachChunk(file: FileHandle, take: (bytes: Buffer) => void | Promise<void>): Promise<number> {
	const buffer = Buffer.allocUnsafe(1 << 20);
	let position = 0;
	for (;;) {
		const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
		if (bytesRead === 0) return position;
		await take(buffer.subarray(0, bytesRead));
		position += bytesRead;
	}
}
