import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { diskError, errnoOf } from '../model/index.ts';

/** A file that is written piece by piece, and has no name before it is whole. */
export interface WholeFile extends AsyncDisposable {
	/** @throws CellarError CELLAR_DISK_FULL, CELLAR_NO_PERMISSION */
	write(bytes: string | Uint8Array): Promise<void>;
	/** Gives it its name: whoever lets go of it before leaves nothing. @throws as `write`; what stood under the name before still does */
	finish(): Promise<void>;
}

/**
 * Writes a file so that its name only ever stands for all of it: under another name first, synced, then renamed; the folder
 * is synced too, so that the name outlives a power cut. Readable by its owner only.
 *
 * @throws CellarError CELLAR_DISK_FULL, CELLAR_NO_PERMISSION; what stood under the name before still does
 */
export async function writeWhole(path: string, bytes: string | Uint8Array): Promise<void> {
	await using file = await openWhole(path);
	await file.write(bytes);
	await file.finish();
}

/** The same, piece by piece. */
export async function openWhole(path: string): Promise<WholeFile> {
	const temporary = join(dirname(path), temporaryName(basename(path)));
	const told = async <T>(work: () => Promise<T>): Promise<T> => {
		try {
			return await work();
		} catch (cause) {
			throw diskError(cause, `write ${path}`);
		}
	};
	const file = await told(() => open(temporary, 'wx', 0o600));
	let isOpen = true;
	const close = async () => {
		if (!isOpen) return;
		isOpen = false;
		await file.close();
	};
	let isDone = false;
	return {
		write: (bytes) => told(() => file.writeFile(bytes)),
		finish: () =>
			told(async () => {
				await file.sync();
				await close();
				await rename(temporary, path);
				isDone = true;
				await syncFolder(dirname(path));
			}),
		async [Symbol.asyncDispose]() {
			await close();
			if (!isDone) await rm(temporary, { force: true });
		},
	};
}

/** A hidden name beside the one that a file gets in the end. */
export function temporaryName(name: string): string {
	return `.${name}.${randomBytes(6).toString('hex')}.tmp`;
}

/** Removes what was half written in a folder; only whoever holds it may do so. What a lock is made of may be somebody else's. */
export async function removeTemporary(folder: string): Promise<void> {
	for (const name of await readdir(folder)) {
		if (/^\.(?!lock\.).+\.[0-9a-f]{12}\.tmp$/.test(name)) await rm(join(folder, name), { force: true });
	}
}

/** Makes the names in a folder outlive a power cut. */
export async function syncFolder(path: string): Promise<void> {
	const folder = await open(path, 'r');
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
}

/** Writes all of it, at the file's own position or its end. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
	let done = 0;
	while (done < bytes.length) done += (await file.write(bytes, done, bytes.length - done)).bytesWritten;
}

/** Makes a folder and those above it, open to their owner only, unless they are there. */
// Not `mkdir` with `recursive`: Node says ENOENT where the reason is a read-only file system.
export async function makeFolders(path: string): Promise<void> {
	try {
		await mkdir(path, { mode: 0o700 });
	} catch (error) {
		if (errnoOf(error) === 'EEXIST') return;
		if (errnoOf(error) !== 'ENOENT') throw error;
		await makeFolders(dirname(path));
		await mkdir(path, { mode: 0o700 });
	}
}
