import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clone, makePlace } from './cellar.ts';
import { parsl } from './clusters.ts';
import { daskCells, faultsOf } from './engines.ts';
import { auditOnSlurm, jobqueue, slurmProvider, startSlurm } from './slurm.ts';

const dask = daskCells.filter(({ name }) => ['dask_submit', 'dask_map'].includes(name));
const strace = '/usr/bin/strace';
/** Of a node that has nothing: neither Cellar's clone, of which the engines' environments stay, nor Node, nor strace. */
const all = [...['agent', 'cli', 'core', 'node_modules'].map((name) => join(clone, name)), process.execPath, strace];
const first = `${jobqueue}\nclient.wait_for_workers(WORKERS)`;
const last = 'client.close(); cluster.close()';

test('nodes of which one has nothing, one no Node and one no strace: a bundle in CELLAR_HOME audits the workers of all', async () => {
	using place = makePlace();
	const made = await place.cellar(['worker', 'bundle']);
	expect(made.code, made.stderr).toBe(0);
	await using slurm = await startSlurm({ nodes: 3, unseen: [all, [process.execPath], [strace]] });
	const run = await auditOnSlurm(place, slurm, {
		...{ environment: 'engines-jobqueue', workers: 5, tasks: 100, cells: dask, first, last },
	});
	expect(faultsOf(run)).toEqual([]);
	expect(run.document.warnings).toEqual([]);
	const hosts = run.document.workers.map(({ log }) => log.split('-', 1)[0]);
	expect([hosts.length, new Set(hosts)]).toEqual([5, new Set(['n1', 'n2', 'n3'])]);
	expect(run.document.workers.reduce((sum, { tasks }) => sum + (tasks ?? 0), 0)).toBe(2 * 100);
	// The worker sees nothing of what started it.
	const paths = run.tables.facts.accesses.filter(({ worker }) => worker !== null).map(({ path }) => path);
	expect(paths.filter((path) => path.startsWith(join(place.home, 'bundle')))).toEqual([]);
});

test('Parsl’s blocks on a node that has nothing: a bundle that CELLAR_BUNDLE names audits them', async () => {
	using place = makePlace();
	const bundle = join(place.folder, 'its own');
	expect((await place.cellar(['worker', 'bundle', '-o', bundle])).code).toBe(0);
	await using slurm = await startSlurm({ nodes: 1, unseen: [all] });
	const run = await auditOnSlurm(place, slurm, {
		...{ environment: 'engines-parsl', workers: 2, tasks: 40, cells: parsl.cells, env: { CELLAR_BUNDLE: bundle } },
		...{ first: slurmProvider('SrunLauncher'), last: 'flow.cleanup(); parsl.clear()' },
	});
	expect(faultsOf(run)).toEqual([]);
	expect(run.document.warnings).toEqual([]);
	expect(run.document.workers).toHaveLength(2);
});

test('without a bundle the workers run as they are, and the run says on which nodes, and what would help', async () => {
	using place = makePlace();
	await using slurm = await startSlurm({ nodes: 2, unseen: [all, [strace]] });
	const run = await auditOnSlurm(place, slurm, {
		...{ environment: 'engines-jobqueue', workers: 4, tasks: 20, cells: dask, first, last },
	});
	const told = run.document.warnings.map(({ code, message }) => `${code}: ${message}`).toSorted();
	expect(told).toEqual([
		expect.stringMatching(
			/^CELLAR_JOBS_UNSEEN: of 4 batch jobs for workers of dask, 2 ran unaudited on n1, .*cellar worker bundle/,
		),
		expect.stringMatching(/^CELLAR_WORKERS_UNSEEN/),
		...Array(2).fill(expect.stringMatching(/^CELLAR_WORKER_SILENT: a worker on n2 .*strace/)),
	]);
	expect(readdirSync(join(run.document.directory, 'unaudited'))).toHaveLength(2);
});
