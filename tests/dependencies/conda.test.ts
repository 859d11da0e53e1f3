import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requestsIn } from '../../core/src/dependencies/conda/origin.ts';
import { withoutCredentials } from '../../core/src/model/index.ts';
import { openPrefix } from '../../core/src/dependencies/conda/prefix.ts';
import { channel, makePrefix, pip, type Prefix } from '../conda/prefix.ts';
import { cell, folder, record } from './facts.ts';
import { packed, sha } from './packed.ts';

let work: string;
let conda: Prefix;
beforeAll(() => {
	work = realpathSync(mkdtempSync(join(tmpdir(), 'conda-')));
	conda = makePrefix(work, { kernel: false });
}, 600_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

const inSite = (path: string) => join(conda.site, path);
const inPrefix = (path: string) => join(conda.prefix, path);

test('what conda installed is conda’s, with version, build and channel, and what the user asked for', async () => {
	const run = record();
	run.use('read', inSite('tinymod/__init__.py'), { cell: 1 });
	run.use('read', inSite('loose.py'), { cell: 1 });
	run.use('read', inSite('tinyext/__init__.py'), { cell: 1 });
	run.use('read', inPrefix('lib/libtiny.so'), { cell: 1 });
	run.use('read', inPrefix('share/tiny/table.csv'), { cell: 1 });
	run.use('stat', inSite('unused/__init__.py'), { cell: 1 });
	const judged = await run.judge([cell(1, { modules: ['tinymod', 'loose'] })]);
	expect(judged.software()).toEqual(['libtiny 1.0', 'loose 5', 'tinyext 0.3', 'tinymod 2.1']);
	const [libtiny, loose, tinyext, tinymod] = judged.document().software;
	expect(tinymod).toMatchObject({ ecosystem: 'conda', direct: true, why: ['touched', 'named'] });
	expect(loose).toMatchObject({ ecosystem: 'conda', direct: true });
	expect(libtiny).toMatchObject({ files: 2, direct: false, origin: { requested: null, subdir: 'linux-64' } });
	expect(tinyext?.origin).toMatchObject({ build: 'py_7', buildNumber: 0 });
	const [solved] = channel<{ url: string; sha256: string }[]>('solve', conda.channel, 'tinymod=2.1').filter((one) =>
		one.url.includes('/tinymod-'),
	);
	expect(tinymod?.origin).toEqual({
		channel: `${conda.channel}/`,
		subdir: 'noarch',
		build: '0',
		buildNumber: 0,
		url: solved?.url,
		md5: expect.stringMatching(/^[0-9a-f]{32}$/),
		sha256: solved?.sha256,
		requested: 'tinymod >=2',
	});
});

test('conda’s Python is the interpreter: what it runs, its library, and what is compiled into it', async () => {
	const run = record();
	const library = inPrefix(`lib/${conda.site.split('/').at(-2)}`);
	run.exec(conda.python);
	run.use('read', join(library, 'json/__init__.py'), { cell: 1 });
	run.use('read', join(library, '__pycache__', `csv.cpython-${library.slice(-4).replace('.', '')}.pyc`), { cell: 1 });
	run.use('stat', conda.site);
	const judged = await run.judge([cell(1, { modules: ['json', 'sys', 'itertools'] })]);
	const [python] = judged.document().software;
	expect(judged.document().software.length).toBe(1);
	expect(python).toMatchObject({ name: 'python', ecosystem: 'conda', direct: true, cells: [1] });
	expect(python?.version).toBe(openPrefix(conda.prefix).find('python')?.version);
	expect(judged.verdict(join(library, 'json/__init__.py'))).toBe('software');
	expect(judged.document().unknown).toEqual([]);
});

test('metadata is no use of a package, folders are shared, and the prefix is no cache for all that it says so', async () => {
	const run = record();
	writeFileSync(inPrefix('share/mine.csv'), 'mine');
	run.use('read', inSite('tinyext-0.3.dist-info/METADATA'), { cell: 1 });
	run.use('list', conda.site, { cell: 1 });
	run.use('list', inPrefix('share'), { cell: 1 });
	run.use('stat', conda.prefix, { cell: 1 });
	run.use('read', inPrefix('conda-meta/history'), { cell: 1 });
	run.use('read', inPrefix('CACHEDIR.TAG'), { cell: 1 });
	run.use('read', inPrefix('share/mine.csv'), { cell: 1 });
	const judged = await run.judge();
	expect(judged.software()).toEqual([]);
	expect(judged.rule(inSite('tinyext-0.3.dist-info/METADATA'))).toBe('python metadata');
	for (const path of ['conda-meta/history', 'CACHEDIR.TAG', 'share', '.']) {
		expect([path, judged.verdict(inPrefix(path)), judged.rule(inPrefix(path))]).toEqual([path, 'software', 'folder of software']);
	}
	expect(judged.verdict(inPrefix('share/mine.csv'))).toBe('input');
});

test('a file with the name of a secret is public where conda brought it so, and a secret where it was changed', async () => {
	const path = inPrefix('share/tiny/credentials.json');
	const before = readFileSync(path);
	const ask = async () => {
		const run = record();
		run.use('read', path, { cell: 1 });
		return (await run.judge()).verdict(path);
	};
	expect(await ask()).toBe('software');
	rmSync(path);
	writeFileSync(path, '{"token": "mine"}');
	expect(await ask()).toBe('secret');
	rmSync(path);
	writeFileSync(path, before);
});

test('a used package is packed whole, with what it depends on that has Python code, and with conda’s list of it', async () => {
	const run = record();
	run.use('read', inSite('tinymod/__init__.py'), { cell: 1 });
	const image = await packed(await run.judge());
	for (const path of ['tinymod/extra.py', 'tinymod/__init__.py', 'TinyMod-2.1.dist-info/METADATA', 'lazydep/__init__.py'])
		expect([path, image.at(inSite(path))?.layer]).toEqual([path, 'distributions']);
	expect(image.at(inPrefix('bin/tinymod-run'))?.kind).toBe('file');
	expect(image.at(inPrefix('conda-meta/tinymod-2.1-0.json'))?.kind).toBe('file');
	expect(image.paths.filter((one) => /unused|tinyext|share\/tiny|tiny\.h/.test(one.path))).toEqual([]);
	expect(image.required.map(({ name, ecosystem, reason }) => [name, ecosystem, reason])).toEqual([
		['lazydep', 'conda', 'required by tinymod 2.1'],
		['python', 'conda', 'required by tinymod 2.1'],
	]);
	// What changed after the run is held against the hash of what conda linked, its prefix written in.
	const second = record();
	second.use('read', inPrefix('lib/libtiny.so.1'), { cell: 1 });
	const past = { started: '2020-01-01T00:00:00.000Z' };
	const later = await packed(await second.judge([], past));
	const onDisk = readFileSync(inPrefix('etc/tiny.conf'), 'utf8');
	expect(onDisk).toBe(`root = ${conda.prefix}\n`);
	expect(later.at(inPrefix('etc/tiny.conf'))?.expected?.sha256).toBe(sha(onDisk));
	expect(later.at(inPrefix('include/tiny.h'))).toBeUndefined();
});

test('a list that cannot be read is said, and stops nothing', async () => {
	const place = folder();
	mkdirSync(join(place, 'conda-meta'));
	writeFileSync(join(place, 'conda-meta/broken-1-0.json'), '{"name": 5}');
	writeFileSync(join(place, 'tool.py'), '');
	const run = record();
	run.use('read', join(place, 'tool.py'), { cell: 1 });
	const judged = await run.judge();
	expect(judged.judgement.warnings.map((one) => one.code)).toEqual(['CELLAR_CONDA_UNREADABLE']);
});

test('tokens, passwords and signatures are in no channel, URL or spec', () => {
	expect(withoutCredentials('https://conda.example/t/tk-123-abc/mine/linux-64')).toBe('https://conda.example/mine/linux-64');
	expect(withoutCredentials('https://ada:word@conda.example/mine')).toBe('https://conda.example/mine');
	expect(withoutCredentials('https://s3.example/a-1-0.conda?signature=abc#x')).toBe('https://s3.example/a-1-0.conda#x');
	expect(withoutCredentials('https://conda.example/t/tk-1/mine::numpy >=2')).toBe('https://conda.example/mine::numpy >=2');
	expect(withoutCredentials('ssh://git@host.example/a/t/b')).toBe('ssh://git@host.example/a/t/b');
	expect(withoutCredentials('numpy[version=">=2"]')).toBe('numpy[version=">=2"]');
});

test('what was asked for is in conda’s own history, the last word counting', () => {
	const asked = requestsIn(
		[
			'==> 2026-01-01 00:00:00 <==',
			'# cmd: /opt/conda/bin/conda create -n x python=3.11 numpy',
			"# update specs: ['python=3.11', 'conda-forge::numpy', \"scipy[version='>=1']\"]",
			"# remove specs: ['scipy']",
			'==> 2026-01-02 00:00:00 <==',
			"# update specs: ['numpy>=2']",
		].join('\n'),
	);
	expect([...asked]).toEqual([
		['python', 'python=3.11'],
		['numpy', 'numpy>=2'],
	]);
});

test('a list as conda itself writes it: one spec, a pip-like name, pyc_file entries, no paths_data', () => {
	const place = folder();
	mkdirSync(join(place, 'conda-meta'));
	const write = (name: string, more: object) =>
		writeFileSync(
			join(place, 'conda-meta', `${name}-1-0.json`),
			JSON.stringify({ name, version: '1', build: '0', build_number: 0, channel: 'conda-forge', ...more }),
		);
	write('asked', { requested_spec: 'asked=1', files: ['lib/a.py'] });
	write('brought', { requested_spec: 'None', files: ['lib/b.py'] });
	write('told', { requested_spec: '', files: ['lib/c.py', 'lib/__pycache__/c.cpython-311.pyc'] });
	writeFileSync(join(place, 'conda-meta/history'), "# update specs: ['told >=1']\n");
	const prefix = openPrefix(place);
	const requested = (name: string) => prefix.find(name)?.origin?.['requested'];
	expect([requested('asked'), requested('brought'), requested('told')]).toEqual(['asked=1', null, 'told >=1']);
	expect(prefix.listing(join(place, 'lib/a.py'))[0]?.package.name).toBe('asked');
	expect(prefix.ownerOfFolder(join(place, 'lib'))).toBe('several');
});

test('what pip put there is pip’s, also over conda’s: its version counts, and conda’s list is said to be stale', async () => {
	const wheels = join(work, 'wheels');
	mkdirSync(wheels);
	const wheel = (...words: string[]) =>
		execFileSync('python3', [resolve(import.meta.dirname, '../conda/wheel.py'), wheels, ...words], { encoding: 'utf8' }).trim();
	pip(conda, 'install', '--no-index', '--no-deps', wheel('TinyMod', '3', 'tinymod'), wheel('own', '1', 'own'));
	// The same version again: the folder of its metadata is the one that conda's list names.
	pip(conda, 'install', '--no-index', '--no-deps', '--force-reinstall', wheel('tinyext', '0.3', 'tinyext'));
	const run = record();
	for (const path of ['tinymod', 'own', 'tinyext', 'lazydep']) run.use('read', inSite(`${path}/__init__.py`), { cell: 1 });
	const judged = await run.judge([cell(1, { modules: ['tinymod'] })]);
	expect(judged.document().software.map((one) => [one.name, one.version, one.ecosystem])).toEqual([
		['lazydep', '4', 'conda'],
		['own', '1', 'pypi'],
		['tinyext', '0.3', 'pypi'],
		['TinyMod', '3', 'pypi'],
	]);
	expect(judged.judgement.warnings).toEqual([
		{ code: 'CELLAR_CONDA_STALE', message: expect.stringContaining('TinyMod 3 was installed over conda’s tinymod 2.1') },
		{ code: 'CELLAR_CONDA_STALE', message: expect.stringContaining('tinyext 0.3 was installed over conda’s tinyext 0.3') },
	]);
});
