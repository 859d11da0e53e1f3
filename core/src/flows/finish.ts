import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { describe, judge, openMachine, wholeRun } from '../dependencies/index.ts';
import type { CellUse, Facts, Listener, Run, RunWorker, Warning } from '../model/index.ts';
import { formatNotebook, withResults, type CodeCell, type Notebook } from '../notebook/index.ts';
import { compressLog, keepOutputs, openBlobs, readJournal, redactExec, writeTables, type RunFolder } from '../store/index.ts';
import { keepFiles, lookAtFiles } from './files.ts';
import { resultsOf } from './journal.ts';
import { existingPath } from './paths.ts';

/** What is known when the kernel and all that it started have ended. */
export interface Ending {
	/** The open folder, or that of a run that died and is told from its journal and log. */
	readonly folder: Pick<RunFolder, 'id' | 'directory' | 'append' | 'logPath' | 'write' | 'finish'>;
	readonly home: string;
	readonly facts: Facts;
	readonly notebook: Notebook;
	readonly cells: readonly CodeCell[];
	readonly uses: readonly CellUse[];
	/** The run as its journal tells it; what the log and the files add comes here. */
	readonly account: Run;
	/** Bytes of outputs, of cells and files together, that go into the blob store. */
	readonly keepOutputs: number;
	readonly out: string | null;
	readonly listen: Listener;
}

/**
 * Makes the run of what an audit left: looks at the files, judges every path, keeps outputs, writes tables and documents, and
 * compresses the log. `run.json` comes last but for that, so a run that has it is whole.
 */
export async function finishRun(o: Ending): Promise<Run> {
	const { folder, listen } = o;
	const journal = await readJournal(folder.directory);
	const begun = o.account;
	const results = resultsOf(journal);
	const account: Run = { ...begun, workers: workersOf(o.facts, begun.circumstances.hostname) };

	listen({ type: 'step', what: 'looking at the files', done: null, of: null });
	const executed = formatNotebook(withResults(o.notebook, results, begun.circumstances.kernel));
	await folder.write('executed.ipynb', executed);
	if (o.out !== null) await writeFile(o.out, executed);
	const looked = await lookAtFiles(o.facts, journal, Date.parse(begun.started));

	listen({ type: 'step', what: 'judging what was used', done: null, of: null });
	const machine = openMachine();
	const judgement = judge({ run: account, facts: o.facts, files: looked, cells: o.uses, machine });
	const files = await keepFiles({
		files: looked,
		verdicts: judgement.verdicts,
		blobs: openBlobs(o.home),
		keepOutputs: o.keepOutputs,
	});
	const outputs = await keepOutputs(results, openBlobs(o.home), o.keepOutputs);

	listen({ type: 'step', what: 'writing the run', done: null, of: null });
	await writeTables(folder.directory, { facts: o.facts, files: [...files.values()], outputs });
	await folder.write('dependencies.json', `${JSON.stringify(describe(judgement, files, wholeRun), null, '\t')}\n`);
	const warned = journal.flatMap((entry) => (entry.event === 'warning' ? [entry.warning] : []));
	const run: Run = { ...account, warnings: [...warned, ...doubtsOf(o.facts), ...judgement.warnings] };
	for (const warning of run.warnings.slice(warned.length)) listen({ type: 'warning', warning });
	await folder.write('run.json', `${JSON.stringify(run, null, '\t')}\n`);
	const log = folder.logPath('manager');
	await compressLog(log, `${log}.gz`, (line) => redactExec(line, existingPath(begun.circumstances.cwd)));
	await folder.finish();
	listen({ type: 'run ended', run: run.run, status: run.status, seconds: run.seconds ?? 0 });
	return run;
}

function workersOf(facts: Facts, host: string): RunWorker[] {
	return facts.workers.map((worker) => ({
		id: worker.worker,
		engine: worker.engine,
		host,
		pid: worker.pid,
		tasks: null,
		seconds: null,
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

/** A run's notebook by its name alone, for messages. */
export function notebookName(run: Run): string {
	return run.notebook === null ? 'program' : basename(run.notebook);
}
