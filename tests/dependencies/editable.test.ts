import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLiteral } from '../../core/src/dependencies/python/literal.ts';
import { cell, installed, record, type Recorder } from './facts.ts';
import { pythonOf } from './venv.ts';

/** A project as a user writes it: a package with data of its own, and measurements beside it. */
function writeProject(root: string, name: string, layout: 'flat' | 'src'): void {
	const code = layout === 'src' ? join(root, 'src', name) : join(root, name);
	const files = {
		[join(code, '__init__.py')]: 'from .core import answer\n',
		[join(code, 'core.py')]: 'answer = 42\n',
		[join(code, 'table.csv')]: 'a\n1\n',
		[join(root, 'measurements/today.csv')]: 'b\n2\n',
		[join(root, 'pyproject.toml')]: [
			'[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"',
			`[project]\nname = "${name}"\nversion = "0.3"`,
			layout === 'flat' ? `[tool.setuptools]\npackages = ["${name}"]\n` : '',
		].join('\n'),
	};
	for (const [path, text] of Object.entries(files)) {
		mkdirSync(join(path, '..'), { recursive: true });
		writeFileSync(path, text);
	}
}

/** Installs projects in place by a real pip and setuptools, without a network; the folder of installed packages. */
function install(run: Recorder, ...projects: string[]): string {
	const offline = ['--quiet', '--no-build-isolation', '--no-deps', '--no-index', '--disable-pip-version-check'];
	const prefix = join(run.folder, 'venv');
	const words = ['-m', 'pip', 'install', ...offline, '--prefix', prefix, ...projects.flatMap((project) => ['-e', project])];
	execFileSync(pythonOf('editable'), words, { stdio: ['ignore', 'ignore', 'inherit'] });
	const lib = join(prefix, 'lib');
	return realpathSync(join(lib, readdirSync(lib)[0] ?? '', 'site-packages'));
}

test('projects that pip installed in place are their distributions, in both layouts; measurements beside them are data', async () => {
	const run = record();
	const [flat, src] = [join(run.folder, 'projects/flat'), join(run.folder, 'projects/nested')];
	writeProject(flat, 'flat', 'flat');
	writeProject(src, 'nested', 'src');
	const site = install(run, flat, src);
	run.use('list', site);
	for (const path of ['flat/__init__.py', 'flat/core.py', 'flat/table.csv']) run.use('read', join(flat, path), { cell: 1 });
	run.use('read', join(src, 'src/nested/__init__.py'), { cell: 2 });
	run.use('read', join(src, 'src/nested/table.csv'), { cell: 2 });
	run.use('read', join(flat, 'measurements/today.csv'), { cell: 3 });
	run.use('read', join(src, 'measurements/today.csv'), { cell: 3 });
	const judged = await run.judge([cell(1, { modules: ['flat'] }), cell(2, { modules: ['nested'] })]);
	const document = judged.document();
	expect(document.software.map((one) => [one.name, one.version, one.ecosystem, one.files, one.direct, one.cells])).toEqual([
		['flat', '0.3', 'pypi', 3, true, [1]],
		['nested', '0.3', 'pypi', 2, true, [2]],
	]);
	expect(document.software[0]?.origin).toMatchObject({ url: `file://${flat}`, dir_info: { editable: true } });
	expect(document.data.map((one) => one.relative)).toEqual([
		'projects/flat/measurements/today.csv',
		'projects/nested/measurements/today.csv',
	]);
	expect(judged.rule(join(flat, 'flat/core.py'))).toBe('editable install');
});

test('a notebook in the folder of its own editable project: what it writes is its output, a secret stays one', async () => {
	const run = record();
	writeProject(run.folder, 'own', 'flat');
	const site = install(run, run.folder);
	run.use('list', site);
	run.made('own/result.csv');
	run.given('own/.env', 'TOKEN=1');
	run.use('read', 'own/core.py', { cell: 1 });
	run.use('truncate', 'own/result.csv', { cell: 1 });
	run.use('read', 'own/.env', { cell: 1 });
	const judged = await run.judge();
	expect(judged.verdict('own/core.py')).toBe('software');
	expect(judged.verdict('own/result.csv')).toBe('output');
	expect(judged.verdict('own/.env')).toBe('secret');
});

test('an editable project that is a git clone tells its commit', async () => {
	const run = record();
	const project = join(run.folder, 'cloned');
	writeProject(project, 'cloned', 'flat');
	const git = (...words: string[]) =>
		execFileSync('git', ['-C', project, '-c', 'user.name=a', '-c', 'user.email=a@b', ...words], { encoding: 'utf8' }).trim();
	git('init', '-q');
	git('add', '.');
	git('commit', '-qm', 'first');
	run.use('list', install(run, project));
	run.use('read', join(project, 'cloned/core.py'), { cell: 1 });
	const commit = git('rev-parse', 'HEAD');
	expect((await run.judge()).document().software[0]?.origin).toMatchObject({ commit });
	git('pack-refs', '--all');
	expect((await run.judge()).document().software[0]?.origin).toMatchObject({ commit });
});

test('a folder that a .pth of the user’s own adds holds own modules, of no distribution', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	installed(site, 'any', '1', { 'any.py': '' });
	const shared = join(run.folder, '../common');
	mkdirSync(shared);
	writeFileSync(join(shared, 'common.py'), '');
	writeFileSync(join(site, 'mine.pth'), `# ours\n${shared}\nimport os\n/nowhere/at/all\n`);
	run.use('read', join(site, 'mine.pth'));
	run.use('missing', join(shared, '__pycache__/common.cpython-311.pyc'), { cell: 1 });
	run.use('read', join(shared, 'common.py'), { cell: 1 });
	const judged = await run.judge([cell(1, { modules: ['common'] })]);
	expect(judged.document().software).toMatchObject([{ name: 'common', ecosystem: 'local', direct: true }]);
	expect(judged.verdict(join(site, 'mine.pth'))).toBe('configuration');
});

test('a finder’s MAPPING is read as Python reads the literal, whatever is in it', () => {
	const value = fc.letrec((tie) => ({
		any: fc.oneof(
			{ depthSize: 'small' },
			fc.string(),
			fc.array(tie('any'), { maxLength: 3 }),
			fc.dictionary(fc.string(), tie('any'), { maxKeys: 3 }),
		),
	})).any;
	const written = fc.sample(value, 200);
	const code = 'import json, sys; print(json.dumps([repr(one) for one in json.loads(sys.stdin.read())]))';
	const texts = JSON.parse(
		execFileSync(pythonOf('kernel'), ['-I', '-c', code], { input: JSON.stringify(written), encoding: 'utf8' }),
	) as string[]; // what the line above prints
	const plain = (one: unknown): unknown =>
		one instanceof Map
			? Object.fromEntries([...one].map(([key, held]) => [key, plain(held)]))
			: Array.isArray(one)
				? one.map(plain)
				: one;
	expect(texts.map((text) => plain(parseLiteral(text, 0)))).toEqual(written.map((one) => JSON.parse(JSON.stringify(one))));
});

test('what is no literal is nothing: a call, an unclosed string, a number', () => {
	for (const text of ["{'a': open('x')}", "{'a': 'b", '[1, 2]', "{'a' 'b'}", 'MAPPING', String.raw`'\U00ffffff'`]) {
		expect(parseLiteral(text, 0), text).toBeNull();
	}
});
