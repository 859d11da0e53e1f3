import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Comparison, Dependencies } from '../../core/src/model/index.ts';
import { clone, makePlace, pythonOf, type AuditDocument, type Place } from './cellar.ts';
import { keepsTaskVine } from './repeated-workers.ts';
import { taskvine } from './taskvine.ts';

/** What is known of an example, written by hand before it was audited: `examples/NAME.truth.json`. */
interface Truth {
	readonly manager: Needs & { readonly direct: readonly string[] };
	readonly workers: Needs;
	readonly tasks: { readonly number: number; readonly function: string; readonly submitted: number; readonly workers: number };
}

interface Needs {
	/** Every Python distribution, by its version. */
	readonly software: Readonly<Record<string, string>>;
	readonly data: readonly { readonly path: string; readonly role: string; readonly cells: readonly number[] }[];
}

const examples = [
	{ name: 'climate-trend', cells: 7 },
	{ name: 'dimuon-spectrum', cells: 6 },
] as const;

describe.each(examples)('the example $name', ({ name, cells }) => {
	test('needs what was written down by hand, and repeats the same where nothing of the first run is in reach', async () => {
		const truth = truthOf(name);
		using place = makePlace();
		const notebook = copied(place, name);
		const said = await place.cellar(['audit', notebook, '--python', pythonOf(name), '--json']);
		expect(said.code, said.stderr).toBe(0);
		const audited = said.json();
		expect(audited.warnings).toEqual([]);
		expect(audited.cells.map((cell) => cell.status)).toEqual(Array.from({ length: cells }, () => 'finished'));

		const of = depsOf(place);
		await checkNeeds(truth, of);
		await checkTasks(truth, audited, of);

		const image = join(place.folder, 'example.oci.tar');
		const packed = await place.cellar(['pack', '-o', image, '--json']);
		expect(packed.code, packed.stderr).toBe(0);
		const comparison = repeated(place, image, [dirname(notebook), ...pythonFolders(name)]);
		expect(comparison.sandbox).toMatchObject({ network: false });
		const outputs = comparison.cells.flatMap((cell) => cell.outputs);
		expect(outputs.filter((output) => output.verdict !== 'same')).toEqual([]);
		expect([comparison.verdict, comparison.cells.length]).toEqual(['same', cells]);
		expect(comparison.files.map((file) => file.verdict)).toEqual(['same', 'same']);
	});
});

/**
 * Of the real TaskVine there are the manager's library and the workers. Its Python package is not on PyPI: tests/fixtures/taskvine
 * stands in for it, so what the package itself needs is not what is tested here.
 */
test('the example taskvine-convolution, by a stand-in for ndcctools: five workers that Cellar starts, what each part needs, and the same again', async () => {
	const truth = truthOf('taskvine-convolution');
	using place = makePlace();
	const notebook = copied(place, 'taskvine-convolution');
	const python = pythonOf('taskvine-convolution');
	const fixture = join(clone, 'tests/fixtures/taskvine');
	const path = [join(taskvine, 'bin'), dirname(python), process.env['PATH']].join(':');
	const started = ['--engine', 'taskvine', '--workers', '5', ...keepsTaskVine];
	const said = await place.cellar(['audit', notebook, '--python', python, ...started, '--json'], {
		env: { CELLAR_TASKVINE: taskvine, PYTHONPATH: fixture, PATH: path },
	});
	expect(said.code, said.stderr).toBe(0);
	const audited = said.json();
	expect(audited.warnings).toEqual([]);
	expect(audited.cells.map((cell) => cell.status)).toEqual(Array.from({ length: 7 }, () => 'finished'));
	expect(audited.workers.map(({ engine }) => engine)).toEqual(Array.from({ length: 5 }, () => 'taskvine'));

	// What stands in for conda's TaskVine is in no package: what the manager opens of it is told as data; with that apart there is what was written down.
	const isStandIn = ({ path }: { readonly path: string }) => [fixture, taskvine].some((one) => path.startsWith(`${one}/`));
	const of = depsOf(place);
	const standIn = async (part: string) => (await of(part)).data.filter(isStandIn).map(({ path }) => basename(path));
	expect((await standIn('manager')).toSorted()).toEqual(['libvine.so', 'ndcctools', 'wrapper.py']);
	expect(await standIn('workers')).toEqual([]);
	const local = async (part: string) =>
		(await of(part)).software.flatMap(({ ecosystem, name }) => (ecosystem === 'local' ? [name] : []));
	expect(await local('manager')).toEqual(['ndcctools']);
	expect(await local('workers')).toEqual(expect.arrayContaining(['vine_worker', 'libssl.so.3']));

	const without: DepsOf = async (part) => {
		const deps = await of(part);
		return { ...deps, data: deps.data.filter((item) => !isStandIn(item)) };
	};
	await checkNeeds(truth, without);
	await checkTasks(truth, audited, without);

	const image = join(place.folder, 'example.oci.tar');
	const packed = await place.cellar(['pack', '-o', image, '--json']);
	expect(packed.code, packed.stderr).toBe(0);
	const comparison = repeated(place, image, [dirname(notebook), ...pythonFolders('taskvine-convolution'), fixture, taskvine]);
	expect(comparison.sandbox).toMatchObject({ network: false, workers: { engine: 'taskvine', count: 5 } });
	const outputs = comparison.cells.flatMap((cell) => cell.outputs);
	expect(outputs.filter((output) => output.verdict !== 'same')).toEqual([]);
	expect([comparison.verdict, comparison.cells.length]).toEqual(['same', 7]);
	expect(comparison.files.map((file) => file.verdict)).toEqual(['same', 'same', 'same', 'same']);
});

const truthOf = (name: string) =>
	JSON.parse(readFileSync(join(import.meta.dirname, 'examples', `${name}.truth.json`), 'utf8')) as Truth; // ours

type DepsOf = (part: string) => Promise<Dependencies>;

const depsOf =
	(place: Place): DepsOf =>
	async (part) =>
		(await place.cellar(['deps', '--for', part, '--json'])).json<Dependencies>();

/** Manager and workers needed what was written down, and nothing else; several workers read the input. */
async function checkNeeds(truth: Truth, of: DepsOf): Promise<void> {
	const [manager, workers] = [await of('manager'), await of('workers')];
	expect(versionsOf(manager)).toEqual(truth.manager.software);
	expect(versionsOf(workers)).toEqual(truth.workers.software);
	expect(pythonic(manager).flatMap((item) => (item.direct ? [normal(item.name)] : []))).toEqual(truth.manager.direct);
	expect(dataOf(manager)).toEqual(dataOfTruth(truth, 'manager'));
	expect(dataOf(workers)).toEqual(dataOfTruth(truth, 'workers'));
	expect([...manager.unknown, ...workers.unknown]).toEqual([]);
	const readers = new Set(workers.data.flatMap((item) => item.workers));
	expect(readers.size).toBeGreaterThan(1);
	expect(readers.size).toBeLessThanOrEqual(truth.tasks.workers);
}

/** Each task is its own, in the cell that submitted it, and needed the one input. */
async function checkTasks({ tasks, workers }: Truth, audited: AuditDocument, of: DepsOf): Promise<void> {
	expect(audited.workers.map((worker) => worker.id)).toEqual(Array.from({ length: tasks.workers }, (_, at) => `w${at + 1}`));
	expect(audited.workers.reduce((sum, worker) => sum + (worker.tasks ?? 0), 0)).toBe(tasks.number);
	const [input] = (await of(`function:${tasks.function}`)).data;
	expect([input?.relative, input?.tasks.length]).toEqual([workers.data[0]!.path, tasks.number]);
	expect((await of('task:17')).data.map((item) => item.relative)).toEqual(workers.data.map((item) => item.path));
}

/** The example in a folder of its own, as a user would have it. */
function copied(place: Place, name: string): string {
	const folder = join(place.folder, name);
	mkdirSync(folder);
	for (const part of ['data', `${name}.ipynb`])
		cpSync(join(clone, 'examples', name, part), join(folder, part), { recursive: true });
	return join(folder, `${name}.ipynb`);
}

const normal = (name: string) => name.toLowerCase().replace(/[-_.]+/g, '-');
const pythonic = ({ software }: Dependencies) => software.filter((item) => item.ecosystem === 'pypi');
const versionsOf = (deps: Dependencies) => Object.fromEntries(pythonic(deps).map(({ name, version }) => [normal(name), version]));
const dataOf = ({ data }: Dependencies) => data.map(({ relative, role, cells }) => ({ path: relative, role, cells }));

/** What a part has, with the cells of all parts: a list of dependencies names every scope that used a thing. */
function dataOfTruth(truth: Truth, part: 'manager' | 'workers'): Needs['data'] {
	const all = [...truth.manager.data, ...truth.workers.data];
	return truth[part].data.map(({ path, role }) => {
		const cells = new Set(all.flatMap((item) => (item.path === path ? item.cells : [])));
		return { path, role, cells: [...cells].toSorted((a, b) => a - b) };
	});
}

/** The environment, and the standard library of the Python that it was made with. */
function pythonFolders(name: (typeof examples)[number]['name'] | 'taskvine-convolution'): string[] {
	const python = pythonOf(name);
	const standard = execFileSync(python, ['-c', 'import sysconfig; print(sysconfig.get_path("stdlib"))'], { encoding: 'utf8' });
	return [dirname(dirname(python)), standard.trim()];
}

/** Repeats an image where these folders are empty. */
function repeated(place: Place, image: string, hidden: readonly string[]): Comparison {
	const hide = 'while [ "$1" != -- ]; do mount -t tmpfs -o size=4k none "$1" || exit 9; shift; done; shift; exec "$@"';
	const cellar = [process.execPath, join(clone, 'cli', 'bin', 'cellar.js'), 'repeat', image, '--json'];
	const own = process.getuid?.() === 0 ? '-m' : '-Urm';
	const done = spawnSync('unshare', [own, 'sh', '-c', hide, 'sh', ...hidden, '--', ...cellar], {
		cwd: place.folder,
		encoding: 'utf8',
		env: { ...process.env, CELLAR_HOME: join(place.folder, 'elsewhere'), NO_COLOR: '1' },
	});
	// A difference ends with 1, and its document says where.
	expect([0, 1], done.stderr).toContain(done.status);
	return JSON.parse(done.stdout) as Comparison; // what it holds is what the test is about
}
