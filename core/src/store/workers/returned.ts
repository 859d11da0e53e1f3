import { constants, existsSync } from 'node:fs';
import { copyFile, lstat, mkdir, mkdtemp, open, readdir, realpath, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { CellarError, diskError, errnoOf, type LogId } from '../../model/index.ts';
import { makeFolders, syncFolder } from '../disk.ts';
import { names } from '../home.ts';
import { tableNames } from '../tables/facts.ts';
import { checkReport, hiddenPath, workersFolder, workersIn, type WorkerState } from './folders.ts';
import { parseTicket, ticketFile, type Ticket } from './ticket.ts';

/** What was brought back from where a run could not be reached, copied beside the run's own and looked at. */
export interface Returned extends AsyncDisposable {
	/** The copy: built as a run's folder, with `workers/` and `logs/`. */
	readonly directory: string;
	readonly workers: readonly WorkerState[];
	/** Gives a worker that has reported in the copy to the run. @returns false where the run has it already */
	settle(log: LogId): Promise<boolean>;
}

/** What of a worker is looked at; whatever else lies there is left. */
const taken: ReadonlySet<string> = new Set([...tableNames.map((name) => `${name}.parquet`), 'worker.json', names.lock]);
/** No honest ticket is longer. */
const longest = 1 << 16;

/**
 * Copies a folder with reports into a hidden one of the run and reads all of it; the run is as it was until a worker is settled, and
 * the folder always. Nothing in it is trusted: no link is followed, and all facts must be the worker's own.
 *
 * @param directory the run's
 * @throws CellarError CELLAR_NO_SUCH_FILE, CELLAR_REPORT_UNREADABLE, CELLAR_RUN_TOO_NEW, CELLAR_DISK_FULL, CELLAR_NO_PERMISSION
 */
export async function openReturned(
	directory: string,
	folder: string,
	{ run, nonce }: Pick<Ticket, 'run' | 'nonce'>,
): Promise<Returned> {
	const from = await realpath(folder).catch((error: unknown) => {
		if (errnoOf(error) !== 'ENOENT') throw error;
		throw new CellarError('CELLAR_NO_SUCH_FILE', `there is no folder ${folder}`, { where: folder });
	});
	const ticket = parseTicket(await ticketIn(from), from);
	if (ticket.run !== run || ticket.nonce !== nonce) {
		const message = `it holds reports of workers of the run ${ticket.run}, not of ${run}${ticket.run === run ? ' that is kept here' : ''}`;
		const hint =
			ticket.run === run
				? 'name the run for which the bundle was made: cellar runs lists them'
				: `cellar worker add ${ticket.run} FOLDER`;
		throw new CellarError('CELLAR_REPORT_UNREADABLE', message, { where: from, hint });
	}
	await makeFolders(join(directory, workersFolder));
	const copy = await mkdtemp(join(directory, workersFolder, '.adding-'));
	const dispose = () => rm(copy, { recursive: true, force: true });
	try {
		await mkdir(join(copy, names.logs));
		await mkdir(join(copy, workersFolder));
		await copyWorkers(from, copy);
		const workers = await workersIn(copy);
		for (const { log, state, report } of workers) {
			if (state !== 'reported') continue;
			if (report === null) throw broken(join(from, workersFolder, log), 'worker.json is not as it should be');
			await checkReport(copy, log);
		}
		return {
			directory: copy,
			workers,
			async settle(log) {
				const place = join(directory, workersFolder, log);
				if (existsSync(hiddenPath(directory, log)) || existsSync(place)) return false;
				const kept = join(copy, names.logs, `${log}.strace.gz`);
				if (existsSync(kept)) await rename(kept, join(directory, names.logs, `${log}.strace.gz`));
				await rm(join(copy, workersFolder, log, names.lock), { force: true });
				try {
					await rename(join(copy, workersFolder, log), place);
				} catch (error) {
					// Somebody else has just brought the same.
					if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST') return false;
					throw error;
				}
				await syncFolder(join(directory, workersFolder));
				return true;
			},
			[Symbol.asyncDispose]: dispose,
		};
	} catch (cause) {
		await dispose();
		if (!(cause instanceof CellarError)) throw diskError(cause, `read the reports in ${folder}`);
		if (cause.code !== 'CELLAR_RUN_UNREADABLE') throw cause;
		const where = cause.where?.replace(copy, from) ?? from;
		throw new CellarError('CELLAR_REPORT_UNREADABLE', cause.message, { where, cause, hint });
	}
}

const hint = 'bring the folder back whole, as tar does; nothing of it was added';

function broken(where: string, why: string): CellarError {
	return new CellarError('CELLAR_REPORT_UNREADABLE', why, { where, hint });
}

async function ticketIn(folder: string): Promise<unknown> {
	const path = join(folder, ticketFile);
	const seen = await lstat(path).catch((error: unknown) => {
		if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
		throw error;
	});
	if (seen === null) throw broken(folder, `it has no ${ticketFile}: it is no folder with the reports of workers`);
	if (!seen.isFile() || seen.size > longest) throw broken(path, 'it is no file that says for which run the folder is');
	const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
	try {
		return JSON.parse(await file.readFile('utf8')) as unknown; // what it holds is looked at by who asked
	} catch (cause) {
		throw new CellarError('CELLAR_REPORT_UNREADABLE', 'it is not JSON', { where: path, hint, cause });
	} finally {
		await file.close();
	}
}

/** Of each worker its own files, and the log of one that could not read it itself. */
async function copyWorkers(from: string, to: string): Promise<void> {
	for (const name of await namesIn(join(from, workersFolder))) {
		const unfinished = /^\.([\w-]+)\.new$/.exec(name)?.[1];
		if (unfinished === undefined && !/^\w[\w-]*$/.test(name)) continue;
		const [source, target] = [join(from, workersFolder, name), join(to, workersFolder, name)];
		await mkdir(target, { mode: 0o700 });
		for (const file of await namesIn(source)) if (taken.has(file)) await copyPlain(join(source, file), join(target, file));
		if (unfinished === undefined) continue;
		const logs = await namesIn(join(from, names.logs));
		for (const log of [`${unfinished}.strace`, `${unfinished}.strace.gz`]) {
			if (logs.includes(log)) await copyPlain(join(from, names.logs, log), join(to, names.logs, log));
		}
	}
}

/** The names in a folder that is one, and no link to one; none where it is not there. */
async function namesIn(folder: string): Promise<readonly string[]> {
	const seen = await lstat(folder).catch((error: unknown) => {
		if (errnoOf(error) === 'ENOENT') return null;
		throw error;
	});
	if (seen === null) return [];
	if (!seen.isDirectory()) throw broken(folder, 'it is no folder of its own');
	return (await readdir(folder)).toSorted();
}

/** Copies a file with its time, by which it is told how long nothing was heard. */
async function copyPlain(from: string, to: string): Promise<void> {
	const seen = await lstat(from);
	if (!seen.isFile()) throw broken(from, 'it is no file of its own');
	await copyFile(from, to, constants.COPYFILE_EXCL);
	await utimes(to, seen.atime, seen.mtime);
}
