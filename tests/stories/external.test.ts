import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import type { Explanation } from '../../core/src/flows/deps.ts';
import { makePlace } from './cellar.ts';
import { faultsOf } from './engines.ts';
import { auditExternal } from './external.ts';

interface Deps {
	readonly software: readonly { readonly name: string; readonly workers: readonly string[]; readonly manager: boolean }[];
}

test('workers that were started by cellar worker report into the run: each task has what it used, and the cell that submitted it', async () => {
	using place = makePlace();
	const run = await auditExternal(place, { names: ['dask_submit', 'dask_delayed'], tasks: 20, workers: 2 });
	expect(faultsOf(run)).toEqual([]);
	expect(run.workers).toMatchObject([
		{ code: 0, stdout: '' },
		{ code: 0, stdout: '' },
	]);

	// The run had ended before they had, and said so; now it has them all.
	expect(run.audit.json().warnings.map(({ code }) => code)).toEqual(['CELLAR_WORKER_RUNNING']);
	expect(run.document.warnings).toEqual([]);
	expect(run.document.workers).toMatchObject([
		{ id: 'w1', engine: 'dask' },
		{ id: 'w2', engine: 'dask' },
	]);
	expect(run.document.workers.reduce((sum, worker) => sum + (worker.tasks ?? 0), 0)).toBe(40);
	const { accesses, tasks, processes } = run.tables.facts;
	const logs = [...new Set(accesses.map(({ log }) => log))];
	expect(logs).toHaveLength(3);
	expect(accesses.filter(({ log, worker }) => (log === 'manager') !== (worker === null))).toEqual([]);
	expect(new Set(processes.map(({ ordinal }) => ordinal)).size).toBe(processes.length);
	expect(tasks.map(({ task }) => task)).toEqual(tasks.map((_, at) => at + 1));

	// Their logs are kept as the manager's is, and nothing is left half done.
	const { directory } = run.document;
	expect(readdirSync(join(directory, 'logs')).toSorted()).toEqual(logs.map((log) => `${log}.strace.gz`).toSorted());
	expect(readdirSync(join(directory, 'workers')).toSorted()).toEqual(logs.filter((log) => log !== 'manager').toSorted());
	expect(existsSync(join(directory, 'lock'))).toBe(false);

	const workers = run.deps.json<Deps>();
	expect(workers.software.find(({ name }) => name === 'distributed')).toMatchObject({ workers: ['w1', 'w2'], manager: true });
	expect(workers.software.map(({ name }) => name)).not.toContain('ipykernel');
	const explain = async (what: string) =>
		(await place.cellar(['explain', what, '--json'], { cwd: run.folder })).json<Explanation>();
	const { uses } = await explain('data/dask_submit-1.txt');
	expect(uses).toMatchObject([
		{
			cell: 2,
			worker: expect.stringMatching(/^w[12]$/),
			task: expect.stringMatching(/^2\.\d$/),
			log: expect.not.stringMatching('manager'),
			seconds: expect.any(Number),
		},
	]);
	// The task that read it tells the same from its side: where it ran, for how long by its worker's own log, and what it read.
	const [use] = uses;
	const { task } = await explain('task:2');
	expect(task?.submitted).toMatchObject({ cell: 2 });
	expect(task?.attempts.at(-1)).toMatchObject({ worker: use?.worker, log: use?.log, counted: true, seconds: expect.any(Number) });
	// Forty files of one folder are one thing; of that the task used one file.
	expect(task?.reads.map((path) => basename(path))).toEqual(['data']);
	const members = task?.dependencies.data.flatMap((item) => item.members?.flatMap((member) => member.paths) ?? []);
	expect(members?.map((path) => basename(path))).toEqual(['dask_submit-1.txt']);
	const { worker } = await explain(`worker:${use?.worker}`);
	expect(worker?.functions.reduce((sum, one) => sum + one.tasks, 0)).toBe(worker?.tasks);
	expect(worker?.reads).toContain(task?.reads[0]);
});
