import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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
	const explained = await place.cellar(['explain', 'data/dask_submit-1.txt', '--json'], { cwd: run.folder });
	expect(explained.json<{ uses: readonly object[] }>().uses).toMatchObject([
		{
			cell: 2,
			worker: expect.stringMatching(/^w[12]$/),
			task: expect.stringMatching(/^2\.\d$/),
			log: expect.not.stringMatching('manager'),
			seconds: expect.any(Number),
		},
	]);
});
