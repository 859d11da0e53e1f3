import { existsSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createFollower, readLog } from '../audit/index.ts';
import {
	createSecrets,
	secretValues,
	type Facts,
	type JournalEntry,
	type Listener,
	type Run,
	type Secrets,
	noFacts,
} from '../model/index.ts';
import { formatNotebook, withResults } from '../notebook/index.ts';
import {
	compressLog,
	hasTables,
	keepOutputs,
	openBlobs,
	readAccessColumns,
	readFactsWithoutAccesses,
	readFiles,
	readJournal,
	readRun,
	redactLine,
	reopenRun,
	runOf,
	workersIn,
	writeTables,
	type RunFolder,
} from '../store/index.ts';
import { hintsOfCode, type CodeHints } from './run/coroutines.ts';
import { createLooks, type Looks } from './run/files.ts';
import { finishRun } from './run/finish.ts';
import { resultsOf } from './run/journal.ts';
import { unmarkedCells, watchMarks } from './recording/marks.ts';
import { notebookOf, textOf } from './run/notebook.ts';
import { existingPath } from './run/paths.ts';
import { findProgram, isPython } from './run/program.ts';
import { gatherWorkers } from './workers/gather.ts';

/**
 * Does what was left to do when the process that made a run was killed; nothing where somebody else is at it.
 *
 * @throws CellarError CELLAR_RUN_UNREADABLE, CELLAR_RUN_TOO_NEW, CELLAR_DISK_FULL, CELLAR_NO_PERMISSION
 */
export async function makeWhole(home: string, directory: string, listen: Listener): Promise<void> {
	await using folder = await reopenRun(directory);
	if (folder === null) return;
	const journal = await readJournal(directory);
	const run = runOf(journal);
	listen({ type: 'step', what: `making run ${run.run} whole, which was cut short`, done: null, of: null });
	if (existsSync(join(directory, 'run.json'))) await compressLogs(folder, run);
	else if (run.notebook !== null && !existsSync(join(directory, 'notebook.ipynb'))) await folder.finish();
	else if (run.repeatOf !== null) await finishRepeat(folder, home, journal);
	else await finishAudit(folder, home, journal, listen);
	await folder.finish();
	removeScratch(run);
}

/** The tables and documents of an audit follow from its journal and its log. */
async function finishAudit(folder: RunFolder, home: string, journal: readonly JournalEntry[], listen: Listener): Promise<void> {
	const run = runOf(journal);
	const { directory } = folder;
	const { nonce } = run.circumstances;
	const secrets = knownHere();
	const { notebook, cells, uses } = await textOf(folder.directory, run);
	const limits = journal.find((entry) => entry.event === 'limits');
	const looks = createLooks();
	const own = await factsOf(folder, journal, hintsOfCode(cells, uses), looks);
	await using gathered = await gatherWorkers({
		directory,
		nonce,
		facts: own,
		accesses: own.accesses,
		known: new Set(),
		secrets,
		wait: false,
	});
	await finishRun({
		folder,
		home,
		told: gathered.told,
		ofWorkers: gathered.warnings,
		notebook,
		uses,
		ended: lastSign(folder),
		looks,
		keepOutputs: limits?.keepOutputs ?? 0,
		out: null,
		inside: null,
		secrets,
		listen: (event) => (event.type === 'step' ? listen(event) : undefined),
	});
}

/** What a repeat wrote went with its sandbox; its cells' outputs are in its journal. */
async function finishRepeat(folder: RunFolder, home: string, journal: readonly JournalEntry[]): Promise<void> {
	const run = runOf(journal);
	const results = resultsOf(journal);
	if (run.notebook !== null) {
		const notebook = await notebookOf(folder.directory, run);
		await folder.write('executed.ipynb', formatNotebook(withResults(notebook, results, run.circumstances.kernel)));
	}
	if (!(await hasTables(folder.directory))) {
		const outputs = await keepOutputs(results, openBlobs(home), Infinity);
		await writeTables(folder.directory, { facts: noFacts, files: [], outputs });
	}
	await compressLogs(folder, run);
	await folder.finish({ ...run, status: 'died' });
}

async function factsOf(folder: RunFolder, journal: readonly JournalEntry[], hints: CodeHints, looks: Looks): Promise<Facts> {
	const run = runOf(journal);
	const { nonce, hostname, bootId, kernel, agent } = run.circumstances;
	const follower = createFollower({
		...{ log: 'manager', nonce, host: hostname, bootId, ...hints },
		findWorkers: run.notebook !== null || forksWorkers(run),
		...(kernel === null ? {} : { language: kernel.language.toLowerCase() }),
		...(agent === null ? {} : { agent }),
		onFirstUse: ({ path }) => looks.sighted(path),
	});
	const marks = watchMarks(nonce);
	const take: typeof follower.take = (events) => {
		marks.take(events);
		follower.take(events);
	};
	const log = logOf(folder);
	if (log !== null) await readLog(log, { ...follower, take }, () => looks.some());
	const facts = follower.facts();
	return { ...facts, doubts: [...facts.doubts, ...unmarkedCells(journal, marks)] };
}

/** As it was asked when the program was started, which may be gone by now. */
function forksWorkers({ circumstances: { argv, cwd, environment } }: Run): boolean {
	try {
		return isPython(findProgram({ argv, cwd, path: environment['PATH'] ?? '' }));
	} catch {
		return false;
	}
}

/** The log as it grew, or as it was compressed at the end; null where the kernel had not been started. */
function logOf(folder: RunFolder): string | null {
	const path = folder.logPath('manager');
	return [path, `${path}.gz`].find((one) => existsSync(one)) ?? null;
}

async function compressLogs(folder: RunFolder, run: Run): Promise<void> {
	const log = folder.logPath('manager');
	if (!existsSync(log)) return;
	const isPath = existingPath(run.circumstances.cwd);
	const secrets = knownHere();
	await compressLog(log, `${log}.gz`, (line) => redactLine(line, isPath, secrets));
}

/**
 * Tells a run anew where a worker has reported, or died, since it was told: a run that nobody is making, and no repeat.
 *
 * @throws CellarError CELLAR_RUN_UNREADABLE, CELLAR_RUN_TOO_NEW, CELLAR_DISK_FULL, CELLAR_NO_PERMISSION
 */
export async function addReports(home: string, directory: string): Promise<void> {
	const run = await readRun(directory);
	if (run.status === 'running' || run.repeatOf !== null || !(await hasTables(directory))) return;
	const known = new Set(['manager', ...run.workers.map((worker) => worker.log)]);
	const news = (await workersIn(directory)).filter(
		({ state, log, report }) => (state === 'reported' || state === 'gone') && report?.unaudited === undefined && !known.has(log),
	);
	if (news.length === 0) return;
	await using folder = await reopenRun(directory);
	if (folder === null) return;
	const secrets = knownHere();
	const files = await readFiles(directory);
	const { nonce } = run.circumstances;
	const before = { facts: await readFactsWithoutAccesses(directory), accesses: () => readAccessColumns(directory) };
	await using gathered = await gatherWorkers({ directory, nonce, ...before, known, secrets, wait: false });
	if (gathered.merged.length === 0) return;
	const { notebook, uses } = await textOf(directory, run);
	const journal = await readJournal(directory);
	const limits = journal.find((entry) => entry.event === 'limits');
	const ends = news.map(({ report }) => Date.parse(report?.ended ?? ''));
	await finishRun({
		...{ folder, home, told: gathered.told, notebook, uses, secrets, out: null, inside: null },
		known: new Map(files.map((file) => [file.path, file])),
		// What was said of workers that were told before still holds.
		ofWorkers: [...run.warnings.filter(({ code }) => code === 'CELLAR_WORKER_LOST'), ...gathered.warnings],
		ended: ends.some(Number.isNaN) ? null : Math.max(...ends),
		keepOutputs: limits?.keepOutputs ?? 0,
		listen: () => undefined,
	});
}

/** What the run knew to be secret died with it; whoever makes it whole mostly has the same environment. */
export function knownHere(): Secrets {
	return createSecrets(secretValues(process.env));
}

/** When the journal or the log last grew: what is younger was not the run's doing. Milliseconds since 1970. */
function lastSign(folder: RunFolder): number {
	const log = logOf(folder);
	const files = [join(folder.directory, 'journal.jsonl'), ...(log === null || log.endsWith('.gz') ? [] : [log])];
	return Math.max(...files.map((path) => statSync(path).mtimeMs));
}

/** The folder of the connection file, which holds the key to a kernel that is no more. */
function removeScratch(run: Run): void {
	const { connectionFile } = run.circumstances;
	const folder = connectionFile === null ? null : dirname(connectionFile);
	if (folder === null || dirname(folder) !== tmpdir() || !/\/cellar-\w{6}$/.test(folder)) return;
	rmSync(folder, { recursive: true, force: true });
}
