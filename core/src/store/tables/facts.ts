import { access } from 'node:fs/promises';
import { join } from 'node:path';
import {
	accessAt,
	errnoOf,
	hows,
	type Access,
	type AccessColumns,
	type Change,
	type Doubt,
	type ExecFact,
	type Facts,
	type FactsWithoutAccesses,
	type FileFact,
	type HandedFact,
	type NameFact,
	type NetworkFact,
	type OutputFact,
	type ProcessFact,
	type TaskFact,
	type WorkerFact,
} from '../../model/index.ts';
import { flag, int, long, oneOf, orNull, text, texts, time } from './column.ts';
import { createTable, readColumns, readTable, writeTable, type Columns, type TableWriter } from './table.ts';
import { handed, handedOfRows, rowsOfHanded, rowsOfTasks, tasks, tasksOfRows } from './tasks.ts';

/** All that the tables of a run hold. */
export interface Tables {
	readonly facts: Facts;
	readonly files: readonly FileFact[];
	readonly outputs: readonly OutputFact[];
}

const scope = { cell: orNull(int), worker: orNull(text), task: orNull(text) };

const accesses: Columns<Access> = {
	log: text,
	...scope,
	process: int,
	thread: int,
	during: orNull(int),
	ambiguous: flag,
	path: text,
	how: oneOf(hows),
	first: long,
	last: long,
	count: long,
};

const changes: Columns<Change> = {
	log: text,
	seq: long,
	...scope,
	process: int,
	thread: int,
	kind: oneOf(['rename', 'link', 'symlink', 'remove']),
	from: orNull(text),
	to: text,
};

const processes: Columns<ProcessFact> = {
	log: text,
	ordinal: int,
	...scope,
	kind: oneOf(['process', 'thread']),
	process: int,
	parent: orNull(int),
	pid: int,
	pidInside: orNull(int),
	host: text,
	bootId: text,
	inheritsFrom: orNull(int),
	untilSeq: orNull(long),
	born: long,
	ended: orNull(long),
	exitCode: orNull(int),
	signal: orNull(text),
};

const execs: Columns<ExecFact> = { log: text, seq: long, ...scope, process: int, path: text, argv: texts };

const network: Columns<NetworkFact> = {
	log: text,
	seq: long,
	...scope,
	process: int,
	address: text,
	port: orNull(int),
	name: orNull(text),
	how: oneOf(['connect', 'bind']),
};

const workers: Columns<WorkerFact> = { worker: text, process: int, engine: text, pid: int, born: long };

const names: Columns<NameFact> = { log: text, worker: orNull(text), task: orNull(text), path: text, as: text };

const doubts: Columns<Doubt> = { code: text, message: text, seq: orNull(long) };

const files: Columns<FileFact> = {
	path: text,
	realPath: orNull(text),
	kind: oneOf(['file', 'directory', 'link', 'other', 'gone']),
	size: orNull(long),
	mode: orNull(int),
	mtime: orNull(time),
	existedBefore: orNull(flag),
	sha256Before: orNull(text),
	sha256After: orNull(text),
	blobBefore: orNull(text),
	blobAfter: orNull(text),
	whyNoBlob: orNull(text),
};

const outputs: Columns<OutputFact> = {
	cell: int,
	output: int,
	kind: oneOf(['stream', 'display_data', 'execute_result', 'error']),
	media: text,
	name: orNull(text),
	bytes: long,
	sha256: text,
	blob: orNull(text),
};

const factTables = [
	'accesses',
	'changes',
	'processes',
	'execs',
	'network',
	'workers',
	'tasks',
	'names',
	'handed',
	'doubts',
] as const;
/** The files of a run folder that are tables, one each, in the order in which they are written. */
export const tableNames = [...factTables, 'files', 'outputs'] as const;
/** Those that runs made before tasks were marked, or before workers had logs of their own, do not have. */
const later: ReadonlySet<string> = new Set(['tasks', 'names', 'handed']);

/**
 * Writes every table of a run into its folder, each whole or not at all; `outputs` comes last.
 *
 * @param written the accesses, where they were written one log after another, and those of `facts` are not all
 * @throws CellarError CELLAR_DISK_FULL, CELLAR_NO_PERMISSION
 */
export async function writeTables(directory: string, tables: Tables, written: TableWriter<Access> | null = null): Promise<void> {
	await (written?.finish() ?? writeTable(tablePath(directory, 'accesses'), accesses, tables.facts.accesses));
	await writeOthers(directory, tables.facts);
	await writeTable(tablePath(directory, 'files'), files, tables.files);
	await writeTable(tablePath(directory, 'outputs'), outputs, tables.outputs);
}

/**
 * Writes the tables of what one log told.
 *
 * @throws CellarError CELLAR_DISK_FULL, CELLAR_NO_PERMISSION
 */
export async function writeFacts(directory: string, facts: Facts): Promise<void> {
	await writeTable(tablePath(directory, 'accesses'), accesses, facts.accesses);
	await writeOthers(directory, facts);
}

/** Writes the accesses of a run as they come: nothing stands in its folder before all have. */
export function createAccesses(directory: string): Promise<TableWriter<Access>> {
	return createTable(tablePath(directory, 'accesses'), accesses);
}

async function writeOthers(directory: string, facts: FactsWithoutAccesses): Promise<void> {
	await writeTable(tablePath(directory, 'changes'), changes, facts.changes);
	await writeTable(tablePath(directory, 'processes'), processes, facts.processes);
	await writeTable(tablePath(directory, 'execs'), execs, facts.execs);
	await writeTable(tablePath(directory, 'network'), network, facts.network);
	await writeTable(tablePath(directory, 'workers'), workers, facts.workers);
	await writeTable(tablePath(directory, 'tasks'), tasks, rowsOfTasks(facts.tasks));
	await writeTable(tablePath(directory, 'handed'), handed, rowsOfHanded(facts.handed));
	await writeTable(tablePath(directory, 'names'), names, facts.names);
	await writeTable(tablePath(directory, 'doubts'), doubts, facts.doubts);
}

/** @throws CellarError CELLAR_RUN_UNREADABLE with the file, CELLAR_RUN_TOO_NEW */
export async function readTables(directory: string): Promise<Tables> {
	return { facts: await readFacts(directory), files: await readFiles(directory), outputs: await readOutputs(directory) };
}

/** @throws CellarError CELLAR_RUN_UNREADABLE with the file, CELLAR_RUN_TOO_NEW */
export async function readFacts(directory: string): Promise<Facts> {
	return {
		accesses: await readAccesses(directory),
		...(await readFactsWithoutAccesses(directory)),
	};
}

/** @throws CellarError CELLAR_RUN_UNREADABLE with the file, CELLAR_RUN_TOO_NEW */
export function readAccesses(directory: string): Promise<readonly Access[]> {
	return readTable(tablePath(directory, 'accesses'), accesses, accessAt);
}

/** The same, some at a time, log by log. @throws as `readAccesses` */
export function readAccessColumns(directory: string): AsyncGenerator<AccessColumns> {
	return readColumns(tablePath(directory, 'accesses'), accesses);
}

/** What tells of a run but for its accesses, which may be millions. @throws as `readFacts` */
export async function readFactsWithoutAccesses(directory: string): Promise<FactsWithoutAccesses> {
	return {
		changes: await readTable(tablePath(directory, 'changes'), changes),
		processes: await readTable(tablePath(directory, 'processes'), processes),
		execs: await readTable(tablePath(directory, 'execs'), execs),
		network: await readTable(tablePath(directory, 'network'), network),
		workers: await readTable(tablePath(directory, 'workers'), workers),
		tasks: await readTasks(directory),
		handed: await readHanded(directory),
		names: await readNames(directory),
		doubts: await readTable(tablePath(directory, 'doubts'), doubts),
	};
}

/** The workers of a run, each with the log in which it was seen. */
export async function readWorkers(directory: string): Promise<readonly (WorkerFact & Pick<ProcessFact, 'log'>)[]> {
	const logs = new Map((await readTable(tablePath(directory, 'processes'), processes)).map(({ ordinal, log }) => [ordinal, log]));
	return (await readTable(tablePath(directory, 'workers'), workers)).map((worker) => ({
		...worker,
		log: logs.get(worker.process) ?? 'manager',
	}));
}

async function readHanded(directory: string): Promise<readonly HandedFact[]> {
	if (!(await isThere(tablePath(directory, 'handed')))) return [];
	return handedOfRows(await readTable(tablePath(directory, 'handed'), handed));
}

/** None of a run that was made before tasks were marked. */
export async function readTasks(directory: string): Promise<readonly TaskFact[]> {
	if (!(await isThere(tablePath(directory, 'tasks')))) return [];
	return tasksOfRows(await readTable(tablePath(directory, 'tasks'), tasks));
}

/** None of a run that was made before they were told. */
async function readNames(directory: string): Promise<readonly NameFact[]> {
	if (!(await isThere(tablePath(directory, 'names')))) return [];
	return readTable(tablePath(directory, 'names'), names);
}

export function readFiles(directory: string): Promise<readonly FileFact[]> {
	return readTable(tablePath(directory, 'files'), files);
}

export function readOutputs(directory: string): Promise<readonly OutputFact[]> {
	return readTable(tablePath(directory, 'outputs'), outputs);
}

/** Whether all tables of a run are written. Those of a run that died are not: its journal and logs make them. */
export async function hasTables(directory: string): Promise<boolean> {
	for (const name of tableNames) {
		if (!later.has(name) && !(await isThere(tablePath(directory, name)))) return false;
	}
	return true;
}

function isThere(path: string): Promise<boolean> {
	return access(path).then(
		() => true,
		(error: unknown) => {
			if (errnoOf(error) === 'ENOENT') return false;
			throw error;
		},
	);
}

function tablePath(directory: string, name: (typeof tableNames)[number]): string {
	return join(directory, `${name}.parquet`);
}
