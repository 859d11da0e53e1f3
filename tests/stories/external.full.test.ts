import { expect, test } from 'vitest';
import { makePlace } from './cellar.ts';
import { faultsOf } from './engines.ts';
import { auditExternal } from './external.ts';

const names = ['dask_submit', 'dask_map', 'dask_delayed', 'dask_coroutine'];

test.each([5, 10])('200 tasks of each kind on %i Dask workers with logs of their own: none in a wrong task, none lost', async (workers) => {
	using place = makePlace();
	const run = await auditExternal(place, { names, tasks: 200, workers });
	expect(faultsOf(run)).toEqual([]);
	expect(run.workers.map(({ code }) => code)).toEqual(Array(workers).fill(0));
	expect(run.document.warnings).toEqual([]);
	expect(run.document.workers.map(({ engine }) => engine)).toEqual(Array(workers).fill('dask'));
	expect(run.document.workers.reduce((sum, worker) => sum + (worker.tasks ?? 0), 0)).toBe(4 * 200);
});
