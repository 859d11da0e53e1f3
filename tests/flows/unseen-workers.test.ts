import { expect, test } from 'vitest';
import { unseenJobs, unseenTasks, unseenWorkers } from '../../core/src/flows/workers/unseen.ts';
import type { AttemptFact, TaskFact } from '../../core/src/model/index.ts';
import type { WorkerReport } from '../../core/src/store/index.ts';

const at = { log: 'manager', seq: 1, cell: 1, worker: null, task: null };
const attempt: AttemptFact = {
	...{ log: 'manager', attempt: '1', counted: true, process: 1, thread: 1, worker: null, begun: 2, ended: 3 },
};
const report: WorkerReport = {
	...{ format: 1, log: 'a', host: 'h', bootId: 'b', pid: 1, engine: 'dask', argv: [], cwd: '/', agent: null, findWorkers: true },
	...{ started: '', ended: null, exitCode: null, signal: null, cellar: '' },
};
const task = (engine: string, o: Partial<TaskFact>): TaskFact => ({
	...{ task: 1, engine, engineId: `${engine}.1`, function: null, submitted: null, attempts: [], ...o },
});

test('an engine that was handed tasks of which none was seen to run is named, once', () => {
	const submitted = [
		task('dask', { submitted: at }),
		task('dask', { submitted: at }),
		task('pool', { submitted: at, attempts: [attempt] }),
	];
	const told = unseenWorkers({ tasks: submitted, handed: [{ id: 'ipp.7', task: null, attempt: null, submitted: at }] });
	expect(told.map(({ code, message }) => [code, message.split(',', 1)[0]])).toEqual([
		['CELLAR_WORKERS_UNSEEN', 'tasks were handed to dask'],
		['CELLAR_WORKERS_UNSEEN', 'tasks were handed to ipp'],
	]);
});

test('where one of an engine’s tasks was seen to run, or none was handed out, nothing is missing', () => {
	expect(unseenWorkers({ tasks: [], handed: [] })).toEqual([]);
	expect(unseenWorkers({ tasks: [task('dask', { submitted: at }), task('dask', { attempts: [attempt] })], handed: [] })).toEqual(
		[],
	);
	expect(
		unseenWorkers({
			tasks: [task('thread', { attempts: [attempt] })],
			handed: [{ id: 'other', task: 1, attempt: null, submitted: null }],
		}),
	).toEqual([]);
});

test('batch jobs of which no worker has begun are counted, by engine, and are no engine', () => {
	const handed = ['job.dask.7.1', 'job.dask.7.2', 'job.parsl.7.3'].map((id) => ({
		id,
		task: null,
		attempt: null,
		submitted: at,
	}));
	const begun = [
		{ report: null },
		{ report: { ...report, job: 'job.dask.7.2' } },
		{ report: { ...report, job: 'job.parsl.7.3' } },
	];
	expect(unseenJobs({ handed }, begun, new Map()).map(({ code, message }) => [code, message.slice(0, 54)])).toEqual([
		['CELLAR_JOBS_UNSEEN', 'of 2 batch jobs for workers of dask, 1 started none th'],
	]);
	const bare = new Map([
		['job.dask.7.1', 'n17'],
		['job.dask.7.2', 'n18'],
	]);
	expect(unseenJobs({ handed }, begun, bare).map(({ message }) => message.split(',', 2).join())).toEqual([
		'of 2 batch jobs for workers of dask, 1 ran unaudited on n17',
	]);
	expect(unseenWorkers({ tasks: [], handed })).toEqual([]);
});

test('where some of an engine’s tasks were seen to run and some not, it is told how many', () => {
	const ran = { submitted: at, attempts: [attempt] };
	const tasks = [
		...[task('dask', ran), task('dask', { submitted: at }), task('dask', ran)],
		...[task('ray', ran), task('ipyparallel', { submitted: at })],
		// Those that began by themselves, and those of the kernel's own workers, say nothing.
		...[task('dask', { attempts: [attempt] }), task('pool', ran), task('pool', { submitted: at })],
	];
	expect(unseenTasks({ tasks, handed: [] }).map(({ code, message }) => [code, message.split(':', 1)[0]])).toEqual([
		['CELLAR_TASKS_UNSEEN', '1 of 3 tasks that were handed to dask were not seen to run'],
	]);
	expect(unseenTasks({ tasks: [task('dask', ran), task('dask', ran)], handed: [] })).toEqual([]);
});

test('of Parsl only what it sent to workers can be missing', () => {
	const ran = task('parsl', { submitted: at, attempts: [attempt] });
	const kept = task('parsl', { task: 2, submitted: at });
	const unseen = (tasks: readonly TaskFact[], sent: readonly number[]) =>
		unseenTasks({
			tasks,
			handed: sent.map((one) => ({ id: `parsl.executor7.${one}`, task: one, attempt: null, submitted: null })),
		}).length;
	expect(unseen([ran, kept], [1])).toBe(0);
	expect(unseen([ran, kept], [1, 2])).toBe(1);
	expect(unseen([ran, { ...kept, engineId: 'parsl.executor7.2' }], [])).toBe(1);
});
