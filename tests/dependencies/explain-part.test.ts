import { join } from 'node:path';
import { expect, test } from 'vitest';
import { explainTask, explainWorker } from '../../core/src/dependencies/index.ts';
import { cell, installed, record } from './facts.ts';

/** Two workers: the first ran a task that imported scipy and read a file, then another; the second one that wrote a file. */
async function worked() {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	for (const name of ['numpy', 'scipy', 'pandas']) installed(site, name, '2.0', { [`${name}/__init__.py`]: '' });
	run.given('data/part.csv');
	const [first, second] = [run.fork('w1', { cell: 1 }), run.fork('w2', { cell: 1 })];
	run.use('read', join(site, 'numpy/__init__.py'), { cell: 1, worker: 'w1', process: first });
	run.task(1, 'module.fit', { cell: 2, worker: 'w1', process: first });
	const one = { cell: 2, worker: 'w1', task: '1', process: first };
	run.use('read', join(site, 'scipy/__init__.py'), one);
	run.use('read', 'data/part.csv', one);
	run.task(2, 'module.fit', { cell: 2, worker: 'w1', process: first });
	run.task(3, 'module.write', { cell: 3, worker: 'w2', process: second });
	const three = { cell: 3, worker: 'w2', task: '3', process: second };
	run.use('read', join(site, 'pandas/__init__.py'), three);
	run.made('out.csv');
	run.use('create', 'out.csv', three);
	const { judgement, files } = await run.judge([cell(1, {}), cell(2, { modules: ['scipy'] }), cell(3, {})]);
	return {
		at: (path: string) => join(run.folder, path),
		task: (what: string) => explainTask(judgement, files, what),
		worker: (what: string) => explainWorker(judgement, files, what),
	};
}

test('a task is explained by what it ran, for which cell, where, and by what it loaded itself', async () => {
	const { task, at } = await worked();
	const { task: told, ...rest } = task('task:1');
	expect(rest).toMatchObject({ what: 'task:1', verdict: 'task', owner: null, uses: [], cell: null, worker: null });
	expect(rest.reason).toMatch(/^module\.fit, submitted by cell 2, ran on w1 and did not end: /);
	expect(told).toMatchObject({
		number: 1,
		function: 'module.fit',
		engine: 'pool',
		submitted: { cell: 2, worker: null, task: null },
	});
	expect(told?.attempts).toMatchObject([{ attempt: '1', counted: true, worker: 'w1', pid: 102, log: 'manager', ended: null }]);
	expect(told).toMatchObject({ reads: [at('data/part.csv')], writes: [], processes: [] });
	expect(told?.loaded).toEqual(['scipy']);
	expect(told?.dependencies.software.map((item) => item.name)).toEqual(['numpy', 'scipy']);
});

test('what an earlier task of its worker had loaded, a later one has and did not load itself', async () => {
	const { task } = await worked();
	expect(task('task:2').task).toMatchObject({ loaded: [], reads: [] });
	expect(task('task:2').task?.dependencies.software.map((item) => item.name)).toContain('numpy');
	expect(task('task:3').task).toMatchObject({ loaded: ['pandas'] });
});

test('a worker is explained by the functions that it ran and by what no other used', async () => {
	const { worker, at } = await worked();
	const { worker: told, ...rest } = worker('worker:w1');
	expect(rest).toMatchObject({ verdict: 'worker', task: null, cell: null });
	expect(told).toMatchObject({ id: 'w1', functions: [{ name: 'module.fit', tasks: 2 }], reads: [at('data/part.csv')] });
	expect(told?.alone).toEqual(['numpy', 'scipy']);
	expect(worker('worker:w2').worker).toMatchObject({ alone: ['pandas'], reads: [], writes: [at('out.csv')] });
});

test('what is not there, or is not one, is refused', async () => {
	const { task, worker } = await worked();
	expect(() => task('task:7')).toThrow(expect.objectContaining({ code: 'CELLAR_NO_SUCH_TASK' }));
	expect(() => task('task:1,task:2')).toThrow(expect.objectContaining({ code: 'CELLAR_USAGE' }));
	expect(() => worker('worker:w7')).toThrow(expect.objectContaining({ code: 'CELLAR_NO_SUCH_WORKER' }));
	expect(() => worker('worker:w1,worker:w2')).toThrow(expect.objectContaining({ code: 'CELLAR_USAGE' }));
});
