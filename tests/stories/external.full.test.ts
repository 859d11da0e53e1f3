import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readRun, readTables } from '../../core/src/store/index.ts';
import { makePlace, pythonOf } from './cellar.ts';
import { daskCells, faultsOf, writeFiles } from './engines.ts';
import { auditExternal, processesIn, runUnderWay, until } from './external.ts';
import { inlineNotebook } from './inline.ts';

const names = ['dask_submit', 'dask_map', 'dask_delayed', 'dask_coroutine'];

test.each([5, 10])(
	'200 tasks of each kind on %i Dask workers with logs of their own: none in a wrong task, none lost',
	async (workers) => {
		using place = makePlace();
		const run = await auditExternal(place, { names, tasks: 200, workers });
		expect(faultsOf(run)).toEqual([]);
		expect(run.workers.map(({ code }) => code)).toEqual(Array(workers).fill(0));
		expect(run.document.warnings).toEqual([]);
		expect(run.document.workers.map(({ engine }) => engine)).toEqual(Array(workers).fill('dask'));
		expect(run.document.workers.reduce((sum, worker) => sum + (worker.tasks ?? 0), 0)).toBe(4 * 200);
	},
);

test.each([
	['closes its cluster', 'client.close(); cluster.close()'],
	['leaves it open', 'None'],
])('--engine dask starts workers for the scheduler of a notebook that %s, and they end with it', async (_, last) => {
	using place = makePlace();
	const notebook = place.copy('engines/engines.ipynb');
	const folder = dirname(notebook);
	const cells = daskCells.filter(({ name }) => names.includes(name)).map((cell, at) => ({ ...cell, cell: at + 2, tasks: 50 }));
	writeFiles(folder, cells);
	const first = `
import functools, work, dask
from distributed import Client, LocalCluster
TASKS, WORKERS = 50, 5
cluster = LocalCluster(n_workers=0, dashboard_address=None)
client = Client(cluster)
client.wait_for_workers(WORKERS)`;
	inlineNotebook({ folder }, 'engines.ipynb', [first, ...cells.map(({ source }) => source), last]);
	const said = await place.cellar([
		'audit',
		notebook,
		'--python',
		pythonOf('engines'),
		'--engine',
		'dask',
		'--workers',
		'5',
		'--json',
	]);
	expect(said.code, said.stderr).toBe(0);
	expect(processesIn(place.folder)).toEqual([]);
	const document = said.json();
	expect(document.warnings).toEqual([]);
	expect(document.workers.map(({ engine }) => engine)).toEqual(Array(5).fill('dask'));
	expect(faultsOf({ document, tables: await readTables(document.directory), folder, cells })).toEqual([]);
});

test('where Cellar is killed, its workers end with the notebook, and the run has what their logs tell', async () => {
	using place = makePlace();
	const source = `
from distributed import Client, LocalCluster
cluster = LocalCluster(n_workers=0, dashboard_address=None)
client = Client(cluster)
client.wait_for_workers(2)
open('ready', 'w').close()
import time; time.sleep(600)`;
	const notebook = inlineNotebook(place, 'killed.ipynb', [source]);
	const audit = place.start(['audit', notebook, '--python', pythonOf('engines'), '--engine', 'dask', '--workers', '2']);
	await until(() => existsSync(join(place.folder, 'ready')));
	expect(processesIn(place.folder).length).toBeGreaterThan(4);
	process.kill(audit.pid, 'SIGKILL');
	await audit.ended;
	await sleep(10_000);
	expect(processesIn(place.folder)).toEqual([]);
	const deps = (await place.cellar(['deps', '--for', 'workers', '--json'])).json<{ software: readonly { name: string }[] }>();
	expect(deps.software.map(({ name }) => name)).toContain('distributed');
	const { workers, warnings } = await readRun(await runUnderWay(place));
	expect(workers.map(({ engine }) => engine)).toEqual(['dask', 'dask']);
	expect(warnings.map(({ code }) => code)).toEqual(['CELLAR_WORKER_LOST', 'CELLAR_WORKER_LOST']);
});

test('what one worker used and no other did is shown apart', async () => {
	using place = makePlace();
	const cells = [
		`
from distributed import Client, LocalCluster
cluster = LocalCluster(n_workers=0, dashboard_address=':0')
client = Client(cluster)
client.wait_for_workers(3)`,
		`
def work(n):
    if n == 4: import pygments.lexers
    return n
print(client.gather(client.map(work, range(9))))`,
	];
	const notebook = inlineNotebook(place, 'alone.ipynb', cells);
	const audit = ['audit', notebook, '--python', pythonOf('engines'), '--engine', 'dask', '--workers', '3'];
	expect(await place.cellar(audit)).toMatchObject({ code: 0 });
	const page = (await place.cellar(['deps', '--for', 'workers'])).stdout;
	expect(page).toMatch(/^Of one worker alone, of 3\n(?: {2}w\d .*\n)*? {2}w\d +(?:.*, )?Pygments \d/m);
	expect((await place.cellar(['deps'])).stdout).not.toContain('Of one worker alone');
});

test('where nothing that the notebook started is a manager, no worker is started, and that is said', async () => {
	using place = makePlace();
	const source = `import http.server, threading
server = http.server.HTTPServer(('127.0.0.1', 0), http.server.BaseHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
import time; time.sleep(3)`;
	const notebook = inlineNotebook(place, 'alone.ipynb', [source]);
	const said = await place.cellar([
		'audit',
		notebook,
		'--python',
		pythonOf('engines'),
		'--engine',
		'dask',
		'--workers',
		'2',
		'--json',
	]);
	expect(said.json().warnings.map(({ code }) => code)).toEqual(['CELLAR_NO_MANAGER']);
	expect(said.json().workers).toEqual([]);
});

test('where a worker that nobody audited takes tasks too, it is told how many were not seen to run', async () => {
	using place = makePlace();
	const run = await auditExternal(place, { names: ['dask_submit', 'dask_map'], tasks: 60, workers: 3, unaudited: 1 });
	// A worker is told by its process in what every task gave back.
	const told = ['dask_submit', 'dask_map'].flatMap(
		(name) => JSON.parse(readFileSync(join(run.folder, `truth-${name}.json`), 'utf8')) as { readonly pid: number }[], // our own notebook's
	);
	const audited = new Set(run.tables.facts.processes.map(({ pid }) => pid));
	const unseen = told.filter(({ pid }) => !audited.has(pid)).length;
	expect(unseen).toBeGreaterThan(0);
	expect(run.document.workers).toHaveLength(2);
	expect(run.document.warnings.map(({ code, message }) => [code, message.split(':', 1)[0]])).toEqual([
		['CELLAR_TASKS_UNSEEN', `${unseen} of 120 tasks that were handed to dask were not seen to run`],
	]);
});

test('what Dask and Parsl need not run again is not missed; what was cancelled is told as one possibility', async () => {
	using place = makePlace();
	const dask = inlineNotebook(place, 'dask.ipynb', [
		`
from distributed import Client, LocalCluster
from operator import add
cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
client = Client(cluster)
assert client.gather([client.submit(add, 1, 2) for _ in range(2)] + client.map(abs, [-1, -1])) == [3, 3, 1, 1]`,
		`
import dask
one = dask.delayed(add)(1, 3).persist()
assert dask.compute(one, dask.delayed(add)(one, 1)) == (4, 5)
client.close(); cluster.close()`,
	]);
	const seen = (await place.cellar(['audit', dask, '--python', pythonOf('engines'), '--json'])).json();
	expect([seen.status, seen.warnings]).toEqual(['finished', []]);

	const parsl = inlineNotebook(place, 'parsl.ipynb', [
		`
import parsl
from parsl.config import Config
from parsl.executors import HighThroughputExecutor, ThreadPoolExecutor
from parsl.providers import LocalProvider
provider = LocalProvider(init_blocks=1, max_blocks=1)
executors = [HighThroughputExecutor(label='htex', max_workers_per_node=2, cores_per_worker=0.1, address='127.0.0.1', provider=provider)]
flow = parsl.load(Config(executors=[*executors, ThreadPoolExecutor(label='threads')], strategy='none'))
@parsl.python_app(cache=True, executors=['htex'])
def twice(n): return 2 * n
@parsl.python_app(executors=['threads'])
def here(n): return n
@parsl.python_app(executors=['htex'])
def fails(): raise ValueError
assert [twice(1).result(), twice(1).result(), here(3).result()] == [2, 2, 3]
assert twice(fails()).exception() is not None
flow.cleanup(); parsl.clear()`,
	]);
	const env = { PATH: `${dirname(pythonOf('engines-parsl'))}:${process.env['PATH'] ?? ''}` };
	const other = (await place.cellar(['audit', parsl, '--python', pythonOf('engines-parsl'), '--json'], { env })).json();
	expect([other.status, other.warnings]).toEqual(['finished', []]);
	const { facts } = await readTables(other.directory);
	// What was answered from memory, what a thread of the kernel ran as its own task, and what had an argument that failed.
	expect(facts.tasks.filter(({ attempts }) => attempts.length === 0).map((task) => task.function)).toEqual([
		'twice',
		'here',
		'twice',
	]);

	const cancelled = inlineNotebook(place, 'cancelled.ipynb', [
		`
from distributed import Client, LocalCluster
import time
cluster = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)
client = Client(cluster)
first = client.submit(time.sleep, 3, pure=False)
others = [client.submit(time.sleep, 9, pure=False) for _ in range(2)]
time.sleep(1)
client.cancel(others)
first.result()
client.close(); cluster.close()`,
	]);
	const told = (await place.cellar(['audit', cancelled, '--python', pythonOf('engines'), '--json'])).json();
	expect(told.warnings.map(({ code, message }) => [code, message.split(',', 1)[0]])).toEqual([
		['CELLAR_TASKS_UNSEEN', '2 of 3 tasks that were handed to dask were not seen to run: they were cancelled'],
	]);
});

interface Use {
	readonly version: string;
	readonly manager: boolean;
	readonly workers: readonly string[];
	readonly tasks: readonly string[];
}

test('where one worker is in another environment, the versions that differ are told with the workers and the tasks', async () => {
	using place = makePlace();
	const run = await auditExternal(place, {
		...{ names: [], tasks: 0, workers: 3 },
		more: [
			'import json, joblib, toolz',
			`
where = list(client.scheduler_info()['workers']) * 2
versions = client.gather([client.submit(work.version, 'joblib', n, workers=[to], pure=False) for n, to in enumerate(where)])
with open('versions.json', 'w') as file: json.dump(versions, file)`,
		],
		python: (worker) => pythonOf(worker === 2 ? 'engines-older' : 'engines'),
	});
	// What the tasks said, in the order of their submission, and the workers that ran them.
	const versions = JSON.parse(readFileSync(join(run.folder, 'versions.json'), 'utf8')) as string[]; // our own notebook's
	expect(versions.toSorted()).toEqual(['1.5.3', '1.5.3', '1.6.0', '1.6.0', '1.6.0', '1.6.0']);
	const { tasks } = run.tables.facts;
	const workersOf = (version: string) =>
		[...new Set(versions.flatMap((one, at) => (one === version ? [tasks[at]!.attempts[0]!.worker!] : [])))].toSorted();
	// Only the first task of a worker loads it; another one finds it loaded.
	const workers = tasks.map(({ attempts }) => attempts[0]!.worker);
	const firstOf = (version: string) =>
		tasks
			.filter((_, at) => versions[at] === version && workers.indexOf(workers[at]!) === at)
			.map(({ attempts }) => attempts[0]!.attempt);
	const [older] = workersOf('1.5.3');
	const { differences } = run.deps.json<{ differences: readonly { name: string; versions: readonly Use[] }[] }>();
	expect(differences.map(({ name, versions }) => ({ name, versions }))).toEqual([
		{
			name: 'joblib',
			versions: [
				{ version: '1.6.0', manager: true, workers: workersOf('1.6.0'), tasks: firstOf('1.6.0') },
				{ version: '1.5.3', manager: false, workers: [older], tasks: firstOf('1.5.3') },
			],
		},
		// Dask loads it itself, before any task.
		{
			name: 'toolz',
			versions: [
				{ version: '1.2.0', manager: true, workers: workersOf('1.6.0'), tasks: [] },
				{ version: '1.1.0', manager: false, workers: [older], tasks: [] },
			],
		},
	]);
	const [first, second] = firstOf('1.6.0').map((attempt) => Number.parseInt(attempt, 10));
	const others = workersOf('1.6.0').join(', ');
	for (const line of [
		`joblib is 1.6.0 in the manager and ${others} (tasks ${first}, ${second}) and 1.5.3 in ${older} (task ${Number.parseInt(firstOf('1.5.3')[0]!, 10)})`,
		`toolz is 1.2.0 in the manager and ${others} and 1.1.0 in ${older}`,
	])
		expect(run.deps.stderr).toContain(`${line}  CELLAR_VERSIONS_DIFFER`);

	// A person has them side by side: of what is the same in both environments there is one line.
	const page = (await place.cellar(['deps'])).stdout;
	const [both, , workersOnly] = ['both', 'manager only', 'workers only'].map((side) =>
		new RegExp(`^  ${side} (.*\n( {6,}.*\n)*)`, 'm').exec(page)![1]!.replaceAll(/\s+/g, ' '),
	);
	expect(both).toContain('joblib 1.6.0 (!), ');
	expect(both).toContain('distributed 2026.8.0, ');
	expect(workersOnly).toContain(`joblib 1.5.3 (!) (${older})`);
	expect(workersOnly).not.toContain('distributed');
	expect(page.match(/\bclick 8\S+/g)).toHaveLength(2);
});

test('a Parsl executor whose workers are in another environment: the versions that differ are told with the tasks', async () => {
	using place = makePlace();
	const older = dirname(pythonOf('engines-older'));
	const notebook = inlineNotebook(place, 'parsl.ipynb', [
		`
import parsl, toolz
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider
def executor(label, **options):
    provider = LocalProvider(init_blocks=1, max_blocks=1, **options)
    return HighThroughputExecutor(label=label, max_workers_per_node=1, cores_per_worker=0.1, address='127.0.0.1', provider=provider)
own, other = executor('own'), executor('other', worker_init='export PATH=${older}:$PATH')
flow = parsl.load(Config(executors=[own, other], strategy='none'))
def version():
    import toolz
    return toolz.__version__
apps = [parsl.python_app(version, executors=[label]) for label in ('own', 'other')]`,
		"assert [app().result() for app in apps] == ['1.2.0', '1.1.0']",
		'flow.cleanup(); parsl.clear()',
	]);
	const env = { PATH: `${dirname(pythonOf('engines-parsl'))}:${process.env['PATH'] ?? ''}` };
	const said = await place.cellar(['audit', notebook, '--python', pythonOf('engines-parsl'), '--json'], { env });
	expect(said.code, said.stderr).toBe(0);
	const { facts } = await readTables(said.json().directory);
	const [[own, ownWorker], [other, otherWorker]] = facts.tasks.map(({ attempts: [one] }) => [one!.attempt, one!.worker]) as [
		[string, string],
		[string, string],
	]; // each ran once, on a worker of its own
	const deps = await place.cellar(['deps', '--json']);
	const { differences } = deps.json<{ differences: readonly { name: string; versions: readonly Use[] }[] }>();
	expect(differences).toEqual([
		{
			...{ name: 'toolz', ecosystem: 'pypi' },
			versions: [
				{ version: '1.2.0', manager: true, workers: [ownWorker], tasks: [own] },
				{ version: '1.1.0', manager: false, workers: [otherWorker], tasks: [other] },
			],
		},
	]);
	expect(deps.stderr).toContain(
		`toolz is 1.2.0 in the manager and ${ownWorker} (task 1) and 1.1.0 in ${otherWorker} (task 2)  CELLAR_VERSIONS_DIFFER`,
	);
});
