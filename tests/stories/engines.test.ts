import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { agentFolder } from '../../core/src/workers/index.ts';
import { makePlace } from './cellar.ts';
import { auditEngines, faultsOf, tracesOfAgent } from './engines.ts';

interface Item {
	readonly cells: readonly number[];
	readonly workers: readonly string[];
	readonly tasks: readonly string[];
}
interface Deps {
	readonly software: readonly (Item & { readonly name: string })[];
	/** A folder with many files is one line, with those that were used. */
	readonly data: readonly (Item & {
		readonly path: string;
		readonly members: readonly { readonly paths: readonly string[] }[] | null;
	})[];
}

const filesOf = (deps: Deps) =>
	deps.data.flatMap(({ path, members }) => (members?.flatMap(({ paths }) => paths) ?? [path]).map((one) => basename(one)));

test('every task of the pools, executors and joblib has what it used, and the cell that submitted it', async () => {
	using place = makePlace();
	const names = ['pool_fork', 'pool_spawn', 'executor_fork', 'threads', 'process', 'loky', 'loky_again'];
	const run = await auditEngines(place, { of: 'pools', names, tasks: 40, workers: 5 });
	expect(faultsOf(run)).toEqual([]);
	const { facts } = run.tables;
	for (const { name, cell, tasks } of run.cells) {
		const own = facts.tasks.filter((task) => task.submitted?.cell === cell);
		expect({ name, tasks: own.length }).toEqual({ name, tasks });
		expect([...new Set(own.map((task) => task.function))]).toEqual([name === 'process' ? 'into' : 'task']);
	}

	// Each worker took tasks, and together they took all but those of threads.
	const { workers, warnings } = run.document;
	expect(workers.reduce((sum, worker) => sum + (worker.tasks ?? 0), 0)).toBe(5 * 40 + 40 + 10 - 40);
	expect(warnings).toEqual([]);

	// The agent is nowhere to be seen.
	const everything = JSON.stringify([run.document, run.tables, (await place.cellar(['deps', '--json'])).stdout]);
	expect(everything.replace(JSON.stringify({ agent: agentFolder }).slice(1, -1), '')).not.toContain(agentFolder);

	// A task's data are what it read; of a function those of all its tasks.
	const of = async (selector: string) => (await place.cellar(['deps', '--for', selector, '--json'])).json<Deps>();
	// They are counted as they were submitted: this is that of n = 6.
	const one = facts.tasks.filter(({ submitted }) => submitted?.cell === 3)[6]!;
	const task = await of(`task:${one.task}`);
	expect(filesOf(task)).toEqual(['pool_spawn-6.txt']);
	const [worker, ...others] = one.attempts.map((attempt) => attempt.worker);
	expect(task.data).toMatchObject([{ cells: [3], workers: [worker], tasks: [String(one.task)] }]);
	expect(others).toEqual([]);
	expect(task.software.map(({ name }) => name)).toContain('python');
	expect(filesOf(await of('function:into')).map((path) => path.replace(/-\d.*/, ''))).toEqual(Array(13).fill('process'));
	const asked = await place.cellar(['deps', '--for', 'task:1000']);
	expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining('CELLAR_NO_SUCH_TASK')]);

	// A person is told how many there are.
	const page = await place.cellar(['deps']);
	expect(page.stdout).toMatch(/input +data +52 files, 52 B +cell 2, 5 workers, 40 tasks$/m);
	const alone = await place.cellar(['deps', '--for', `task:${one.task}`]);
	expect(alone.stdout).toMatch(new RegExp(`input +data +1 file, 1 B +cell 3, ${worker}, task ${one.task}$`, 'm'));
});

test('every task of a Dask cluster that the notebook starts has what it used, and the attempt that counted', async () => {
	using place = makePlace();
	const run = await auditEngines(place, { of: 'dask', names: 'all', tasks: 30, workers: 3 });
	expect(faultsOf(run)).toEqual([]);
	const { facts } = run.tables;
	const engines = new Set(facts.tasks.map((task) => task.engine));
	expect([...engines]).toEqual(['dask']);
	const again = facts.tasks.filter((task) => task.function === 'ends_its_worker');
	expect(again).toHaveLength(1);
	const [ended, counted, ...more] = again[0]!.attempts;
	expect([ended!.counted, counted!.counted, more]).toEqual([false, true, []]);
	expect(ended!.worker).not.toBe(counted!.worker);
	expect(new Set(run.document.workers.map((worker) => worker.engine))).toEqual(new Set(['dask']));
	expect(run.document.workers.reduce((sum, worker) => sum + (worker.tasks ?? 0), 0)).toBe(5 * 30 + 2);
});

test('every task of Parsl’s worker pool has what it used, the cell that submitted it, and its tries', async () => {
	using place = makePlace();
	const run = await auditEngines(place, { of: 'parsl', names: 'all', tasks: 20, workers: 2 });
	expect(faultsOf(run)).toEqual([]);
	expect(tracesOfAgent(run)).toEqual([]);
	const { tasks, accesses } = run.tables.facts;
	const told = (name: string) => tasks.filter((task) => task.function === name);
	expect(tasks.map(({ engine }) => engine)).toEqual(Array(20 + 2).fill('parsl'));
	expect([told('task').length, told('fails_once').length, told('shell').length]).toEqual([20, 1, 1]);
	expect(told('fails_once')[0]!.attempts.map(({ attempt, counted }) => [attempt, counted])).toEqual([
		[`${told('fails_once')[0]!.task}.1`, false],
		[`${told('fails_once')[0]!.task}.2`, true],
	]);
	const copied = accesses.filter(({ path }) => path.endsWith('/copy.txt'));
	expect(copied.map(({ cell, task }) => [cell, task])).toEqual([[3, told('shell')[0]!.attempts[0]!.attempt]]);
	const { workers, warnings } = run.document;
	// One that had not begun when all was done is told by its birth.
	expect(new Set(workers.filter((worker) => worker.tasks !== null).map(({ engine }) => engine))).toEqual(new Set(['parsl']));
	expect(workers.reduce((sum, worker) => sum + (worker.tasks ?? 0), 0)).toBe(20 + 2 + 1);
	expect(warnings).toEqual([]);
});

test('every task of ipyparallel’s engines has what it used, and the cell that sent it', async () => {
	using place = makePlace();
	const run = await auditEngines(place, { of: 'ipyparallel', names: 'all', tasks: 20, workers: 2 });
	expect(faultsOf(run)).toEqual([]);
	expect(tracesOfAgent(run)).toEqual([]);
	const { tasks, accesses } = run.tables.facts;
	const told = (name: string | null) => tasks.filter((task) => task.function === name && task.submitted?.cell === 4);
	expect(tasks.filter((task) => task.function === 'task')).toHaveLength(2 * 20);
	// What is tried again is one task; code and what is broadcast are one for each engine.
	const { attempts } = told('fails_once')[0]!;
	expect([attempts.at(-1)!.counted, told('fails_once').length]).toEqual([true, 1]);
	expect([told(null).length, told('returns').length]).toEqual([2, 2]);
	const read = accesses.filter(({ path, how, task }) => path.endsWith('/work.py') && how === 'read' && task !== null);
	const code = told(null).flatMap((task) => task.attempts.map(({ attempt }) => attempt));
	expect(read.filter(({ cell, task }) => cell === 4 && code.includes(task!))).toHaveLength(2);
	const { workers, warnings } = run.document;
	expect(workers.map(({ engine }) => engine)).toEqual(['ipyparallel', 'ipyparallel']);
	expect(warnings).toEqual([]);
});
