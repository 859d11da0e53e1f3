import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { CellarError, errnoOf, runSchema, type JournalEntry, type Run, type RunCell, type RunStatus } from '../model/index.ts';
import { names } from './home.ts';
import { checkFormat, problem, readJournal } from './journal.ts';
import { isAlive } from './lock.ts';

/**
 * A run as its folder tells it, finished or not: from `run.json`, or from the journal where that is not written yet. It is
 * `running` until it has its `run.json`, also when its program has ended. A run that is said to be running, by a process that
 * is gone, is `died`.
 *
 * @throws CellarError CELLAR_NO_SUCH_RUN, CELLAR_RUN_UNREADABLE, CELLAR_RUN_TOO_NEW
 */
export async function readRun(directory: string): Promise<Run> {
	const path = join(directory, names.run);
	const text = textOf(path, directory);
	if (text !== null) {
		const run = parseRun(text, path);
		return run.status === 'running' ? judged(run, await isAlive(directory)) : run;
	}
	if (!(await isFolder(directory))) throw noRunAt(directory);
	// Asked before the journal is read: a run that ends in between has its whole journal by then.
	const alive = await isAlive(directory);
	const run = runOf(await readJournal(directory));
	return judged(alive ? { ...run, status: 'running' } : run, alive);
}

/** Null where there is none. */
// Synchronous: a list of hundreds of runs waits for each of them.
function textOf(path: string, directory: string): string | null {
	try {
		return readFileSync(path, 'utf8');
	} catch (cause) {
		if (errnoOf(cause) === 'ENOENT') return null;
		if (errnoOf(cause) === 'ENOTDIR') throw noRunAt(directory);
		throw new CellarError('CELLAR_RUN_UNREADABLE', `run.json cannot be read: ${String(cause)}`, { where: path, cause });
	}
}

function parseRun(text: string, where: string): Run {
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch (cause) {
		throw new CellarError('CELLAR_RUN_UNREADABLE', 'run.json is not JSON', { where, cause });
	}
	const head = v.safeParse(v.object({ format: v.number() }), json);
	if (head.success) checkFormat(head.output.format, where);
	const run = v.safeParse(runSchema, json);
	if (run.success) return run.output;
	throw new CellarError('CELLAR_RUN_UNREADABLE', `run.json is not as it should be: ${problem(run)}`, { where });
}

/** What a journal says of its run; the cell that was running at its end is told from those that never began. */
export function runOf(entries: readonly JournalEntry[]): Run {
	const [begin, ...rest] = entries;
	if (begin?.event !== 'begin') throw new CellarError('CELLAR_RUN_UNREADABLE', "the run's journal does not begin with its run");
	let run: Run = begin.run;
	for (const entry of rest) {
		if (entry.event === 'warning') run = { ...run, warnings: [...run.warnings, entry.warning] };
		if (entry.event === 'cell begin') run = withCell(run, entry.number, entry.execution, { status: 'died', began: entry.at });
		if (entry.event === 'cell end') {
			const { number, execution, status, seconds, executionCount, started } = entry.result;
			run = withCell(run, number, execution, { status, seconds, executionCount, began: started });
		}
		if (entry.event === 'program end') run = { ...run, program: entry.program };
		if (entry.event === 'end') {
			run = { ...run, status: entry.status, seconds: (Date.parse(entry.at) - Date.parse(run.started)) / 1000 };
		}
	}
	return run;
}

function withCell(run: Run, number: number, execution: number, change: Partial<RunCell>): Run {
	const cells = run.cells.map((cell) =>
		cell.number === number ? { ...cell, ...change, executions: [...new Set([...cell.executions, execution])] } : cell,
	);
	return { ...run, cells };
}

function judged(run: Run, alive: boolean): Run {
	if (run.status !== 'running') return run;
	const status: RunStatus = alive ? 'running' : 'died';
	// While the run lives, the cell that has begun has not died.
	const cells = alive
		? run.cells.map((cell) => (cell.status === 'died' ? { ...cell, status: 'not run' as const } : cell))
		: run.cells;
	return { ...run, status, cells };
}

async function isFolder(path: string): Promise<boolean> {
	const state = await stat(path).catch((error: unknown) => {
		if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
		throw error;
	});
	return state !== null && state.isDirectory();
}

function noRunAt(directory: string): CellarError {
	return new CellarError('CELLAR_NO_SUCH_RUN', `there is no run folder at ${directory}`, {
		where: directory,
		hint: 'cellar runs lists the runs that are kept',
	});
}
