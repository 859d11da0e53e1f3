import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { Access, TaskFact } from '../../core/src/model/index.ts';
import { agentFolder } from '../../core/src/workers/index.ts';
import { readTables, type Tables } from '../../core/src/store/index.ts';
import { pythonOf, type AuditDocument, type Environment, type Place, type Said } from './cellar.ts';
import { ipyparallel, parsl, ray, type EngineCell, type EngineKind } from './clusters.ts';
import { inlineNotebook } from './inline.ts';

const pool = (how: string): EngineCell => ({
	name: `pool_${how}`,
	engine: 'pool',
	source: `
jobs = [pools['${how}'].apply_async(work.task, ('pool_${how}', n)) for n in range(TASKS)]
work.keep('pool_${how}', (job.get() for job in jobs), (f'{job._job}.0' for job in jobs))`,
});

const executor = (how: string): EngineCell => ({
	name: `executor_${how}`,
	engine: 'futures',
	source: `
with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context('${how}')) as executor:
    futures = [executor.submit(work.task, 'executor_${how}', n) for n in range(TASKS)]
    work.keep('executor_${how}', (future.result() for future in futures), range(TASKS))`,
});

const cells: readonly EngineCell[] = [
	...['fork', 'spawn', 'forkserver'].map(pool),
	...['fork', 'spawn', 'forkserver'].map(executor),
	{
		name: 'map',
		engine: 'pool',
		source: `work.keep('map', pools['spawn'].starmap(work.task, [('map', n) for n in range(TASKS)], chunksize=1), range(TASKS))`,
	},
	{
		name: 'imap',
		engine: 'pool',
		source: `
told = sorted(pools['fork'].imap_unordered(functools.partial(work.task, 'imap'), range(TASKS)), key=lambda one: one['n'])
work.keep('imap', told, range(TASKS))`,
	},
	{
		name: 'threads',
		engine: 'thread',
		inManager: true,
		source: `work.keep('threads', threads.map(functools.partial(work.task, 'threads'), range(TASKS)))`,
	},
	{
		name: 'thread_pool',
		engine: 'pool',
		inManager: true,
		source: `
with ThreadPool(WORKERS) as pool:
    work.keep('thread_pool', pool.map(functools.partial(work.task, 'thread_pool'), range(TASKS), chunksize=1), range(TASKS))`,
	},
	{
		name: 'process',
		engine: 'process',
		tasks: 10,
		source: `
contexts = [multiprocessing.get_context(how) for how in ('fork', 'spawn')]
queues = [context.SimpleQueue() for context in contexts]
processes = [contexts[n % 2].Process(target=work.into, args=(queues[n % 2], 'process', n)) for n in range(10)]
for process in processes: process.start()
told = sorted((queues[n % 2].get() for n in range(10)), key=lambda one: one['n'])
for process in processes: process.join()
work.keep('process', told, (str(process._identity[-1]) for process in processes))`,
	},
	// The executor is the first cell's: what is submitted later comes from a thread that was born there.
	{
		name: 'loky',
		engine: 'loky',
		source: `
run = lambda: Parallel(n_jobs=WORKERS, batch_size=1)(delayed(work.task)('loky', n) for n in range(TASKS))
work.keep('loky', run())`,
	},
	{
		name: 'loky_again',
		engine: 'loky',
		source: `work.keep('loky_again', Parallel(n_jobs=WORKERS, batch_size=1)(delayed(work.task)('loky_again', n) for n in range(TASKS)))`,
	},
];

/** Dask's: a cluster of the notebook's own, whose workers are processes, and one whose workers are threads of the kernel. */
export const daskCells: readonly EngineCell[] = [
	{
		name: 'dask_submit',
		engine: 'dask',
		source: `work.keep('dask_submit', client.gather([client.submit(work.task, 'dask_submit', n, pure=False) for n in range(TASKS)]))`,
	},
	{
		name: 'dask_map',
		engine: 'dask',
		source: `work.keep('dask_map', client.gather(client.map(functools.partial(work.task, 'dask_map'), range(TASKS), pure=False)))`,
	},
	{
		name: 'dask_delayed',
		engine: 'dask',
		source: `
graph = [dask.delayed(work.task)('dask_delayed', n, dask_key_name=('t x/é', n)) for n in range(TASKS)]
work.keep('dask_delayed', dask.compute(*graph), (f"('t x/é', {n})" for n in range(TASKS)))`,
	},
	{
		name: 'dask_coroutine',
		engine: 'dask',
		source: `work.keep('dask_coroutine', client.gather([client.submit(work.coroutine, 'dask_coroutine', n, pure=False) for n in range(TASKS)]))`,
	},
	{
		name: 'dask_threads',
		engine: 'dask',
		source: `
with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None, processes=False) as inside, Client(inside) as other:
    work.keep('dask_threads', other.gather(other.map(functools.partial(work.task, 'dask_threads'), range(TASKS), pure=False)))`,
	},
	// The worker ends with the task, Dask starts another, and the task runs again.
	{
		name: 'dask_again',
		engine: 'dask',
		tasks: 0,
		source: `
assert client.submit(work.ends_its_worker, 1, pure=False).result() == 1
work.keep('dask_again', [])`,
	},
];

const pools: EngineKind = {
	environment: 'engines',
	cells,
	first: (hows: readonly string[]) => `
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from joblib import Parallel, delayed
pools = {how: multiprocessing.get_context(how).Pool(WORKERS) for how in ${JSON.stringify(hows)}}
threads = ThreadPoolExecutor(WORKERS)
list(threads.map(int, range(WORKERS)))`,
	last: `
for pool in pools.values(): pool.close(); pool.join()
threads.shutdown()`,
};

const clusters: EngineKind = {
	environment: 'engines',
	cells: daskCells,
	first: () => `
import dask
from distributed import Client, LocalCluster
cluster = LocalCluster(n_workers=WORKERS, threads_per_worker=2, dashboard_address=None)
client = Client(cluster)`,
	last: 'client.close(); cluster.close()',
};

/** The engines of which the stories tell. */
export const kinds = { pools, dask: clusters, parsl, ipyparallel, ray };

export interface EngineRun {
	readonly document: AuditDocument;
	readonly tables: Tables;
	readonly folder: string;
	/** Of each engine that was asked, its cell. */
	readonly cells: readonly (EngineCell & { readonly cell: number; readonly tasks: number })[];
}

/** Audits a notebook that gives tasks to these engines, each in a cell of its own; the pools, or the cluster, are made in the first. */
export async function auditEngines(
	place: Place,
	o: {
		readonly of: keyof typeof kinds;
		readonly names: readonly string[] | 'all';
		readonly tasks: number;
		readonly workers: number;
		/** Another one than the engine's own. */
		readonly environment?: Environment;
	},
): Promise<EngineRun> {
	const kind = kinds[o.of];
	const chosen = kind.cells.filter(({ name }) => o.names === 'all' || o.names.includes(name));
	const asked = chosen.map((cell, at) => ({ ...cell, cell: at + 2, tasks: cell.tasks ?? o.tasks }));
	const notebook = place.copy('engines/engines.ipynb');
	const folder = dirname(notebook);
	writeFiles(folder, asked);
	const hows = ['fork', 'spawn', 'forkserver'].filter((how) => asked.some(({ source }) => source.includes(`pools['${how}']`)));
	const first = `import functools, work\nTASKS, WORKERS = ${o.tasks}, ${o.workers}${kind.first(hows)}`;
	inlineNotebook({ folder }, 'engines.ipynb', [first, ...asked.map(({ source }) => source), kind.last]);
	// Engines start their parts as commands of the environment, which is active as for any user of theirs.
	const python = pythonOf(o.environment ?? kind.environment);
	const env = { PATH: `${dirname(python)}:${process.env['PATH'] ?? ''}` };
	const said = await place.cellar(['audit', notebook, '--python', python, '--json'], { env });
	expect(said.code, `${said.stderr}${raisedIn(said)}`).toBe(0);
	const document = said.json();
	return { document, tables: await readTables(document.directory), folder, cells: asked };
}

/** Where the agent is to be seen in what Cellar tells; nowhere but in the run's own account of it. */
export function tracesOfAgent({ document, tables }: EngineRun): string[] {
	const everything = JSON.stringify([document, tables]).replace(JSON.stringify({ agent: agentFolder }).slice(1, -1), '');
	return everything.match(new RegExp(`.{0,80}${agentFolder}.{0,80}`, 'g')) ?? [];
}

/** What a cell raised, for the message of a test that fails. */
export function raisedIn(said: Said): string {
	const { directory } = said.json();
	const told = readFileSync(join(directory, 'executed.ipynb'), 'utf8');
	return /"traceback": \[[^\]]*/.exec(told)?.[0] ?? '';
}

export function writeFiles(folder: string, asked: EngineRun['cells']): void {
	mkdirSync(join(folder, 'data'));
	for (const { name, tasks } of asked) {
		for (let n = 0; n < tasks; n++) {
			for (const way of ['', ...waysOf(n)]) writeFileSync(join(folder, 'data', `${name}-${n}${way}.txt`), 'x');
			if (n % 20 === 7) writeFileSync(join(folder, `extra_${name}_${n}.py`), '');
		}
	}
}

function waysOf(n: number): string[] {
	return n % 10 === 0 ? ['-child'] : n % 10 === 3 ? ['-thread'] : n % 10 === 5 ? ['-library'] : [];
}

interface Told {
	readonly n: number;
	readonly pid: number;
	readonly thread: number;
	readonly imported: string | null;
	readonly first: string | null;
	readonly number: string | number | null;
}

/**
 * Holds what was attributed against what the engine and the tasks said of themselves.
 *
 * @returns one line for each access that is in a wrong task, and for each that is in none
 */
export function faultsOf({ tables: { facts }, folder, cells }: EngineRun): string[] {
	const faults: string[] = [];
	const byAttempt = new Map(facts.tasks.flatMap((task) => task.attempts.map(({ attempt }) => [attempt, task] as const)));
	const pids = new Map(facts.processes.map(({ ordinal, pid }) => [ordinal, pid]));
	const reads = new Map<string, Access[]>();
	for (const access of facts.accesses) {
		if (access.how === 'read') reads.set(access.path, [...(reads.get(access.path) ?? []), access]);
	}
	for (const { name, cell, tasks, engine } of cells) {
		const truth = JSON.parse(readFileSync(join(folder, `truth-${name}.json`), 'utf8')) as Told[]; // our own program's
		if (truth.length !== tasks) faults.push(`${name}: ${truth.length} of ${tasks} tasks came back`);
		const taken = new Set<TaskFact>();
		for (const told of truth) {
			const uses = ['', ...waysOf(told.n)].flatMap((way) => {
				const found = reads.get(join(folder, 'data', `${name}-${told.n}${way}.txt`)) ?? [];
				if (found.length !== 1) faults.push(`${name} ${told.n}${way}: ${found.length} reads`);
				return found;
			});
			const extra = told.imported === null ? [] : importsOf(facts.accesses, folder, told.imported);
			if (told.imported !== null && extra.length === 0) faults.push(`${name} ${told.n}: no import`);
			if (told.first !== null) extra.push(...startOf(facts.accesses, told.first, pids, told.pid));
			const fact = uses[0]?.task == null ? undefined : byAttempt.get(uses[0].task);
			if (fact === undefined) {
				faults.push(`${name} ${told.n}: no task`);
				continue;
			}
			if (taken.has(fact)) faults.push(`${name} ${told.n}: two tasks are one`);
			taken.add(fact);
			for (const use of [...uses, ...extra]) {
				if (use.task !== uses[0]!.task) faults.push(`${name} ${told.n}: ${use.path} is of task ${use.task}`);
				if (use.cell !== cell) faults.push(`${name} ${told.n}: ${use.path} is of cell ${use.cell}`);
			}
			const [attempt] = fact.attempts;
			if (pids.get(attempt!.process) !== told.pid) faults.push(`${name} ${told.n}: another process`);
			if (pids.get(attempt!.thread) !== told.thread) faults.push(`${name} ${told.n}: another thread`);
			if (fact.engine !== engine || fact.submitted?.cell !== cell) faults.push(`${name} ${told.n}: ${JSON.stringify(fact)}`);
			if (told.number !== null && !fact.engineId.endsWith(`.${told.number}`))
				faults.push(`${name} ${told.n} is ${fact.engineId}`);
		}
	}
	return faults;
}

/** Whoever in a process read a package's own module read it for all. */
function startOf(accesses: readonly Access[], name: string, pids: ReadonlyMap<number, number>, pid: number): Access[] {
	const start = new RegExp(`/site-packages/${name}/(__pycache__/)?__init__\\.[^/]+$`);
	return accesses.filter((access) => access.how === 'read' && pids.get(access.process) === pid && start.test(access.path));
}

function importsOf(accesses: readonly Access[], folder: string, module: string): Access[] {
	return accesses.filter(({ path, how }) => path === join(folder, `${module}.py`) && how === 'read');
}
