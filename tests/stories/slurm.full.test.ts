import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun } from '../../core/src/store/index.ts';
import { clone, makePlace, pythonOf } from './cellar.ts';
import { parsl } from './clusters.ts';
import { daskCells, faultsOf, type EngineRun } from './engines.ts';
import { connect, daskWorker, runUnderWay, startScheduler } from './external.ts';
import { auditOnSlurm, jobqueue, runOf, slurmNotebook, slurmProvider, startSlurm } from './slurm.ts';

const dask = daskCells.filter(({ name }) => ['dask_submit', 'dask_map', 'dask_delayed', 'dask_coroutine'].includes(name));
/** As a batch script calls it. */
const cellar = [process.execPath, join(clone, 'cli/bin/cellar.js')];

/** Nothing in a wrong task, nothing lost; each worker with a log of its own, and nothing to warn of. */
function expectWhole(run: EngineRun, workers: number, tasks: number): void {
	expect(faultsOf(run)).toEqual([]);
	expect(run.document.warnings).toEqual([]);
	const logs = run.document.workers.map(({ log }) => log);
	expect(new Set(logs).size).toBe(workers);
	expect(logs).toHaveLength(workers);
	expect(logs).not.toContain('manager');
	expect(run.document.workers.reduce((sum, worker) => sum + (worker.tasks ?? 0), 0)).toBe(tasks);
}

test('dask-jobqueue: 200 tasks of each kind on 5 jobs, none in a wrong task, none lost; the notebook sees its own job script', async () => {
	using place = makePlace();
	await using slurm = await startSlurm({ nodes: 3 });
	const run = await auditOnSlurm(place, slurm, {
		...{ environment: 'engines-jobqueue', workers: 5, tasks: 200, cells: dask },
		first: `${jobqueue}\nclient.wait_for_workers(WORKERS)\nassert 'worker.sh' not in cluster.job_script()`,
		last: 'client.close(); cluster.close()',
	});
	expectWhole(run, 5, 4 * 200);
	expect(run.document.workers.map(({ engine }) => engine)).toEqual(Array(5).fill('dask'));
});

test.each(['SingleNodeLauncher', 'SrunLauncher'])(
	'Parsl’s SlurmProvider with its %s: 200 tasks on 5 blocks, none in a wrong task, none lost; each try is told',
	async (launcher) => {
		using place = makePlace();
		await using slurm = await startSlurm({ nodes: 3 });
		const run = await auditOnSlurm(place, slurm, {
			...{ environment: 'engines-parsl', workers: 5, tasks: 200, cells: parsl.cells },
			...{ first: slurmProvider(launcher), last: 'flow.cleanup(); parsl.clear()' },
		});
		expectWhole(run, 5, 200 + 3);
		const [fails, shell] = run.tables.facts.tasks.slice(-2);
		expect(fails).toMatchObject({ function: 'fails_once', submitted: { cell: 3 } });
		expect(fails!.attempts.map(({ attempt, counted }) => [attempt, counted])).toEqual([
			['201.1', false],
			['201.2', true],
		]);
		expect(shell).toMatchObject({ function: 'shell', attempts: [{ attempt: '202.1' }] });
	},
);

test('sbatch: 200 tasks of each kind on a job array of 5 that calls cellar worker, with nothing of the environment, and is cancelled', async () => {
	using place = makePlace();
	await using slurm = await startSlurm({ nodes: 3 });
	const { notebook, cells } = slurmNotebook(place, {
		...{ environment: 'engines', workers: 5, tasks: 200, cells: dask },
		...{ first: connect(5), last: 'client.close()' },
	});
	const folder = dirname(notebook);
	await using _scheduler = await startScheduler(folder);
	const audit = place.start(['audit', notebook, '--python', pythonOf('engines'), '--json']);
	const run = await runUnderWay(place);
	const script = [
		'#!/bin/bash',
		'#SBATCH --array=1-5 --output=job-%a.txt',
		`exec ${[...cellar, 'worker', '--', ...daskWorker()].join(' ')}`,
	];
	writeFileSync(join(folder, 'job.sh'), script.join('\n'));
	slurm.run('sbatch', `--chdir=${folder}`, `--export=CELLAR_RUN=${run}`, join(folder, 'job.sh'));
	const said = await audit.ended;
	expect(said.code, said.stderr).toBe(0);
	// They go on, and that is said.
	expect((await readRun(run)).warnings.map(({ code }) => code)).toEqual(['CELLAR_WORKER_RUNNING']);
	await slurm.cancel();
	expectWhole(await runOf(place, said, folder, cells), 5, 4 * 200);
});
