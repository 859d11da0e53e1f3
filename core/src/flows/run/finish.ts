import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createUnion, describe, judge, openMachine, wholeRun, type Machine } from '../../dependencies/index.ts';
import {
	columnsOf,
	differenceWarning,
	encodeName,
	findSecrets,
	numberPaths,
	type Access,
	type CellUse,
	type Facts,
	type FileFact,
	type Listener,
	type Name,
	type NumberedPaths,
	type Run,
	type RunWorker,
	type Secrets,
	type Warning,
	type WorkerId,
} from '../../model/index.ts';
import { formatNotebook, withResults, type Notebook } from '../../notebook/index.ts';
import { readVineRecords, withManagersNames } from '../../workers/index.ts';
import {
	compressLog,
	keepOutputs,
	openBlobs,
	readJournal,
	redactLine,
	runOf,
	writeTables,
	type RunFolder,
	type TableWriter,
} from '../../store/index.ts';
import { changedLater, createExisted, keepFiles, lookAtFiles, withSources, type Existed, type Looks } from './files.ts';
import { maskWarning } from '../secrets/guard.ts';
import { resultsOf } from './journal.ts';
import { existingPath, firstOf } from './paths.ts';
import { usesOfProgram } from './uses.ts';
import { recordedDpkg } from '../record.ts';
import type { Inside } from '../replay/view.ts';

/** What the logs of a run told. */
export interface Told {
	/** The accesses as they are judged (`createUnion`), where `written` holds them all; otherwise every one of them. */
	readonly facts: Facts;
	readonly existed: Existed | null;
	/** The table of all accesses, to be finished. */
	readonly written: TableWriter<Access> | null;
}

/** What is known when the kernel, or the program, and all that it started have ended. */
export interface Ending {
	/** The open folder, or that of a run that died and is told from its journal and log. */
	readonly folder: Pick<RunFolder, 'id' | 'directory' | 'append' | 'logPath' | 'write' | 'finish'>;
	readonly home: string;
	readonly told: Told;
	/** Null for a program without one. */
	readonly notebook: Notebook | null;
	readonly uses: readonly CellUse[];
	/** Milliseconds since 1970, of a run that is made whole after its death; null where it has just ended. */
	readonly ended: number | null;
	/** Bytes of outputs, of cells and files together, that go into the blob store. */
	readonly keepOutputs: number;
	readonly out: string | null;
	/** The inside of the sandbox of a repeat; null for a run on this machine's own files. */
	readonly inside: Inside | null;
	/** What was opened of this machine's packages by then. */
	readonly machine?: Machine;
	/** What is known to be secret. */
	readonly secrets: Secrets;
	/** What is to be said of workers with logs of their own. */
	readonly ofWorkers?: readonly Warning[];
	/** The files that were looked at before, of a run that is told anew because a worker has reported since: they stay as they were. */
	readonly known?: ReadonlyMap<Name, FileFact>;
	/** What of the files was looked at while the log was read, of a run that had ended by then. */
	readonly looks?: Looks;
	readonly listen: Listener;
}

/**
 * Makes the run of what an audit left: looks at the files, judges every path, keeps outputs, writes tables and documents, and
 * compresses the log. `run.json` comes last but for that, so a run that has it is whole.
 */
export async function finishRun(ending: Ending): Promise<Run> {
	const o = { ...ending, ...(await judged(ending)) };
	const { folder, listen } = o;
	const journal = await readJournal(folder.directory);
	const begun = runOf(journal);
	const results = resultsOf(journal);
	const account: Run = {
		...begun,
		status: begun.status === 'running' ? 'died' : begun.status,
		workers: workersOf(o.facts, begun.circumstances.hostname),
	};

	listen({ type: 'step', what: 'looking at the files', done: null, of: null });
	const executed = o.notebook === null ? null : formatNotebook(withResults(o.notebook, results, begun.circumstances.kernel));
	if (executed !== null) await folder.write('executed.ipynb', executed);
	const looking = { started: Date.parse(begun.started), ended: o.ended, inside: o.inside, looks: o.looks };
	const known = o.known ?? new Map<Name, FileFact>();
	const looked = lookAtFiles(o.facts, o.existed, journal, looking);
	for (const [path, file] of known) looked.set(path, file);

	listen({ type: 'step', what: 'judging what was used', done: null, of: null });
	const machine = o.inside === null ? (o.machine ?? openMachine()) : openMachine({ view: o.inside, dpkg: recordedDpkg });
	const blobs = openBlobs(o.home);
	const scripts =
		o.notebook === null ? await usesOfProgram({ run: account, facts: o.facts, files: looked, blobs, view: o.inside }) : [];
	const judgement = judge({ run: account, facts: o.facts, paths: o.paths, files: looked, cells: o.uses, scripts, machine });
	// The outputs of cells first: they are small, and what a verdict is about. What they leave of the limit is the files'.
	const outputs = await keepOutputs(results, blobs, o.keepOutputs);
	const taken = outputs.reduce((sum, output) => sum + (output.blob === null ? 0 : output.bytes), 0);
	const files = await keepFiles({
		files: withSources(looked, judgement.verdicts, looking),
		verdicts: judgement.verdicts,
		blobs,
		limit: o.keepOutputs - taken,
		inside: o.inside,
	});

	for (const [path, file] of known) files.set(path, file);

	listen({ type: 'step', what: 'writing the run', done: null, of: null });
	await writeTables(folder.directory, { facts: o.all, files: [...files.values()], outputs }, o.told.written);
	const dependencies = describe(judgement, files, wholeRun);
	await folder.write('dependencies.json', `${JSON.stringify(dependencies, null, '\t')}\n`);
	const warned = journal.flatMap((entry) => (entry.event === 'warning' ? [entry.warning] : []));
	const run: Run = {
		...account,
		warnings: [
			...warned,
			...doubtsOf(o.facts),
			...(o.ofWorkers ?? []),
			...dependencies.differences.map(differenceWarning),
			...judgement.warnings,
			...changesLater([...files.values()]),
			...secretPaths(files.keys()),
		].map((warning) => maskWarning(warning, o.secrets)),
	};
	for (const warning of run.warnings.slice(warned.length)) listen({ type: 'warning', warning });
	await folder.write('run.json', `${JSON.stringify(run, null, '\t')}\n`);
	const isPath = existingPath(begun.circumstances.cwd, o.inside);
	const log = folder.logPath('manager');
	// There is none where Cellar was killed before it had started the kernel.
	if (existsSync(log)) await compressLog(log, `${log}.gz`, (line) => redactLine(line, isPath, o.secrets));
	await folder.finish();
	// The run is whole by now, wherever this may not be written.
	if (o.out !== null && executed !== null) await writeFile(o.out, executed);
	listen({ type: 'run ended', run: run.run, status: run.status, seconds: run.seconds ?? 0 });
	return run;
}

/** The facts as they are judged, and as they are kept where that is not done yet. */
async function judged(ending: Ending): Promise<{
	readonly facts: Facts;
	/** Those of the accesses of `facts`. */
	readonly paths: NumberedPaths;
	readonly all: Facts;
	readonly existed: Existed;
}> {
	const { facts, existed, written } = ending.told;
	if (written !== null && existed !== null) {
		return { facts, paths: numberPaths(facts.accesses, existed.numbers), all: facts, existed };
	}
	const all = await withOriginals(ending, facts);
	const { accesses } = all;
	const paths = numberPaths(accesses);
	const { numbers, ofAccesses } = paths;
	const used = createExisted(numbers);
	const [log, how, first] = [accesses.map((one) => one.log), accesses.map((one) => one.how), accesses.map((one) => one.first)];
	used.add({ log, how, first }, ofAccesses);
	// Where no worker has a log of its own, nothing is done by several of them.
	if (all.processes.every((process) => process.log === 'manager')) return { facts: all, paths, all, existed: used };
	const union = createUnion(all, numbers);
	union.add(columnsOf(accesses), ofAccesses);
	const uses = union.uses();
	return { facts: { ...all, accesses: uses }, paths: numberPaths(uses, numbers), all, existed: used };
}

/** The facts with the names of files that the manager knows, where an engine gave its workers others. */
async function withOriginals({ folder, inside }: Ending, facts: Facts): Promise<Facts> {
	if (!facts.workers.some((worker) => worker.engine === 'taskvine')) return facts;
	const { circumstances } = runOf(await readJournal(folder.directory));
	const cwd = encodeName(Buffer.from(circumstances.cwd));
	const place = inside === null ? undefined : (path: Name) => inside.place(path, true);
	return withManagersNames(facts, await readVineRecords(facts, cwd, place));
}

function workersOf(facts: Facts, host: string): RunWorker[] {
	const processes = new Map(facts.processes.map((process) => [process.ordinal, process]));
	const marked = new Set(facts.tasks.map((task) => task.engine));
	const counts = new Map<WorkerId, number>();
	for (const { worker } of facts.tasks.flatMap((task) => task.attempts)) {
		if (worker !== null) counts.set(worker, (counts.get(worker) ?? 0) + 1);
	}
	return facts.workers.map((worker) => ({
		id: worker.worker,
		engine: worker.engine,
		host: processes.get(worker.process)?.host ?? host,
		pid: worker.pid,
		// A worker that took none is known to have taken none where its engine marks them.
		tasks: counts.get(worker.worker) ?? (marked.has(worker.engine) ? 0 : null),
		seconds: null,
		log: processes.get(worker.process)?.log ?? 'manager',
	}));
}

/** One warning for each kind of doubt, however often it came. */
function doubtsOf(facts: Facts): Warning[] {
	const kinds = new Map<string, { message: string; count: number }>();
	for (const doubt of facts.doubts) {
		const known = kinds.get(doubt.code);
		kinds.set(doubt.code, { message: known?.message ?? doubt.message, count: (known?.count ?? 0) + 1 });
	}
	return [...kinds].map(([code, { message, count }]) => ({
		code,
		message: count === 1 ? message : `${message} (${count} times)`,
	}));
}

/** What is not known of a run because it was made whole too late. */
function changesLater(files: readonly FileFact[]): Warning[] {
	const later = files.filter((file) => file.whyNoBlob === changedLater).map((file) => file.path);
	if (later.length === 0) return [];
	const what = later.length === 1 ? 'a file' : `${later.length} files`;
	return [
		{
			code: 'CELLAR_CHANGED_LATER',
			message: `${what} that the run used changed after it had died, so what it held is not known: ${firstOf(later)}`,
		},
	];
}

/** Names of files are facts, and a run could not be told without them: what looks like a secret in one is warned of. */
function secretPaths(paths: Iterable<Name>): Warning[] {
	const found = [...paths].filter((path) => findSecrets(path, null, true).length > 0);
	if (found.length === 0) return [];
	const what = found.length === 1 ? 'the name of a file' : `the names of ${found.length} files`;
	const message = `${what} that the run used looks like a secret: names are kept as they are, and cellar pack refuses them without --with-secrets: ${firstOf(found)}`;
	return [{ code: 'CELLAR_SECRET_IN_NAME', message }];
}
