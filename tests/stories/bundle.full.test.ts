import {
	cpSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	truncateSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun, readTables } from '../../core/src/store/index.ts';
import { makePlace, pythonOf, type ErrorDocument, type Place } from './cellar.ts';
import { bundleThere, makeHost, poolOfTwo, workerThere, type Host } from './elsewhere.ts';
import { daskCells, faultsOf, writeFiles } from './engines.ts';
import { connect, daskWorker, runUnderWay, startScheduler, until } from './external.ts';
import { inlineNotebook } from './inline.ts';
import { openRun } from './open-run.ts';

interface Added {
	readonly added: readonly { readonly name: string }[];
	readonly known: readonly { readonly name: string }[];
	readonly open: readonly { readonly name: string; readonly host: string; readonly heard: string | null }[];
}

async function makeBundle(place: Place): Promise<string> {
	const bundle = join(place.folder, 'made bundle');
	const made = await place.cellar(['worker', 'bundle', '-o', bundle, '--run', 'latest', '--json']);
	expect(made.code, made.stderr).toBe(0);
	return bundle;
}

test('200 tasks of each kind on Dask’s workers of five hosts, two of which bring their reports back: none in a wrong task, none lost', async () => {
	using place = makePlace();
	const notebook = place.copy('engines/engines.ipynb');
	const folder = dirname(notebook);
	const names = ['dask_submit', 'dask_map', 'dask_delayed', 'dask_coroutine'];
	const cells = daskCells.filter(({ name }) => names.includes(name)).map((cell, at) => ({ ...cell, cell: at + 2, tasks: 200 }));
	writeFiles(folder, cells);
	const first = `TASKS, WORKERS = 200, 5${connect(5)}`;
	inlineNotebook({ folder }, 'engines.ipynb', [first, ...cells.map(({ source }) => source), 'client.shutdown()']);
	await using _scheduler = await startScheduler(folder);
	const audit = place.start(['audit', notebook, '--python', pythonOf('engines'), '--json']);
	const run = await runUnderWay(place);
	const bundle = await makeBundle(place);
	const venv = dirname(dirname(pythonOf('engines')));
	const hosts = Array.from({ length: 5 }, (_, at) => makeHost(place, `n${at}`));
	const isShared = (at: number) => at < 3;
	const workers = hosts.map((host, at) =>
		host.start([workerThere, ...(isShared(at) ? [] : ['--out', '/job/report']), '--', ...daskWorker()], {
			// Python's packages are linked to libraries of the system's.
			binds: {
				[bundleThere]: bundle,
				'/usr/lib': '/usr/lib',
				[venv]: venv,
				[folder]: folder,
				...(isShared(at) ? { [run]: run } : {}),
			},
			env: { HOME: '/job' },
			cwd: folder,
		}),
	);
	// The notebook waits for all of them: one that fails is told at once.
	for (const { ended } of workers) void ended.then(({ code }) => code !== 0 && process.kill(audit.pid, 'SIGINT'));
	const said = await audit.ended;
	const ended = await Promise.all(workers.map((worker) => worker.ended));
	expect(ended.map(({ code, stderr }) => (code === 0 ? '' : stderr))).toEqual(Array(5).fill(''));
	expect(said.code, said.stderr).toBe(0);
	const reports = hosts.filter((_, at) => !isShared(at)).map(({ work }) => join(work, 'report'));
	const added = await place.cellar(['worker', 'add', 'latest', ...reports, '--json']);
	expect(added.json<Added>()).toMatchObject({ added: [{}, {}], known: [], open: [] });
	const { workers: told, warnings } = await readRun(run);
	expect(warnings).toEqual([]);
	expect(told.map(({ host, engine }) => `${host} ${engine}`).toSorted()).toEqual(hosts.map(({ name }) => `${name} dask`));
	expect(told.reduce((sum, { tasks }) => sum + (tasks ?? 0), 0)).toBe(4 * 200);
	const document = { ...said.json(), workers: told, warnings };
	expect(faultsOf({ document, tables: await readTables(run), folder, cells })).toEqual([]);
});

/** Says when it has read its file, and goes on. */
const reads = ['sh', '-c', 'read x </job/in.txt; echo ready >/job/ready; while true; do sleep 1; done'];

async function powerFails(host: Host, binds: Record<string, string>, words: readonly string[]): Promise<void> {
	const worker = host.start([workerThere, ...words, '--', ...reads], { binds });
	const ended = worker.ended.then(({ stderr }) => stderr);
	const early = await Promise.race([ended, until(() => existsSync(join(host.work, 'ready')))]);
	expect(early, 'it ended before').toBeUndefined();
	worker.powerOff();
	await ended;
}

test('a host whose power fails: its worker is not taken for dead by anybody, until somebody says so; then what it left is told', async () => {
	using place = makePlace();
	await using opened = await openRun(place);
	const { run, end } = opened;
	const bundle = await makeBundle(place);
	const binds = { [bundleThere]: bundle };
	const [shared, alone] = [makeHost(place, 'n17'), makeHost(place, 'n18')];
	for (const { root } of [shared, alone]) cpSync(join(root, 'usr/bin/sh'), join(root, 'job/in.txt'));
	await powerFails(shared, { ...binds, [run]: run }, []);
	await powerFails(alone, binds, ['--out', '/job/report']);

	const document = await end();
	expect(document.warnings).toMatchObject([
		{ code: 'CELLAR_WORKER_RUNNING', message: expect.stringMatching(/ n17 .*last heard of at 20.*--ended HOST/) },
	]);
	const hidden = readdirSync(join(run, 'workers'))[0]!;
	const name = hidden.slice(1, -4);
	const add = async (...words: string[]) => (await place.cellar(['worker', 'add', 'latest', ...words, '--json'])).json<Added>();
	const soon = await add('--ended', 'n17');
	expect(soon.open, 'it was heard of a moment ago').toMatchObject([{ name, host: 'n17' }]);
	const longAgo = new Date(Date.now() - 600_000);
	for (const path of [join(run, 'workers', hidden, 'lock'), join(run, 'logs', `${name}.strace`)])
		utimesSync(path, longAgo, longAgo);
	expect((await place.cellar(['deps', '--json'])).code).toBe(0);
	expect(readdirSync(join(run, 'workers'))).toEqual([hidden]);
	const wrong = await place.cellar(['worker', 'add', 'latest', '--ended', 'n19', '--json']);
	expect([wrong.code, wrong.json<ErrorDocument>().error.code]).toEqual([2, 'CELLAR_NO_SUCH_WORKER']);
	expect(await add('--ended', 'n17')).toMatchObject({ added: [{ name, host: 'n17' }], open: [] });
	expect((await readRun(run)).warnings.map(({ code }) => code)).toEqual(['CELLAR_WORKER_LOST']);

	const report = join(alone.work, 'report');
	expect(await add(report)).toMatchObject({ added: [], open: [{ host: 'n18' }] });
	expect(await add(report, '--ended', 'all')).toMatchObject({ added: [{ host: 'n18' }], open: [] });
	expect(await add(report, '--ended', 'all')).toMatchObject({ added: [], known: [{}, {}].slice(1) });
	const { facts } = await readTables(run);
	expect(facts.accesses.filter(({ path, how }) => path === '/job/in.txt' && how === 'read').map(({ worker }) => worker)).toEqual([
		'w1',
		'w2',
	]);
});

test('what was brought back broken, or of another run, is refused and changes nothing; ten workers share a folder', async () => {
	using place = makePlace();
	await using opened = await openRun(place);
	const { run, end } = opened;
	const bundle = await makeBundle(place);
	const host = makeHost(place, 'n17');
	const start = (_: unknown, at: number) =>
		host.start([workerThere, '--', 'sh', '-c', `echo ${at} >${at}.txt`], { binds: { [bundleThere]: bundle } }).ended;
	expect((await Promise.all(Array.from({ length: 10 }, start))).map(({ code }) => code)).toEqual(Array(10).fill(0));
	await end();
	const report = join(host.work, `cellar-report-${run.split('/').at(-1)}`);
	const names = readdirSync(join(report, 'workers'));
	expect(names).toHaveLength(10);
	const before = await readTables(run);
	const refused = async (spoil: (copy: string) => void) => {
		const copy = join(place.folder, 'copy');
		cpSync(report, copy, { recursive: true });
		spoil(copy);
		const said = await place.cellar(['worker', 'add', 'latest', report, copy, '--json']);
		renameSync(copy, join(place.folder, `copy-${Math.random()}`));
		return [said.code, said.json<ErrorDocument>().error.code];
	};
	expect(await refused((copy) => truncateSync(join(copy, 'workers', names[3]!, 'processes.parquet'), 60))).toEqual([
		5,
		'CELLAR_REPORT_UNREADABLE',
	]);
	expect(await refused((copy) => truncateSync(join(copy, 'report.json'), 3))).toEqual([5, 'CELLAR_REPORT_UNREADABLE']);
	expect(await readTables(run)).toEqual(before);
	expect(readdirSync(join(run, 'workers'))).toEqual([]);
	const added = await place.cellar(['worker', 'add', 'latest', report, '--json']);
	expect(added.json<Added>().added).toHaveLength(10);
	expect((await readRun(run)).workers).toHaveLength(10);
});

test('where there is strace and no Node, scripts are enough: the log that they leave is read by who has Cellar', async () => {
	using place = makePlace();
	await using opened = await openRun(place);
	const { run, end } = opened;
	const bundle = join(place.folder, 'scripts');
	const made = await place.cellar(['worker', 'bundle', '-o', bundle, '--run', 'latest', '--without-node', '--json']);
	expect(made.json<{ bytes: number; node: null }>()).toMatchObject({
		node: null,
		bytes: expect.toSatisfy((bytes: number) => bytes < 200_000),
	});
	const host = makeHost(place, 'n17');
	writeFileSync(join(host.work, 'pool.py'), poolOfTwo);
	for (const n of [0, 1]) writeFileSync(join(host.work, `${n}.txt`), `${n}`);
	const binds = { [bundleThere]: bundle, '/usr': '/usr' };
	// The host goes on for as long as the scripts take to say that the worker has ended.
	const command = ['sh', '-c', '"$@"; code=$?; sleep 3; exit $code', 'sh', workerThere, '--', host.python, 'pool.py'];
	expect(host.run(command, { binds: { ...binds, [run]: run } })).toEqual({ code: 0, stdout: '0 1\n', stderr: '' });
	expect(host.run(command, { binds })).toEqual({ code: 0, stdout: '0 1\n', stderr: '' });
	const exits = host.run([workerThere, '--', 'sh', '-c', 'read x <0.txt; exit 7'], { binds });
	expect(exits).toEqual({ code: 7, stdout: '', stderr: '' });
	const document = await end();
	expect(document.warnings).toEqual([]);
	const report = join(host.work, `cellar-report-${run.split('/').at(-1)}`);
	const added = await place.cellar(['worker', 'add', 'latest', report, '--ended', 'all', '--json']);
	expect(added.json<Added>()).toMatchObject({ added: [{}, {}], open: [] });
	const { facts } = await readTables(run);
	expect(facts.tasks.map(({ engine, function: name }) => `${engine} ${name}`)).toEqual(Array(4).fill('pool task'));
	const reads = facts.accesses.filter(({ path, how }) => /^\/job\/[01]\.txt$/.test(path) && how === 'read');
	expect(reads.filter(({ task }) => task !== null)).toHaveLength(4);
	expect(reads).toHaveLength(5);
	expect(facts.accesses.filter(({ path }) => path.startsWith('/opt') || path.includes('.new'))).toEqual([]);
	const logs = readdirSync(join(run, 'logs'));
	expect(
		logs.every((name) => name.endsWith('.strace.gz')),
		logs.join(),
	).toBe(true);
});

test('where the loader could not look for its libraries, and on a machine of another kind, the bundle says so', async () => {
	using place = makePlace();
	await using opened = await openRun(place);
	const bundle = await makeBundle(place);
	const host = makeHost(place, 'n17');
	mkdirSync(join(host.root, 'opt/a:b'));
	const there = host.run(['/opt/a:b/cellar-worker', '--', 'true'], { binds: { '/opt/a:b': bundle } });
	expect(there).toMatchObject({ code: 4, stdout: '', stderr: expect.stringContaining('colon') });
	cpSync('/bin/echo', join(host.root, 'usr/bin/uname'));
	const other = host.run([workerThere, '--', 'true'], { binds: { [bundleThere]: bundle } });
	expect(other).toMatchObject({ code: 4, stdout: '', stderr: expect.stringContaining('this machine is -sm') });
	await opened.end();
});

test('what is there is not replaced by a bundle, and what cannot be is said', async () => {
	using place = makePlace();
	const asked = async (words: readonly string[], env = {}) => {
		const said = await place.cellar(['worker', 'bundle', '--json', ...words], { env });
		return [said.code, said.json<ErrorDocument>().error.code];
	};
	mkdirSync(join(place.folder, 'full'));
	writeFileSync(join(place.folder, 'full/mine'), '');
	expect(await asked(['-o', 'full'])).toEqual([2, 'CELLAR_USAGE']);
	expect(await asked(['-o', 'no/where'])).toEqual([2, 'CELLAR_NO_SUCH_FILE']);
	expect(await asked(['-o', 'b', '--run', 'latest'])).toEqual([2, 'CELLAR_NO_SUCH_RUN']);
	expect(await asked(['-o', 'b'], { PATH: '/nowhere' })).toEqual([4, 'CELLAR_NO_TRACER']);
	// Where the jobs of every run look for one.
	mkdirSync(join(place.home, 'bundle'), { recursive: true });
	writeFileSync(join(place.home, 'bundle/mine'), '');
	expect(await asked([])).toEqual([2, 'CELLAR_USAGE']);
	expect(await asked(['--run', 'latest'])).toEqual([2, 'CELLAR_USAGE']);
	expect(readFileSync(join(place.folder, 'full/mine'), 'utf8')).toBe('');
	expect([existsSync(join(place.folder, 'b')), readdirSync(place.folder).toSorted()]).toEqual([false, ['full', 'home']]);
});
