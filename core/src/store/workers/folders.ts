import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import {
	CellarError,
	diskError,
	errnoOf,
	type AccessColumns,
	type Facts,
	type FactsWithoutAccesses,
	type LogId,
} from '../../model/index.ts';
import { makeFolders, removeTemporary, syncFolder, temporaryName, writeWhole } from '../disk.ts';
import { names } from '../home.ts';
import { holderOf, takeLock, writeLock } from '../lock.ts';
import { readAccessColumns, readFactsWithoutAccesses, writeFacts } from '../tables/facts.ts';

const reportSchema = v.object({
	format: v.literal(1),
	/** What its log is called: `logs/<log>.strace`, and `log` of its facts. */
	log: v.string(),
	host: v.string(),
	bootId: v.string(),
	/** Of the process that watches it. */
	pid: v.number(),
	engine: v.string(),
	/** The program and its arguments, without secrets. */
	argv: v.array(v.string()),
	cwd: v.string(),
	/** The folder of the agent in it; null where it has none. */
	agent: v.nullable(v.string()),
	/** What it forks are workers. */
	findWorkers: v.boolean(),
	started: v.string(),
	/** When it had ended; null while it runs, and of one that was killed with its watcher. */
	ended: v.nullable(v.string()),
	exitCode: v.nullable(v.number()),
	signal: v.nullable(v.string()),
	cellar: v.string(),
	/** The job that started it, by the name that the run's manager gave it. */
	job: v.optional(v.string()),
	/** Why it runs without being audited. */
	unaudited: v.optional(v.string()),
});
/** `worker.json`: what a worker says of itself. */
export type WorkerReport = v.InferOutput<typeof reportSchema>;

/** A worker's folder in that of a run. */
export interface WorkerFolder {
	readonly log: LogId;
	/** Where the worker's log grows. */
	readonly logPath: string;
	/** Tells what is known of it by now. */
	say(report: WorkerReport): Promise<void>;
	/** Writes its facts, and gives the folder its name: from then on it has reported. */
	report(report: WorkerReport, facts: Facts): Promise<void>;
	/** Removes the log of a worker that has reported. */
	dropLog(): Promise<void>;
	/** Leaves nothing of it. */
	discard(): Promise<void>;
	/** Lets go of it. One that has not reported by then is taken for one that was killed. */
	[Symbol.asyncDispose](): Promise<void>;
}

/** What stands below `workers/` of a run. */
export interface WorkerState {
	readonly log: LogId;
	/**
	 * `running` also where it is reading its own log; `gone`: nobody will report any more; `silent`: it was not heard of for long, and
	 * whether it goes on cannot be seen from here.
	 */
	readonly state: 'reported' | 'running' | 'silent' | 'gone';
	/** When one that cannot be seen from here was last heard of, in ISO 8601. */
	readonly heard: string | null;
	/** Null where it says nothing that can be read. */
	readonly report: WorkerReport | null;
}

/** Of a run's folder, and of one with reports that are brought back. */
export const workersFolder = 'workers';
const file = 'worker.json';
/** How often a worker shows that it lives, and after how long without a sign it is silent, where its process cannot be seen. */
const beatMs = 30_000;
const silentMs = 300_000;

/**
 * Makes the folder of a worker that begins, under a name that no other has: on however many hosts they begin at once. It is hidden
 * until the worker has reported.
 *
 * @param directory the run's
 * @throws CellarError CELLAR_DISK_FULL, CELLAR_NO_PERMISSION
 */
export async function beginWorker(directory: string, report: Omit<WorkerReport, 'log'>): Promise<WorkerFolder> {
	try {
		await makeFolders(join(directory, workersFolder));
		for (;;) {
			const log = `${hostname()
				.replace(/[^\w-]/g, '-')
				.slice(0, 40)}-${process.pid}-${randomBytes(4).toString('hex')}`;
			try {
				await mkdir(hiddenPath(directory, log), { mode: 0o700 });
			} catch (cause) {
				if (errnoOf(cause) === 'EEXIST') continue;
				throw cause;
			}
			await writeLock(hiddenPath(directory, log));
			const made = openWorker(directory, log);
			await made.say({ ...report, log });
			return made;
		}
	} catch (cause) {
		throw diskError(cause, `make a worker's folder in ${directory}`, { where: directory });
	}
}

/**
 * Takes the folder of a worker that was killed, to report in its place.
 *
 * @param isKnown somebody knows that it is dead, though that cannot be seen from here
 * @returns null where somebody else is at it
 */
export async function takeWorker(directory: string, log: LogId, isKnown = false): Promise<WorkerFolder | null> {
	if (!(await takeLock(hiddenPath(directory, log), isKnown))) return null;
	await removeTemporary(hiddenPath(directory, log));
	return openWorker(directory, log);
}

function openWorker(directory: string, log: LogId): WorkerFolder {
	const hidden = hiddenPath(directory, log);
	const lock = join(hidden, names.lock);
	// From another host nothing else can be seen of a process. Written, not dated: the time is the file system's, whose clock all share.
	const beat = setInterval(() => void touch(lock).catch(() => undefined), beatMs);
	beat.unref();
	const say = (report: WorkerReport) => writeWhole(join(hidden, file), `${JSON.stringify(report, null, '\t')}\n`);
	return {
		log,
		logPath: join(directory, names.logs, `${log}.strace`),
		say,
		async report(report, facts) {
			await writeFacts(hidden, facts);
			await say(report);
			await rename(hidden, join(directory, workersFolder, log));
			await rm(join(directory, workersFolder, log, names.lock), { force: true });
			await syncFolder(join(directory, workersFolder));
		},
		dropLog: () => rm(join(directory, names.logs, `${log}.strace.gz`), { force: true }),
		async discard() {
			await rm(join(directory, names.logs, `${log}.strace`), { force: true });
			await rm(hidden, { recursive: true, force: true });
		},
		async [Symbol.asyncDispose]() {
			clearInterval(beat);
			await rm(lock, { force: true });
		},
	};
}

/** The workers that have a folder in a run, in the order in which they began. */
export async function workersIn(directory: string): Promise<readonly WorkerState[]> {
	const found: WorkerState[] = [];
	for (const entry of await namesIn(join(directory, workersFolder))) {
		const hidden = /^\.(.+)\.new$/.exec(entry)?.[1];
		const log = hidden ?? entry;
		// A name of ours is a name of a log, too: nothing else is read.
		if (!/^[A-Za-z0-9_][\w-]*$/.test(log) || log === 'manager') continue;
		const at = join(directory, workersFolder, entry);
		const state = hidden === undefined ? reported : await stateOf(directory, log);
		found.push({ log, ...state, report: await reportIn(at, log) });
	}
	const begun = ({ report }: WorkerState) => report?.started ?? '';
	return found.toSorted((a, b) => (begun(a) < begun(b) ? -1 : begun(a) > begun(b) ? 1 : a.log < b.log ? -1 : 1));
}

/**
 * The facts that a worker has reported, all but the accesses.
 *
 * @throws CellarError CELLAR_RUN_UNREADABLE, CELLAR_RUN_TOO_NEW
 */
export async function factsOfReport(directory: string, log: LogId): Promise<FactsWithoutAccesses> {
	const facts = await readFactsWithoutAccesses(join(directory, workersFolder, log));
	const { changes, processes, execs, network, names, tasks } = facts;
	const attempts = tasks.flatMap((task) => task.attempts);
	const all = [...changes, ...processes, ...execs, ...network, ...names, ...attempts];
	checkLog(
		all.map((one) => one.log),
		log,
		directory,
	);
	return facts;
}

/** The accesses that a worker has reported, some at a time. @throws as `factsOfReport` */
export async function* accessesOfReport(directory: string, log: LogId): AsyncGenerator<AccessColumns> {
	for await (const accesses of readAccessColumns(join(directory, workersFolder, log))) {
		checkLog(accesses.log, log, directory);
		yield accesses;
	}
}

/** Reads all that a worker has reported. @throws as `factsOfReport` */
export async function checkReport(directory: string, log: LogId): Promise<void> {
	await factsOfReport(directory, log);
	const pieces = accessesOfReport(directory, log);
	while ((await pieces.next()).done !== true);
}

function checkLog(logs: ArrayLike<LogId>, log: LogId, directory: string): void {
	let at = 0;
	while (at < logs.length && logs[at] === log) at++;
	if (at === logs.length) return;
	throw new CellarError('CELLAR_RUN_UNREADABLE', `what worker ${log} reported is of another log`, { where: directory });
}

const reported = { state: 'reported', heard: null } as const;

async function stateOf(directory: string, log: LogId): Promise<Pick<WorkerState, 'state' | 'heard'>> {
	const hidden = hiddenPath(directory, log);
	const holder = await holderOf(hidden);
	if (holder !== 'elsewhere') return { state: holder === 'here' ? 'running' : 'gone', heard: null };
	// A log that grows is a sign, too.
	const signs = [join(hidden, names.lock), join(directory, names.logs, `${log}.strace`)];
	const times = await Promise.all(
		signs.map((path) =>
			stat(path).then(
				({ mtimeMs }) => mtimeMs,
				() => 0,
			),
		),
	);
	const heard = Math.max(...times);
	const isSilent = (await timeIn(join(directory, workersFolder))) - heard > silentMs;
	return { state: isSilent ? 'silent' : 'running', heard: new Date(heard).toISOString() };
}

/** What time it is by the clock of a file system: another host's may be wrong. Milliseconds since 1970. */
async function timeIn(directory: string): Promise<number> {
	const path = join(directory, temporaryName('clock'));
	try {
		await (await open(path, 'wx', 0o600)).close();
		return (await stat(path)).mtimeMs;
	} catch (error) {
		// It may be read only: then ours has to do.
		if (errnoOf(error) === null) throw error;
		return Date.now();
	} finally {
		await rm(path, { force: true }).catch(() => undefined);
	}
}

/** Dates a file now, without a change to it. */
async function touch(path: string): Promise<void> {
	const file = await open(path, 'r+');
	try {
		await file.write('{', 0);
	} finally {
		await file.close();
	}
}

async function reportIn(path: string, log: LogId): Promise<WorkerReport | null> {
	const text = await readFile(join(path, file), 'utf8').catch(() => null);
	const read = v.safeParse(v.pipe(v.string(), v.parseJson(), reportSchema), text);
	return read.success && read.output.log === log ? read.output : null;
}

/** Where a worker's folder lies until it has reported. */
export function hiddenPath(directory: string, log: LogId): string {
	return join(directory, workersFolder, `.${log}.new`);
}

async function namesIn(path: string): Promise<string[]> {
	return readdir(path).catch((error: unknown) => {
		if (errnoOf(error) === 'ENOENT') return [];
		throw error;
	});
}
