import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import * as v from 'valibot';
import {
	createUnion,
	describe,
	explain,
	explainCell,
	explainTask,
	explainWorker,
	judge,
	namesTasks,
	openMachine,
	parseSelector,
	type Explanation,
	type Judgement,
	type Machine,
} from '../dependencies/index.ts';
import {
	CellarError,
	createPathNumbers,
	createPathTable,
	dependenciesSchema,
	errnoOf,
	numberPaths,
	type CellUse,
	type Dependencies,
	type Facts,
	type FileFact,
	type LogId,
	type Name,
	type NumberedPaths,
	type Run,
} from '../model/index.ts';
import {
	hasTables,
	openBlobs,
	readAccessColumns,
	readAccesses,
	readFactsWithoutAccesses,
	readFiles,
	readRun,
	readTasks,
	timesOfLines,
} from '../store/index.ts';
import { textOf } from './run/notebook.ts';
import { recordedDpkg, recordRoot } from './record.ts';
import { unpackedAt } from './replay/root.ts';
import { viewOfRoot } from './replay/view.ts';
import { usesOfProgram } from './run/uses.ts';
import { openRun } from './workers/open.ts';

export type { Explanation } from '../dependencies/index.ts';

/**
 * What a run needed, or a part of it: the whole of `cellar deps`. Of the whole run it is what the run's end wrote down; of a
 * part it follows from the run's tables and the metadata of the packages.
 *
 * @throws CellarError CELLAR_NO_SUCH_RUN, CELLAR_NO_SUCH_CELL, CELLAR_NO_SUCH_WORKER, CELLAR_NO_SUCH_TASK, CELLAR_USAGE
 */
export async function dependenciesOf(o: {
	readonly home: string;
	readonly run: string;
	readonly selector: string;
}): Promise<Dependencies> {
	const { directory } = await openRun(o.home, o.run);
	const run = await readRun(directory);
	const selector = parseSelector(o.selector, run, namesTasks(o.selector) ? await readTasks(directory) : []);
	const written = await readDependencies(directory);
	if (written !== null && selector.text === 'run') return written;
	const { judgement, files } = await judgeAgain(o.home, directory, run);
	return describe(judgement, files, selector);
}

/** Why a path or a package is what it is said to be, or what a cell, a task or a worker did: the whole of `cellar explain`. */
export async function explainIn(o: {
	readonly home: string;
	readonly run: string;
	readonly what: string;
	readonly cwd: string;
}): Promise<Explanation & { readonly format: 1 }> {
	const { directory } = await openRun(o.home, o.run);
	const run = await readRun(directory);
	const part = /^(cell|task|worker):/.exec(o.what)?.[1];
	const what = part === undefined ? o.what : o.what.replaceAll(' ', '');
	if (o.what.startsWith('function:')) {
		throw new CellarError('CELLAR_USAGE', `${o.what}: of a function, all tasks together are told`, {
			hint: `cellar deps --for ${o.what}, or cellar explain task:N of one of its tasks`,
		});
	}
	// Before the tables are read: a part that is not there is told at once.
	if (part !== undefined) parseSelector(what, run, part === 'task' ? await readTasks(directory) : []);
	const { judgement, files, uses } = await judgeAgain(o.home, directory, run, part === undefined);
	if (part === 'cell') return { format: 1, ...explainCell(judgement, files, uses, what) };
	if (part === 'worker') return { format: 1, ...explainWorker(judgement, files, what) };
	if (part === 'task') return { format: 1, ...(await withTimes(explainTask(judgement, files, what), directory, run)) };
	const told = explain(judgement, meant(judgement, what, o.cwd));
	return { format: 1, ...told, uses: await timed(told.uses, directory, run) };
}

/** When each use was, since the run began, by the time that stands in the log. */
async function timed(uses: Explanation['uses'], directory: string, run: Run): Promise<Explanation['uses']> {
	const lines = uses.map(({ log, first }) => ({ log, line: first }));
	const at = await secondsOf(lines, directory, run);
	return uses.map((use) => ({ ...use, seconds: at(use.log, use.first) }));
}

/** When each attempt of a task began, and how long it took. */
async function withTimes(told: Explanation, directory: string, run: Run): Promise<Explanation> {
	if (told.task === null) return told;
	const { attempts } = told.task;
	const lines = attempts.flatMap(({ log, begun, ended }) =>
		[begun, ...(ended === null ? [] : [ended])].map((line) => ({ log, line })),
	);
	const at = await secondsOf(lines, directory, run);
	const timedAttempts = attempts.map((one) => {
		const began = at(one.log, one.begun);
		const ended = one.ended === null ? null : at(one.log, one.ended);
		return { ...one, began, seconds: began === null || ended === null ? null : Math.round((ended - began) * 1000) / 1000 };
	});
	return { ...told, task: { ...told.task, attempts: timedAttempts } };
}

/** Tells when lines were written, in seconds since the run began; null where the log is not kept. */
async function secondsOf(
	lines: readonly { readonly log: LogId; readonly line: number }[],
	directory: string,
	run: Run,
): Promise<(log: LogId, line: number) => number | null> {
	const times = new Map<LogId, ReadonlyMap<number, number>>();
	for (const log of new Set(lines.map((one) => one.log))) {
		const own = new Set(lines.filter((one) => one.log === log).map(({ line }) => line));
		times.set(log, await timesOfLines(join(directory, 'logs', `${log}.strace`), own));
	}
	const began = Date.parse(run.started);
	return (log, line) => {
		const at = times.get(log)?.get(line);
		return at === undefined ? null : Math.round(at - began) / 1000;
	};
}

/** A word with a slash that the run knows from the user's folder is that path; otherwise it is as it was typed. */
function meant(judgement: Judgement, what: string, cwd: string): string {
	const path = isAbsolute(what) ? what : resolve(cwd, what);
	return judgement.verdicts.has(path) ? path : what;
}

/**
 * Judges a finished run once more, by its tables and the packages as they are now; a repeat by those of its image.
 *
 * @param home where images lie unpacked
 * @param isWhole each access is to be told by itself: otherwise what many workers did in the same way is one
 * @throws CellarError CELLAR_RUN_IN_USE while it goes on; CELLAR_RUN_UNREADABLE where it was not traced; CELLAR_LOST where
 *   the image of a repeat is not unpacked any more
 */
export async function judgeAgain(
	home: string,
	directory: string,
	run: Run,
	isWhole = false,
): Promise<{ judgement: Judgement; files: ReadonlyMap<Name, FileFact>; uses: readonly CellUse[] }> {
	if (run.status === 'running') {
		throw new CellarError('CELLAR_RUN_IN_USE', `run ${run.run} is still running`, { hint: 'ask again when it has ended' });
	}
	if (!(await hasTables(directory)) || run.circumstances.tracer === null) {
		throw new CellarError('CELLAR_RUN_UNREADABLE', `run ${run.run} was not traced, so what it needed is not known`, {
			hint: run.repeatOf === null ? 'audit it again' : `ask of the run that it repeats: ${run.repeatOf}`,
		});
	}
	const { repeatOf } = run;
	if (repeatOf !== null && (await readDependencies(directory)) === null) {
		throw new CellarError('CELLAR_RUN_UNREADABLE', `run ${run.run} was cut short, and what it saw went with its sandbox`, {
			hint: `repeat the image again, or ask of the run that it repeats: ${repeatOf}`,
		});
	}
	const { facts, paths } = await factsToJudge(directory, isWhole);
	const files = createPathTable<FileFact>(paths.numbers);
	for (const file of await readFiles(directory)) files.set(file.path, file);
	const { notebook, uses } = await textOf(directory, run);
	const machine = machineOf(home, run);
	const blobs = openBlobs(home);
	const scripts = notebook === null ? await usesOfProgram({ run, facts, files, blobs, view: machine.view }) : [];
	return { judgement: judge({ run, facts, paths, files, cells: uses, scripts, machine }), files, uses };
}

async function factsToJudge(directory: string, isWhole: boolean): Promise<{ facts: Facts; paths: NumberedPaths }> {
	const facts = await readFactsWithoutAccesses(directory);
	if (isWhole) {
		const accesses = await readAccesses(directory);
		return { facts: { ...facts, accesses }, paths: numberPaths(accesses) };
	}
	const numbers = createPathNumbers();
	const union = createUnion(facts, numbers);
	for await (const some of readAccessColumns(directory)) union.add(some, numbers.of(some.path));
	const accesses = union.uses();
	return { facts: { ...facts, accesses }, paths: numberPaths(accesses, numbers) };
}

/** Whose packages say what a run's files are: this machine's, or those of the image in which it ran. */
function machineOf(home: string, run: Run): Machine {
	const { image } = run.circumstances;
	if (image === null) return openMachine();
	const { root, record } = unpackedAt(home, image);
	if (!existsSync(root)) {
		throw new CellarError('CELLAR_LOST', `the image in which run ${run.run} ran is not unpacked any more`, {
			hint: 'cellar repeat unpacks it again; cellar deps without --for still tells what the whole run needed',
		});
	}
	return openMachine({ view: viewOfRoot(root, [{ from: record, to: recordRoot }]), dpkg: recordedDpkg });
}

/** A run's `dependencies.json`; null where it was not traced. @throws CellarError CELLAR_RUN_UNREADABLE */
export async function readDependencies(directory: string): Promise<Dependencies | null> {
	const path = join(directory, 'dependencies.json');
	try {
		return v.parse(dependenciesSchema, JSON.parse(await readFile(path, 'utf8')));
	} catch (cause) {
		if (errnoOf(cause) === 'ENOENT') return null;
		throw new CellarError('CELLAR_RUN_UNREADABLE', 'dependencies.json is not as it should be', { where: path, cause });
	}
}
