import { existsSync, lstatSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from '../../model/index.ts';
import { removeTree } from '../../sandbox/index.ts';
import { bytesOfRun, isAlive, writeLock } from '../../store/index.ts';

/** Folders of one repeat, gone when it is disposed of; what a killed one has left is taken away by the next. */
export interface Workplace extends Disposable {
	/** Below CELLAR_HOME: for what is unpacked and written. */
	readonly folder: string;
	/** Below the folder for temporary files, since the path of a socket must be short. */
	readonly sockets: string;
}

/** The file that names the folder of the sockets. */
const pointer = 'sockets';
/** How old a folder without a lock is before it is taken for left behind, in milliseconds: it is locked at once when it is made. */
const graceMs = 60_000;

export async function openWorkplace(home: string): Promise<Workplace> {
	await sweepWorkplaces(home);
	const work = join(home, 'work');
	await mkdir(work, { recursive: true, mode: 0o700 });
	const folder = mkdtempSync(join(work, 'repeat-'));
	const sockets = mkdtempSync(join(tmpdir(), 'cellar-'));
	writeFileSync(join(folder, pointer), sockets);
	await writeLock(folder);
	return {
		folder,
		sockets,
		[Symbol.dispose]: () => {
			rmSync(sockets, { recursive: true, force: true });
			removeTree(folder);
		},
	};
}

/** Removes the folders of repeats whose process is gone. @returns how many bytes were in them */
export async function sweepWorkplaces(home: string): Promise<number> {
	let bytes = 0;
	const work = join(home, 'work');
	for (const name of existsSync(work) ? readdirSync(work) : []) {
		const folder = join(work, name);
		if (!(await isLeft(folder))) continue;
		try {
			const size = bytesOfRun(folder);
			removeSockets(folder);
			removeTree(folder);
			bytes += size;
		} catch (error) {
			// Somebody else sweeps too, or the sandbox is only just ending: the next one takes what is left.
			if (!['ENOENT', 'ENOTEMPTY', 'EBUSY'].includes(errnoOf(error) ?? '')) throw error;
		}
	}
	return bytes;
}

async function isLeft(folder: string): Promise<boolean> {
	if (existsSync(join(folder, 'lock'))) return !(await isAlive(folder));
	const state = lstatSync(folder, { throwIfNoEntry: false });
	return state !== undefined && Date.now() - state.mtimeMs > graceMs;
}

function removeSockets(folder: string): void {
	const file = join(folder, pointer);
	if (!existsSync(file)) return;
	const sockets = readFileSync(file, 'utf8');
	if (dirname(sockets) === tmpdir() && basename(sockets).startsWith('cellar-')) rmSync(sockets, { recursive: true, force: true });
}
