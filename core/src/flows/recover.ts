import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createFollower, readLog } from '../audit/index.ts';
import type { Facts, Listener, Warning } from '../model/index.ts';
import { codeCells } from '../notebook/index.ts';
import { cellarHome, hasTables, listRuns, readRun, reopenRun } from '../store/index.ts';
import { executionsThatStartCoroutines } from './coroutines.ts';
import { finishRun } from './finish.ts';
import { notebookOf } from './notebook.ts';
import { leftovers } from './runs.ts';
import { usesOf } from './uses.ts';

/**
 * What every command does first: makes whole the runs that died without their tables, and names what they have left running.
 * A run that cannot be made whole is named and left as it is.
 */
export async function recoverRuns(env: NodeJS.ProcessEnv): Promise<readonly Warning[]> {
	const home = cellarHome(env);
	const warnings: Warning[] = [];
	for (const left of await leftovers(home)) {
		warnings.push({
			code: 'CELLAR_LEFT_RUNNING',
			message: `run ${left.run} died and left ${left.command} (process ${left.pid}) running; cellar runs prune ends it`,
		});
	}
	const busy = new Set(warnings.length === 0 ? [] : (await leftovers(home)).map((left) => left.run));
	for (const run of await listRuns(home)) {
		if (run.status === 'running' || run.problem !== null || busy.has(run.run) || existsSync(join(run.directory, 'run.json')))
			continue;
		try {
			await recoverRun(home, run.directory);
		} catch (error) {
			warnings.push({
				code: 'CELLAR_RUN_UNREADABLE',
				message: `run ${run.run} died and cannot be made whole: ${error instanceof Error ? error.message : String(error)}`,
			});
		}
	}
	return warnings;
}

/** Builds the tables of a run that died, from its journal and its log. */
async function recoverRun(home: string, directory: string): Promise<void> {
	const before = await readRun(directory);
	if (before.repeatOf !== null && !(await hasTables(directory))) return;
	await using folder = await reopenRun(directory);
	if (folder === null) return;
	const notebook = await notebookOf(directory, before);
	const cells = codeCells(notebook);
	const uses = await usesOf(cells, before.circumstances.kernel?.language ?? '');
	await finishRun({
		folder,
		home,
		facts: await factsOf(folder.logPath('manager'), before.circumstances, executionsThatStartCoroutines(cells, uses)),
		notebook,
		cells,
		uses,
		account: before,
		keepOutputs: Infinity,
		out: null,
		listen: silent,
	});
}

const silent: Listener = () => undefined;

async function factsOf(
	log: string,
	{ nonce, hostname, bootId }: { nonce: string; hostname: string; bootId: string },
	coroutineCells: ReadonlySet<number>,
): Promise<Facts> {
	const follower = createFollower({ log: 'manager', nonce, host: hostname, bootId, coroutineCells });
	if (existsSync(log)) await readLog(log, follower);
	return follower.facts();
}
