import { createHash, randomBytes } from 'node:crypto';
import { renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { chmod, open, rename, rm, stat, utimes, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CellarError, diskError, errnoOf, type Name } from '../../model/index.ts';
import { makeFolders, syncFolder, writeAll } from '../disk.ts';
import { blobsFolder } from '../home.ts';
import { eachChunk, openRegular, readSmall, sha256Of, type Small } from './look.ts';

/** A file's content at one moment. `kept` is false where it is larger than the limit: then only its hash is known. */
export interface Put {
	readonly sha256: string;
	readonly size: number;
	readonly kept: boolean;
}

/** Bytes under their own hash: each content once, whole or not at all, never changed. */
export interface Blobs {
	/**
	 * Keeps what a file holds now, links followed.
	 *
	 * @param limit bytes; a larger file is hashed and not kept
	 * @returns null where there is no state to keep: gone, not a regular file, not readable, or changing under every look
	 * @throws CellarError CELLAR_DISK_FULL, CELLAR_NO_PERMISSION: of the store
	 */
	putFile(path: Name, limit: number): Promise<Put | null>;
	/** Keeps bytes; their sha256. */
	putBytes(bytes: Uint8Array): Promise<string>;
	/** Where the bytes of a hash lie, if they are there. @throws CellarError CELLAR_RUN_UNREADABLE where it is no sha256 */
	path(sha256: string): string;
	has(sha256: string): Promise<boolean>;
	/** Whether what lies there still has its hash. */
	isWhole(sha256: string): Promise<boolean>;
}

/** How often a file that changes while it is copied is copied again. */
const attempts = 3;

/** The blob store of a home: `blobs/sha256/ab/<all 64 digits>`. */
export function openBlobs(home: string): Blobs {
	const root = blobsFolder(home);
	const path = (sha256: string) => join(root, 'sha256', checked(sha256).slice(0, 2), sha256);
	const store: Store = { temporary: join(root, 'tmp'), path };
	return {
		path,
		has: async (sha256) => (await sizeOf(path(sha256))) !== null,
		isWhole: async (sha256) => (await sha256Of(path(sha256))) === sha256,
		async putFile(from, limit) {
			for (let attempt = 0; attempt < attempts; attempt++) {
				const small = readSmall(from);
				if (small === null) return null;
				const put = small === 'large' ? await putOnce(store, from, limit) : await putSmall(store, small, limit);
				if (put !== 'changed') return put;
			}
			return null;
		},
		async putBytes(bytes) {
			const sha256 = createHash('sha256').update(bytes).digest('hex');
			if (!(await keepAlive(path(sha256), bytes.length))) {
				await writeBlob(store, sha256, async (file) => {
					await writeAll(file, bytes);
					return true;
				});
			}
			return sha256;
		},
	};
}

interface Store {
	/** Where blobs grow before they get their names. */
	readonly temporary: string;
	readonly path: (sha256: string) => string;
}

/**
 * A small file is written at once and not synced: thousands of them would wait for the disk one by one. Where a power cut takes
 * one away it has not its size any more, and is written again when it is next kept.
 */
async function putSmall(store: Store, { bytes, steady }: Small, limit: number): Promise<Put | 'changed'> {
	if (!steady) return 'changed';
	const sha256 = createHash('sha256').update(bytes).digest('hex');
	const put: Put = { sha256, size: bytes.length, kept: bytes.length <= limit };
	const path = store.path(sha256);
	if (!put.kept || keepAliveNow(path, bytes.length)) return put;
	const temporary = join(store.temporary, randomBytes(8).toString('hex'));
	try {
		await makeFolders(store.temporary);
		await makeFolders(dirname(path));
		writeFileSync(temporary, bytes, { flag: 'wx', mode: 0o400 });
		renameSync(temporary, path);
		return put;
	} catch (cause) {
		await rm(temporary, { force: true });
		throw full(cause, store);
	}
}

async function putOnce(store: Store, from: Name, limit: number): Promise<Put | null | 'changed'> {
	const file = await openRegular(from);
	if (file === null) return null;
	try {
		const before = await stampOf(file);
		// Hashed first and copied second: most inputs are there from the run before, and are then not written at all.
		const hash = createHash('sha256');
		const size = await eachChunk(file, (bytes) => void hash.update(bytes));
		const sha256 = hash.digest('hex');
		if ((await stampOf(file)) !== before) return 'changed';
		if (size > limit) return { sha256, size, kept: false };
		if (await keepAlive(store.path(sha256), size)) return { sha256, size, kept: true };
		const again = createHash('sha256');
		const written = await writeBlob(store, sha256, async (blob) => {
			await eachChunk(file, async (bytes) => {
				again.update(bytes);
				await writeAll(blob, bytes);
			});
			return again.digest('hex') === sha256;
		});
		return written ? { sha256, size, kept: true } : 'changed';
	} finally {
		await file.close();
	}
}

/** Fills a file under another name and gives it its own once it is synced, unless `fill` says that it is not what it should be. */
async function writeBlob(store: Store, sha256: string, fill: (file: FileHandle) => Promise<boolean>): Promise<boolean> {
	const temporary = join(store.temporary, randomBytes(8).toString('hex'));
	const path = store.path(sha256);
	const folder = join(path, '..');
	try {
		await makeFolders(store.temporary);
		await makeFolders(folder);
		const file = await open(temporary, 'wx', 0o600);
		let filled: boolean;
		try {
			filled = await fill(file);
			if (filled) await file.sync();
		} finally {
			await file.close();
		}
		if (filled) {
			await chmod(temporary, 0o400);
			await rename(temporary, path);
			await syncFolder(folder);
		} else await rm(temporary);
		return filled;
	} catch (cause) {
		await rm(temporary, { force: true });
		throw full(cause, store);
	}
}

function full(cause: unknown, store: Store): Error {
	return diskError(cause, 'keep a file in the blob store', {
		where: store.temporary,
		hint: 'what was kept before is whole; make room on this disk',
	});
}

function keepAliveNow(path: string, size: number): boolean {
	if (statSync(path, { throwIfNoEntry: false })?.size !== size) return false;
	const now = new Date();
	utimesSync(path, now, now);
	return true;
}

/** Whether the blob is there; if so it is made young again, so that no sweep takes it from a run that is being made. */
async function keepAlive(path: string, size: number): Promise<boolean> {
	if ((await sizeOf(path)) !== size) return false;
	const now = new Date();
	try {
		await utimes(path, now, now);
	} catch (error) {
		if (errnoOf(error) === 'ENOENT') return false;
		throw error;
	}
	return true;
}

async function sizeOf(path: string): Promise<number | null> {
	const state = await stat(path).catch((error: unknown) => {
		if (errnoOf(error) === 'ENOENT') return null;
		throw error;
	});
	return state === null ? null : state.size;
}

/** What changes when a file's content does. */
async function stampOf(file: FileHandle): Promise<string> {
	const { size, mtimeNs, ctimeNs } = await file.stat({ bigint: true });
	return `${size} ${mtimeNs} ${ctimeNs}`;
}

function checked(sha256: string): string {
	if (/^[0-9a-f]{64}$/.test(sha256)) return sha256;
	throw new CellarError('CELLAR_RUN_UNREADABLE', `"${sha256.slice(0, 80)}" is not a sha256`);
}
