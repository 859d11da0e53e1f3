import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { version } from '../../core/src/flows/version.ts';
import { projectFiles, root } from './clone.ts';

let folder = '';
let tarball = '';
const run = (command: string, args: readonly string[]) =>
	execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });

/** The package as a stranger gets it: packed here, installed elsewhere, where nothing of this clone can be found. */
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'cellar-package-'));
	tarball = run(process.execPath, [join(root, 'scripts/package.mjs'), folder]).trim();
	writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
	run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', tarball]);
}, 600_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('what is published is the command line with the core inside: built code, its scripts, its agent and its grammar', () => {
	const files = run('tar', ['-tzf', tarball]).trim().split('\n');
	const core = 'package/node_modules/@cellar/core/dist';
	expect(files).toEqual(
		expect.arrayContaining([
			'package/LICENSE',
			'package/README.md',
			'package/bin/cellar.js',
			'package/dist/main.js',
			`${core}/index.js`,
			`${core}/notebook/tree-sitter-python.wasm`,
			...projectFiles('agent').map((path) => `${core}/workers/${path}`),
			...projectFiles('core/src').flatMap((path) => (/\.(sh|py)$/.test(path) ? [path.replace('core/src', core)] : [])),
		]),
	);
	expect(files.filter((file) => !/\.(js|json|sh|py|wasm)$|\/(LICENSE|README\.md)$/.test(file))).toEqual([]);
});

test('installed elsewhere, it runs and says its version', () => {
	expect(run(join(folder, 'node_modules/.bin/cellar'), ['--version'])).toBe(`${version}\n`);
});

test('installed elsewhere, it audits a notebook and tells what the notebook needed', () => {
	const notebook = join(folder, 'sum.ipynb');
	const cell = {
		cell_type: 'code',
		id: 'sum',
		metadata: {},
		execution_count: null,
		outputs: [],
		source: 'import json\njson.dumps(1 + 1)',
	};
	writeFileSync(notebook, JSON.stringify({ cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 5 }));
	const cellar = (...words: string[]): unknown =>
		JSON.parse(
			execFileSync(join(folder, 'node_modules/.bin/cellar'), [...words, '--json'], {
				cwd: folder,
				env: { ...process.env, CELLAR_HOME: join(folder, 'home') },
				stdio: 'pipe',
				encoding: 'utf8',
			}),
		);
	const run = cellar('audit', notebook, '--python', join(root, '.cache/venv/kernel/bin/python'));
	expect(run).toMatchObject({ format: 1, status: 'finished', cells: [{ number: 1, status: 'finished' }] });
	const needed = cellar('deps');
	expect(needed).toMatchObject({
		software: expect.arrayContaining([expect.objectContaining({ name: 'ipykernel', ecosystem: 'pypi' })]),
	});
});

test('installed elsewhere, it makes a bundle of what it is made of, which starts', () => {
	const bundle = join(folder, 'bundle');
	run(join(folder, 'node_modules/.bin/cellar'), ['worker', 'bundle', '-o', bundle]);
	expect(run(join(bundle, 'cellar-worker'), ['--help'])).toContain('-- COMMAND');
	const manifest: { parts: { name: string; licenses: string[] }[] } = JSON.parse(
		readFileSync(join(bundle, 'manifest.json'), 'utf8'),
	);
	expect(
		manifest.parts.flatMap(({ name, licenses }) => (licenses.length === 0 ? [name] : [])),
		'without a licence',
	).toEqual([]);
});

test('in the clone, npx starts it as it was built here', () => {
	expect(execFileSync('npx', ['--no-install', 'cellar', '--version'], { cwd: root, encoding: 'utf8', stdio: 'pipe' })).toBe(
		`${version}\n`,
	);
});
