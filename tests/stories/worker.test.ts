import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { readTables } from '../../core/src/store/index.ts';
import { clone, makePlace, type ErrorDocument } from './cellar.ts';
import { letGo, openRun, startHeld } from './open-run.ts';

test('a worker keeps its streams and its exit code, and what it used is in the run, as its own', async () => {
	using place = makePlace();
	writeFileSync(join(place.folder, 'in.txt'), 'x');
	await using opened = await openRun(place);
	const { run, end } = opened;
	const said = await place.cellar(['worker', '--', 'sh', '-c', 'cat in.txt; echo made > out.txt; exit 7'], {
		env: { CELLAR_RUN: run },
	});
	expect([said.code, said.stdout, said.stderr]).toEqual([7, 'x', '']);
	const document = await end();
	expect(document.warnings).toEqual([]);
	expect(document.workers).toMatchObject([{ id: 'w1', engine: 'worker', tasks: null, log: expect.stringMatching(/-\d+-/) }]);
	const { facts, files } = await readTables(run);
	const read = facts.accesses.filter(({ path }) => path === join(place.folder, 'in.txt'));
	expect(read).toMatchObject([{ log: document.workers[0]!.log, worker: 'w1', how: 'read' }]);
	expect(files.find(({ path }) => path === join(place.folder, 'out.txt'))).toMatchObject({ existedBefore: false });
});

test('signals reach the worker itself, and the signal that ends it is told', async () => {
	using place = makePlace();
	await using opened = await openRun(place);
	const { run, end } = opened;
	const catches = `trap 'echo heard; exit 3' TERM; echo ready >&2; until false; do sleep 0.1; done`;
	const caught = place.start(['worker', '--run', run, '--', 'sh', '-c', catches]);
	await caught.said('ready');
	process.kill(caught.pid, 'SIGTERM');
	expect(await caught.ended).toMatchObject({ code: 3, stdout: 'heard\n' });
	const killed = place.start(['worker', '--run', run, '--', 'sh', '-c', 'echo ready >&2; exec sleep 60']);
	await killed.said('ready');
	process.kill(killed.pid, 'SIGINT');
	expect(await killed.ended).toMatchObject({ code: 130 });
	expect((await end()).workers.map(({ id }) => id)).toEqual(['w1', 'w2']);
});

test('of a worker that was killed, the run has what its log tells; of one that left nothing, that it is silent', async () => {
	using place = makePlace();
	writeFileSync(join(place.folder, 'in.txt'), 'x');
	await using opened = await openRun(place);
	const { run, end } = opened;
	const worker = place.start(['worker', '--run', run, '--', 'sh', '-c', 'cat in.txt >&2; echo ready >&2; exec sleep 60']);
	await worker.said('ready');
	process.kill(worker.pid, 'SIGKILL');
	await worker.ended;
	const [name] = readdirSync(join(run, 'workers'));
	const second = place.start(['worker', '--run', run, '--', 'sh', '-c', 'echo ready >&2; exec sleep 60']);
	await second.said('ready');
	const other = readdirSync(join(run, 'workers')).find((one) => one !== name)!;
	process.kill(second.pid, 'SIGKILL');
	await second.ended;
	rmSync(join(run, 'logs', `${other.slice(1, -4)}.strace`));
	const document = await end();
	expect(document.warnings.map(({ code }) => code).toSorted()).toEqual(['CELLAR_WORKER_LOST', 'CELLAR_WORKER_SILENT']);
	expect(document.workers).toMatchObject([{ id: 'w1', log: name!.slice(1, -4) }]);
	const { facts } = await readTables(run);
	expect(facts.accesses.filter(({ path }) => path.endsWith('/in.txt'))).toMatchObject([{ worker: 'w1' }]);
});

test('a worker that ends after its run is added when somebody asks, once, and the files of the run stay as they were told', async () => {
	using place = makePlace();
	writeFileSync(join(place.folder, 'in.txt'), 'x');
	await using opened = await openRun(place);
	const { run, end } = opened;
	const worker = await startHeld(place, run, 'cat in.txt');
	expect((await end()).warnings.map(({ code }) => code)).toEqual(['CELLAR_WORKER_RUNNING']);
	const before = await readTables(run);
	expect(before.facts.workers).toEqual([]);
	letGo(place);
	expect((await worker.ended).code).toBe(0);
	const asked = () => place.cellar(['deps', '--for', 'worker:w1', '--json']);
	const deps = (await asked()).json<{ data: readonly { relative: string | null; path: string }[] }>();
	expect(deps.data.map(({ path }) => path)).toContain(join(place.folder, 'in.txt'));
	const after = await readTables(run);
	expect(after.files.filter(({ path }) => before.files.some((file) => file.path === path))).toEqual(before.files);
	expect((await asked()).json()).toEqual(deps);
	expect((await readTables(run)).facts).toEqual(after.facts);
});

test('where cellar worker add is the first to ask, it says that the worker was added', async () => {
	using place = makePlace();
	await using opened = await openRun(place);
	const { run, end } = opened;
	const worker = await startHeld(place, run);
	await end();
	letGo(place);
	expect((await worker.ended).code).toBe(0);
	const [name] = readdirSync(join(run, 'workers'));
	const add = async () => (await place.cellar(['worker', 'add', 'latest'])).stdout.replaceAll(/ +/g, ' ');
	expect(await add()).toContain(`1 added to ${basename(run)}\n ${name} ${hostname()} added\n`);
	expect(await add()).toContain(`nothing was added to ${basename(run)}\n`);
});

test('under the tracer of a run, a worker is told by that run’s log, and what starts it is not seen', async () => {
	using place = makePlace();
	writeFileSync(join(place.folder, 'in.txt'), 'x');
	const cellar = join(clone, 'cli', 'bin', 'cellar.js');
	const words = ['worker', '--run', 'latest', '--', 'sh', '-c', 'cat in.txt; exit 5'];
	const said = await place.cellar(['audit', '--json', '--', process.execPath, cellar, ...words]);
	expect([said.code, said.stderr]).toEqual([3, expect.stringMatching(/^x/m)]);
	const { directory } = said.json();
	const { facts } = await readTables(directory);
	expect(facts.accesses.filter(({ path }) => path === join(place.folder, 'in.txt'))).toMatchObject([
		{ log: 'manager', how: 'read' },
	]);
	expect(facts.accesses.filter(({ path }) => path.startsWith(join(clone, 'core')))).toEqual([]);
	expect(facts.execs.map(({ path }) => basename(path))).toEqual(['sh', 'cat']);
	expect(readdirSync(directory)).not.toContain('workers');
});

test('what cannot be is said before anything has run', async () => {
	using place = makePlace();
	const asked = async (words: readonly string[]) => {
		const said = await place.cellar(words);
		return [said.code, said.json<ErrorDocument>().error.code];
	};
	expect(await asked(['worker', '--json', '--', 'true'])).toEqual([2, 'CELLAR_USAGE']);
	expect(await asked(['worker', '--json', '--run', 'latest', '--', 'true'])).toEqual([2, 'CELLAR_NO_SUCH_RUN']);
	await using opened = await openRun(place);
	const { run, end } = opened;
	expect(await asked(['worker', '--json', '--run', run, '--', 'no-such-program'])).toEqual([2, 'CELLAR_NO_SUCH_FILE']);
	await end();
	expect(readdirSync(run)).not.toContain('workers');
});
