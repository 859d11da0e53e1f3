import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { beginWorker, factsOfReport, takeWorker, workersIn, type WorkerReport } from '../../core/src/store/index.ts';
import { noFacts, type Facts, type ProcessFact } from '../../core/src/model/index.ts';
import { folder } from './some.ts';

const begun: Omit<WorkerReport, 'log'> = {
	...{
		format: 1,
		host: 'here',
		bootId: 'b',
		pid: 1,
		engine: 'dask',
		argv: ['dask', 'worker'],
		cwd: '/',
		agent: null,
		findWorkers: true,
	},
	...{ started: '2026-03-01T09:30:00.000Z', ended: null, exitCode: null, signal: null, cellar: '0.1.0' },
};

function factsOf(log: string): Facts {
	const process: ProcessFact = {
		...{ ordinal: 1, log, kind: 'process', process: 1, parent: null, pid: 7, pidInside: null, host: 'here', bootId: 'b' },
		...{ inheritsFrom: null, untilSeq: null, born: 1, ended: 9, exitCode: 0, signal: null, cell: null, worker: 'w1', task: null },
	};
	return { ...noFacts, processes: [process] };
}

test('many that begin at once have names of their own, run until they have reported, and then are told by what they reported', async () => {
	const run = folder();
	const workers = await Promise.all(Array.from({ length: 30 }, () => beginWorker(run, begun)));
	expect(new Set(workers.map(({ log }) => log)).size).toBe(30);
	expect((await workersIn(run)).map(({ state }) => state)).toEqual(Array(30).fill('running'));
	for (const worker of workers.slice(1)) await worker.discard();
	const [worker] = workers;
	const { log } = worker!;
	await worker!.report({ ...begun, log, ended: '2026-03-01T09:31:00.000Z', exitCode: 0 }, factsOf(log));
	await worker![Symbol.asyncDispose]();
	expect(await workersIn(run)).toMatchObject([{ log, state: 'reported', report: { exitCode: 0 } }]);
	expect(await factsOfReport(run, log)).toEqual(factsOf(log));
	expect(readdirSync(join(run, 'workers'))).toEqual([log]);
});

test('of another host, a worker is there as long as it shows that it is; whoever takes its place reports once', async () => {
	const run = folder();
	const worker = await beginWorker(run, begun);
	const hidden = join(run, 'workers', `.${worker.log}.new`);
	const lock = join(hidden, 'lock');
	const elsewhere: object = { ...(JSON.parse(readFileSync(lock, 'utf8')) as object), host: 'far', bootId: 'another' }; // ours
	writeFileSync(lock, JSON.stringify(elsewhere));
	expect(await workersIn(run)).toMatchObject([{ state: 'running' }]);
	const longAgo = new Date(Date.now() - 600_000);
	utimesSync(lock, longAgo, longAgo);
	expect(await workersIn(run)).toMatchObject([{ state: 'gone', report: { engine: 'dask' } }]);
	const taken = (await Promise.all([1, 2, 3].map(() => takeWorker(run, worker.log)))).filter((one) => one !== null);
	expect(taken).toHaveLength(1);
	await taken[0]!.report({ ...begun, log: worker.log }, factsOf(worker.log));
	expect(await workersIn(run)).toMatchObject([{ state: 'reported' }]);
});

test('what does not read as a worker’s own is nobody’s, and facts of another log are refused', async () => {
	const run = folder();
	const worker = await beginWorker(run, begun);
	await worker.report({ ...begun, log: worker.log }, factsOf('manager'));
	await expect(factsOfReport(run, worker.log)).rejects.toMatchObject({ code: 'CELLAR_RUN_UNREADABLE' });
	renameSync(join(run, 'workers', worker.log), join(run, 'workers', 'another'));
	for (const name of ['manager', '.x', '.lock.tmp', 'a b', 'a.b', '..new']) mkdirSync(join(run, 'workers', name));
	expect(await workersIn(run)).toMatchObject([{ log: 'another', state: 'reported', report: null }]);
	rmSync(join(run, 'workers'), { recursive: true });
	expect(await workersIn(run)).toEqual([]);
});
