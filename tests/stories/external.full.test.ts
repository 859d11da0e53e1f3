import { existsSync, readdirSync } from 'node:fs';
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

// A second task of the same worker finds it loaded.
test('a version that differs between manager and worker is told with both, the worker, and the task that loaded it', async () => {
	using place = makePlace();
	const older = join(dirname(dirname(pythonOf('engines-older'))), 'lib');
	const [python] = readdirSync(older);
	const run = await auditExternal(place, {
		...{ names: [], tasks: 0, workers: 2 },
		more: [
			'import joblib',
			`client.gather([client.submit(work.version, 'joblib', n, workers=[to], pure=False) for n in range(2) for to in client.scheduler_info()['workers']])`,
		],
		environment: (worker) => (worker === 0 ? {} : { PYTHONPATH: join(older, python!, 'site-packages') }),
	});
	const deps = run.deps.json<{ differences: readonly object[] }>();
	expect(deps.differences).toMatchObject([
		{
			name: 'joblib',
			versions: [
				{ version: '1.6.0', manager: true },
				{
					version: '1.5.3',
					manager: false,
					workers: [expect.stringMatching(/^w[12]$/)],
					tasks: [expect.stringMatching(/^\d\.\d$/)],
				},
			],
		},
	]);
	expect(run.deps.stderr).toContain('CELLAR_VERSIONS_DIFFER');
});
