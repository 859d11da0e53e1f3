import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Comparison, Dependencies } from '../../core/src/model/index.ts';
import { clone, makePlace, pythonOf, type AuditDocument, type Place } from './cellar.ts';

const example = join(clone, 'examples', 'image-convolution');
let place: Place;
let notebook: string;
let audited: AuditDocument;
let deps: Dependencies;

/** The example in a folder of its own, as a user would have it. */
function copied(name: string): string {
	const folder = join(place.folder, name);
	mkdirSync(folder);
	cpSync(join(example, 'data'), join(folder, 'data'), { recursive: true });
	cpSync(join(example, 'image-convolution.ipynb'), join(folder, 'image-convolution.ipynb'));
	return join(folder, 'image-convolution.ipynb');
}

beforeAll(async () => {
	place = makePlace();
	notebook = copied('audited');
	const said = await place.cellar(['audit', notebook, '--python', pythonOf('image-convolution'), '--json']);
	expect(said.code, said.stderr).toBe(0);
	audited = said.json();
	deps = (await place.cellar(['deps', '--json'])).json<Dependencies>();
}, 600_000);
afterAll(() => place[Symbol.dispose]());

/** Distributions of which a module was loaded at the end of an unaudited run, as Python itself says. */
function loadedUnaudited(): string[] {
	const path = copied('unaudited');
	const source = [
		'import importlib.metadata, json, sys',
		'tops = {name.split(".")[0] for name in list(sys.modules)}',
		'owners = importlib.metadata.packages_distributions()',
		'print(json.dumps(sorted({owner for top in tops for owner in owners.get(top, [])})))',
	].join('\n');
	const document = JSON.parse(readFileSync(path, 'utf8')) as { cells: object[] }; // our own notebook
	document.cells.push({ cell_type: 'code', execution_count: null, id: 'loaded', metadata: {}, outputs: [], source });
	writeFileSync(path, JSON.stringify(document));
	const kernels = join(place.folder, 'jupyter', 'kernels', 'example');
	mkdirSync(kernels, { recursive: true });
	const argv = [pythonOf('image-convolution'), '-m', 'ipykernel_launcher', '-f', '{connection_file}'];
	writeFileSync(join(kernels, 'kernel.json'), JSON.stringify({ argv, display_name: 'example', language: 'python' }));
	const jupyter = join(clone, '.cache', 'venv', 'kernel', 'bin', 'jupyter');
	execFileSync(jupyter, ['execute', '--inplace', '--kernel_name=example', path], {
		env: { ...process.env, JUPYTER_PATH: join(place.folder, 'jupyter') },
		stdio: 'pipe',
	});
	const executed = JSON.parse(readFileSync(path, 'utf8')) as { cells: { outputs: { text: string[] }[] }[] }; // nbformat's
	return JSON.parse(executed.cells.at(-1)!.outputs[0]!.text.join('')) as string[]; // what the cell above printed
}

const normal = (name: string) => name.toLowerCase().replace(/[-_.]+/g, '-');

test(
	'the example needs exactly the distributions that an unaudited run had loaded, in the versions that pip lists',
	{ timeout: 600_000 },
	() => {
		const listed = execFileSync(pythonOf('image-convolution'), ['-m', 'pip', 'list', '--format', 'json'], { encoding: 'utf8' });
		const versions = new Map(
			(JSON.parse(listed) as { name: string; version: string }[]).map(({ name, version }) => [normal(name), version]),
		); // pip's
		const found = deps.software.filter((item) => item.ecosystem === 'pypi');
		expect(found.map((item) => normal(item.name)).sort()).toEqual(loadedUnaudited().map(normal).sort());
		for (const item of found) expect([item.name, item.version]).toEqual([item.name, versions.get(normal(item.name))]);
		const direct = found.filter((item) => item.direct).map((item) => item.name);
		expect(direct).toEqual(['matplotlib', 'numpy', 'pandas', 'pillow', 'scipy']);
	},
);

test('its photograph is the only input, its pictures are the outputs, and nothing is unknown', () => {
	const byRole = (role: string) => deps.data.filter((item) => item.role === role).map((item) => item.relative);
	expect(byRole('input')).toEqual(['data/earth-blue-marble.jpg']);
	expect(byRole('output')).toEqual(['results/blur.png', 'results/edges.png', 'results/relief.png', 'results/sharpen.png']);
	expect([...byRole('intermediate'), ...byRole('updated')]).toEqual([]);
	expect(deps.unknown).toEqual([]);
});

test('what is set aside has a reason each: the connection file, what the kernel of the system makes up, its configuration', () => {
	expect(deps.setAside.every((item) => item.reason !== '')).toBe(true);
	const as = (fits: (path: string) => boolean) => new Set(deps.setAside.filter((item) => fits(item.path)).map((item) => item.as));
	expect(as((path) => path.startsWith('/proc/'))).toEqual(new Set(['system']));
	expect(as((path) => /kernel-.*\.json$/.test(path))).toEqual(new Set(['runtime']));
	expect(deps.data.some((item) => item.path.startsWith('/etc/') || item.path.includes('__pycache__'))).toBe(false);
});

test('its five pool processes are workers, with what they loaded themselves and what they were born with', async () => {
	expect(audited.workers.map((worker) => [worker.id, worker.engine])).toEqual(
		['w1', 'w2', 'w3', 'w4', 'w5'].map((id) => [id, 'futures']),
	);
	const worker = (await place.cellar(['deps', '--for', 'worker:w3', '--json'])).json<Dependencies>();
	expect(worker.software.map((item) => item.name)).toEqual(expect.arrayContaining(['numpy', 'scipy', 'python']));
	expect(worker.data.filter((item) => item.role === 'output')).toEqual([]);
	const wrong = await place.cellar(['deps', '--for', 'worker:w9', '--json']);
	expect(wrong.code).toBe(2);
});

test('explain says of a package and of the photograph what led there', async () => {
	const numpy = (await place.cellar(['explain', 'numpy', '--json'])).json<{ verdict: string; chain: string[] }>();
	expect(numpy).toMatchObject({ verdict: 'software', chain: ['cell 1', 'import numpy'] });
	const photograph = (
		await place.cellar(['explain', join(place.folder, 'audited', 'data', 'earth-blue-marble.jpg'), '--json'])
	).json<object>();
	expect(photograph).toMatchObject({ verdict: 'input', chain: ['cell 1', 'this file'] });
});

test(
	'its image holds enough: repeated elsewhere every cell and every file is the same, and no mask is needed',
	{ timeout: 600_000 },
	async () => {
		const image = join(place.folder, 'example.oci.tar');
		const packed = await place.cellar(['pack', '-o', image, '--json']);
		expect(packed.code, packed.stderr).toBe(0);
		const said = await place.cellar(['repeat', image, '--json'], { env: { CELLAR_HOME: join(place.folder, 'elsewhere') } });
		const comparison = said.json<Comparison>();
		expect([said.code, comparison.verdict]).toEqual([0, 'same']);
		expect(
			comparison.cells.flatMap((cell) => cell.outputs.map((output) => output.reason)).filter((reason) => reason !== null),
		).toEqual([]);
		expect(comparison.files.map((file) => file.verdict)).toEqual(['same', 'same', 'same', 'same']);
	},
);
