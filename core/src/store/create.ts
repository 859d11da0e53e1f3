import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { CellarError, diskError, errnoOf, type JournalEntry, type LogId, type Run } from '../model/index.ts';
import { makeFolders, removeTemporary, syncFolder, writeWhole } from './disk.ts';
import { names, runsFolder } from './home.ts';
import { continueJournal, createJournal, readJournal, type Journal } from './journal.ts';
import { takeLock, writeLock } from './lock.ts';
import { readRun, runOf } from './read.ts';

/** A run that is being made. Whoever opens it holds its lock until `finish`, or until it is disposed of. */
export interface RunFolder {
	readonly id: string;
	readonly directory: string;
	/**
	 * Adds a line to the journal; it is on the disk at the return of a `cell end`, an `input` and an `end`.
	 *
	 * @throws CellarError CELLAR_DISK_FULL: the journal is then as it was before
	 */
	append(entry: JournalEntry): Promise<void>;
	/** Where a log grows: `logs/manager.strace`. */
	logPath(log: LogId): string;
	/** Writes a file of the folder whole: under another name, synced, renamed. */
	write(name: string, bytes: string | Uint8Array): Promise<void>;
	/** Writes `run.json` (as given, or as the journal tells, unless it stands already) and lets go of the lock. */
	finish(run?: Run): Promise<void>;
	/** Lets go of the lock and the journal. A run that was not finished is `died` from then on. */
	[Symbol.asyncDispose](): Promise<void>;
}

/**
 * Begins a run: a folder of its own, readable by its owner only, with its lock, an empty `logs/` and a journal whose first
 * entry is the run as given, with its new id. The folder takes its name only when all of that is in it.
 *
 * @param run its `started` is also the time in the id
 * @throws CellarError CELLAR_DISK_FULL, CELLAR_NO_PERMISSION
 */
export async function createRun(home: string, run: Omit<Run, 'run'>): Promise<RunFolder> {
	const runs = runsFolder(home);
	try {
		await makeFolders(runs);
		for (;;) {
			const id = newId(new Date(run.started));
			const made = await tryCreate(runs, { ...run, run: id });
			if (made !== null) return made;
		}
	} catch (cause) {
		throw diskError(cause, `make a run in ${home}`);
	}
}

/**
 * Takes the folder of a run that died, to make it whole from its journal and log; half-written files in it are gone then.
 *
 * @returns null where a living process holds it
 * @throws CellarError CELLAR_RUN_UNREADABLE, CELLAR_RUN_TOO_NEW, CELLAR_DISK_FULL, CELLAR_NO_PERMISSION
 */
export async function reopenRun(directory: string): Promise<RunFolder | null> {
	const { run } = await readRun(directory);
	if (!(await takeLock(directory))) return null;
	for (const folder of [directory, join(directory, names.logs)]) await removeTemporary(folder);
	return openFolder(run, directory, await continueJournal(directory, run));
}

/** Null where the id is taken. */
async function tryCreate(runs: string, run: Run): Promise<RunFolder | null> {
	const hidden = join(runs, `.${run.run}.new`);
	const directory = join(runs, run.run);
	try {
		await mkdir(hidden, { mode: 0o700 });
	} catch (cause) {
		if (errnoOf(cause) === 'EEXIST') return null;
		throw cause;
	}
	let journal: Journal | null = null;
	try {
		await writeLock(hidden);
		await mkdir(join(hidden, names.logs), { mode: 0o700 });
		journal = await createJournal(hidden, run.run);
		await journal.append({ event: 'begin', format: 1, run });
		// A run folder is never empty, so this cannot replace one.
		await rename(hidden, directory);
		await syncFolder(runs);
	} catch (cause) {
		await journal?.close();
		await rm(hidden, { recursive: true, force: true });
		if (errnoOf(cause) === 'ENOTEMPTY' || errnoOf(cause) === 'EEXIST') return null;
		throw cause;
	}
	return openFolder(run.run, directory, journal);
}

function openFolder(id: string, directory: string, journal: Journal): RunFolder {
	let closed: Promise<void> | null = null;
	const close = () => (closed ??= release(directory, journal));
	const write = async (name: string, bytes: string | Uint8Array) => writeWhole(join(directory, plainName(name)), bytes);
	return {
		id,
		directory,
		append: (entry) => journal.append(entry),
		logPath: (log) => join(directory, names.logs, `${plainName(log)}.strace`),
		write,
		async finish(given) {
			const there = await stat(join(directory, names.run)).catch(absent);
			if (given !== undefined || there === null) {
				const run = given ?? runOf(await readJournal(directory));
				await write(names.run, documentOf(run.status === 'running' ? { ...run, status: 'died' } : run));
			}
			await close();
		},
		[Symbol.asyncDispose]: close,
	};
}

async function release(directory: string, journal: Journal): Promise<void> {
	await journal.close();
	await rm(join(directory, names.lock), { force: true });
}

/** `run.json` as it is written. */
function documentOf(run: Run): string {
	return `${JSON.stringify(run, null, '\t')}\n`;
}

/** `YYYYMMDD-HHMMSS-xxxx`, in UTC. */
function newId(at: Date): string {
	const [day, time] = at.toISOString().replace(/[-:]/g, '').slice(0, 15).split('T');
	return `${day}-${time}-${randomBytes(2).toString('hex')}`;
}

/** A name that stays in its folder. */
function plainName(name: string): string {
	if (name === '' || isAbsolute(name) || normalize(name).startsWith('..')) {
		throw new CellarError('CELLAR_INTERNAL', `"${name}" is not a name within a run folder`);
	}
	return name;
}

function absent(error: unknown): null {
	if (errnoOf(error) === 'ENOENT') return null;
	throw error;
}
