import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun, readTables } from '../../core/src/store/index.ts';
import { clone, makePlace, pythonOf, type Place } from './cellar.ts';
import { parsl } from './clusters.ts';
import { daskCells, faultsOf } from './engines.ts';
import { processesIn, until } from './external.ts';
import { openRun } from './open-run.ts';
import { auditOnSlurm, jobqueue, runOf, slurmProvider, startSlurm, type Cluster } from './slurm.ts';

const submit = daskCells.find(({ name }) => name === 'dask_submit')!;
const codesOf = ({ document }: { readonly document: { readonly warnings: readonly { readonly code: string }[] } }) =>
	document.warnings.map(({ code }) => code);

/** Cancels all jobs; what they started may outlive them here, where no control group holds it. */
async function cancelAll(slurm: Cluster, place: Place): Promise<void> {
	await slurm.cancel();
	await until(() => processesIn(place.folder).length === 0);
}

test('a notebook that leaves its SLURMCluster open: dask-jobqueue cancels the jobs, and the run has what they did', async () => {
	using place = makePlace();
	await using slurm = await startSlurm({ nodes: 1 });
	const run = await auditOnSlurm(place, slurm, {
		...{ environment: 'engines-jobqueue', workers: 2, tasks: 20, cells: [submit] },
		...{ first: `${jobqueue}\nclient.wait_for_workers(WORKERS)`, last: 'None' },
	});
	expect(slurm.states()).toEqual([]);
	expect(faultsOf(run)).toEqual([]);
	expect(codesOf(run)).toEqual([]);
});

test('a notebook that leaves Parsl’s blocks open: they go on, which is said; once they have ended the run has what they did', async () => {
	using place = makePlace();
	await using slurm = await startSlurm({ nodes: 1 });
	const run = await auditOnSlurm(place, slurm, {
		...{ environment: 'engines-parsl', workers: 2, tasks: 20, cells: parsl.cells },
		...{ first: slurmProvider('SingleNodeLauncher'), last: 'None' },
	});
	expect(slurm.states()).toEqual(['RUNNING', 'RUNNING']);
	expect(codesOf(run)).toContain('CELLAR_WORKER_RUNNING');
	await cancelAll(slurm, place);
	const later = await runOf(place, run.said, run.folder, run.cells);
	expect(faultsOf(later)).toEqual([]);
	expect(later.document.workers).toHaveLength(2);
});

test('a job that is cancelled while the notebook works: what it did until then is told, and what the other did', async () => {
	using place = makePlace();
	await using slurm = await startSlurm({ nodes: 1 });
	const cancels = `
import subprocess, time
jobs = subprocess.run(['squeue', '--noheader', '--format=%i'], capture_output=True, text=True).stdout.split()
subprocess.run(['scancel', jobs[0]], check=True)
while len(client.scheduler_info()['workers']) > 1: time.sleep(0.1)`;
	const map = daskCells.find(({ name }) => name === 'dask_map')!;
	const run = await auditOnSlurm(place, slurm, {
		...{ environment: 'engines-jobqueue', workers: 2, tasks: 20 },
		cells: [submit, { ...map, source: `${cancels}\n${map.source}` }],
		...{ first: `${jobqueue}\nclient.wait_for_workers(WORKERS)`, last: 'client.close(); cluster.close()' },
	});
	expect(faultsOf(run)).toEqual([]);
	expect(codesOf(run)).toEqual([]);
	const { tasks } = run.tables.facts;
	const workersOf = (cell: number) =>
		new Set(
			tasks.filter(({ submitted }) => submitted?.cell === cell).flatMap(({ attempts }) => attempts.map(({ worker }) => worker)),
		);
	expect([workersOf(2).size, workersOf(3).size]).toEqual([2, 1]);
});

test('a job that does not end when it is asked to is killed with what watches it: its log tells what it did, and that it was lost', async () => {
	using place = makePlace();
	await using slurm = await startSlurm({ nodes: 1, killWait: 2 });
	await using opened = await openRun(place);
	const stays = `import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open('used.txt').close()
open('ready', 'w').close()
time.sleep(600)`;
	writeFileSync(join(place.folder, 'used.txt'), '');
	writeFileSync(join(place.folder, 'stays.py'), stays);
	const cellar = `${process.execPath} ${join(clone, 'cli/bin/cellar.js')}`;
	const script = ['#!/bin/sh', `exec ${cellar} worker --run ${opened.run} -- ${pythonOf('kernel')} stays.py`];
	writeFileSync(join(place.folder, 'job.sh'), script.join('\n'));
	slurm.run('sbatch', `--chdir=${place.folder}`, '--export=NONE', join(place.folder, 'job.sh'));
	await until(() => existsSync(join(place.folder, 'ready')));
	await slurm.cancel();
	await opened.end();
	await until(() => processesIn(place.folder).length === 0);
	await place.cellar(['deps', '--json']);
	expect((await readRun(opened.run)).warnings.map(({ code }) => code)).toEqual(['CELLAR_WORKER_LOST']);
	const { accesses } = (await readTables(opened.run)).facts;
	expect(accesses.filter(({ path }) => path === join(place.folder, 'used.txt'))).toMatchObject([{ worker: 'w1', how: 'read' }]);
});

test('a job that waits until the notebook has ended is told', async () => {
	using place = makePlace();
	// Of one node's two cores.
	await using slurm = await startSlurm({ nodes: 1 });
	const run = await auditOnSlurm(place, slurm, {
		...{ environment: 'engines-jobqueue', workers: 3, tasks: 20, cells: [submit] },
		...{ first: `${jobqueue}\nclient.wait_for_workers(2)`, last: 'client.close(); cluster.close()' },
	});
	expect(faultsOf(run)).toEqual([]);
	expect(run.document.warnings).toMatchObject([
		{ code: 'CELLAR_JOBS_UNSEEN', message: expect.stringMatching(/^of 3 batch jobs for workers of dask, 1 started none/) },
	]);
});

test('a job with two workers and lines of its own before them has one log, in which they are told apart', async () => {
	using place = makePlace();
	await using slurm = await startSlurm({ nodes: 1 });
	const two = jobqueue.replace('cores=1, processes=1,', `cores=2, processes=2, job_script_prologue=['export OF_ITS_OWN=1'],`);
	const run = await auditOnSlurm(place, slurm, {
		...{ environment: 'engines-jobqueue', workers: 1, tasks: 20, cells: [submit] },
		...{ first: `${two}\nclient.wait_for_workers(2)`, last: 'client.close(); cluster.close()' },
	});
	expect(faultsOf(run)).toEqual([]);
	expect(codesOf(run)).toEqual([]);
	expect(new Set(run.document.workers.map(({ log }) => log)).size).toBe(1);
	// The nannies' program, and the two.
	expect(run.document.workers.map(({ engine, tasks }) => [engine, (tasks ?? 0) > 0])).toEqual([
		['dask', false],
		['dask', true],
		['dask', true],
	]);
});

test('a worker’s command that is more than one runs as it is, and the run says that it does not know what its tasks did', async () => {
	using place = makePlace();
	await using slurm = await startSlurm({ nodes: 1 });
	const run = await auditOnSlurm(place, slurm, {
		...{ environment: 'engines-jobqueue', workers: 1, tasks: 5, cells: [submit] },
		first: `${jobqueue.replace('python=', `python='true && ' + `)}\nclient.wait_for_workers(1)`,
		last: 'client.close(); cluster.close()',
	});
	expect(codesOf(run)).toEqual(['CELLAR_UNMARKED', 'CELLAR_WORKERS_UNSEEN']);
});
