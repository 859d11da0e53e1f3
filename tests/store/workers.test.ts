import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
	accessesOfReport,
	beginWorker,
	factsOfReport,
	takeWorker,
	workersIn,
	type WorkerReport,
} from '../../core/src/store/index.ts';
import { accessesOf, noFacts, type Access, type Facts, type ProcessFact } from '../../core/src/model/index.ts';
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
	const used: Access = {
		...{ log, process: 1, thread: 1, cell: null, worker: 'w1', task: null, during: null, ambiguous: false },
		...{ path: '/in.txt', how: 'read', first: 2, last: 2, count: 1 },
	};
	return { ...noFacts, processes: [process], accesses: [used] };
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
	const { accesses, ...others } = factsOf(log);
	expect(await factsOfReport(run, log)).toEqual(others);
	for await (const some of accessesOfReport(run, log)) expect(accessesOf(some)).toEqual(accesses);
	expect(accesses).toHaveLength(1);
	expect(readdirSync(join(run, 'workers'))).toEqual([log]);
});

/** What a worker's lock says is of another machine. */
function moveAway(lock: string, change: object = {}): void {
	const own = JSON.parse(readFileSync(lock, 'utf8')) as object; // ours
	writeFileSync(lock, JSON.stringify({ ...own, host: 'far', bootId: 'another', ...change }));
}

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

test('of another host, a worker that is not heard of is silent and never taken for dead, until somebody who knows says so: once', async () => {
	const run = folder();
	mkdirSync(join(run, 'logs'));
	const worker = await beginWorker(run, begun);
	const lock = join(run, 'workers', `.${worker.log}.new`, 'lock');
	moveAway(lock);
	const state = async () => (await workersIn(run)).map(({ state }) => state);
	expect(await state()).toEqual(['running']);
	utimesSync(lock, minutesAgo(10), minutesAgo(10));
	const [silent] = await workersIn(run);
	expect([silent!.state, Math.round((Date.now() - Date.parse(silent!.heard!)) / 60_000)]).toEqual(['silent', 10]);
	writeFileSync(worker.logPath, '');
	expect(await state(), 'a log that grows is a sign').toEqual(['running']);
	utimesSync(worker.logPath, minutesAgo(10), minutesAgo(10));
	const before = readFileSync(lock, 'utf8');
	expect(await takeWorker(run, worker.log)).toBeNull();
	expect(readFileSync(lock, 'utf8')).toBe(before);
	const taken = (await Promise.all([1, 2, 3].map(() => takeWorker(run, worker.log, true)))).filter((one) => one !== null);
	expect(taken).toHaveLength(1);
	await taken[0]!.report({ ...begun, log: worker.log }, factsOf(worker.log));
	expect(await state()).toEqual(['reported']);
	expect(readdirSync(join(run, 'workers')), 'the clock is looked at, and nothing of that stays').toEqual([worker.log]);
});

test('a machine of the same name is another one, unless the lock is older than this one’s boot; a container is another, too', async () => {
	const run = folder();
	const worker = await beginWorker(run, begun);
	const lock = join(run, 'workers', `.${worker.log}.new`, 'lock');
	const state = async () => (await workersIn(run)).map(({ state }) => state);
	moveAway(lock, { host: hostname() });
	expect(await state()).toEqual(['running']);
	const boot = new Date(Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))![1]) * 1000 - 60_000);
	utimesSync(lock, boot, boot);
	expect(await state()).toEqual(['gone']);
	const other = await beginWorker(run, begun);
	const own = JSON.parse(readFileSync(join(run, 'workers', `.${other.log}.new`, 'lock'), 'utf8')) as { bootId: string }; // ours
	moveAway(lock, { bootId: own.bootId, pidNamespace: 'pid:[1]' });
	expect(await state()).toEqual(['running', 'running']);
	await other.discard();
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
