import { join } from 'node:path';
import { expect, test } from 'vitest';
import { explain } from '../../core/src/dependencies/index.ts';
import { cell, installed, record } from './facts.ts';

async function plotted() {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	installed(site, 'seaborn', '0.13', { 'seaborn/__init__.py': '' }, { requires: ['matplotlib>=3', 'pandas'] });
	installed(
		site,
		'matplotlib',
		'3.9',
		{ 'matplotlib/__init__.py': '', 'matplotlib/fonts/x.ttf': '' },
		{ requires: ['numpy', 'cycler'] },
	);
	installed(site, 'numpy', '2.0', { 'numpy/__init__.py': '' });
	installed(site, 'ipykernel', '7', { 'ipykernel/__init__.py': '' }, { requires: ['traitlets'] });
	installed(site, 'traitlets', '5', { 'traitlets/__init__.py': '' });
	run.given('helper.py', 'import numpy as np\nfrom seaborn import x\n');
	run.given('data/table.csv');
	const read = (path: string, at?: number) =>
		run.use('read', path.startsWith('.') ? path.slice(2) : join(site, path), at === undefined ? {} : { cell: at });
	read('ipykernel/__init__.py');
	read('traitlets/__init__.py');
	run.use('missing', '__pycache__/helper.cpython-311.pyc', { cell: 1 });
	read('./helper.py', 1);
	read('numpy/__init__.py', 1);
	read('seaborn/__init__.py', 3);
	read('matplotlib/__init__.py', 3);
	read('matplotlib/fonts/x.ttf', 3);
	read('./data/table.csv', 4);
	run.use('read', 'data/table.csv', { cell: 4 });
	run.exec('/usr/bin/head', ['head', 'data/table.csv'], { cell: 5, process: 9 });
	run.use('read', '/usr/share/dpkg/cputable', { cell: 5, process: 9 });
	const judged = await run.judge([
		cell(1, { modules: ['helper'] }),
		cell(3, { modules: ['seaborn'] }),
		cell(5, { commands: ['head'] }),
	]);
	return { run, site, judged, ask: (what: string) => explain(judged.judgement, what) };
}

test('a file is explained with its owner, its rule, who used it and the way that led there', async () => {
	const { site, ask } = await plotted();
	expect(ask(join(site, 'matplotlib/fonts/x.ttf'))).toEqual({
		what: join(site, 'matplotlib/fonts/x.ttf'),
		verdict: 'software',
		rule: 'python RECORD',
		reason: 'listed by the RECORD of matplotlib 3.9',
		owner: { name: 'matplotlib', version: '3.9', ecosystem: 'pypi', root: site },
		chain: ['cell 3', 'import seaborn', 'matplotlib', 'this file'],
		uses: [
			{
				...{ cell: 3, outside: null, worker: null, task: null, process: 1, pid: 101, program: null },
				...{ how: 'read', log: 'manager', first: 8, seconds: null, count: 1 },
			},
		],
		store: null,
		requiredBy: [],
		...{ cell: null, task: null, worker: null },
	});
});

test('the way goes over what packages require and what own modules import; before the first cell it begins with the kernel', async () => {
	const { site, ask } = await plotted();
	expect(ask(join(site, 'numpy/__init__.py')).chain).toEqual(['cell 1', 'import helper', 'numpy', 'this file']);
	expect(ask(join(site, 'traitlets/__init__.py')).chain).toEqual(['the kernel', 'ipykernel', 'traitlets', 'this file']);
	expect(ask(join(site, 'seaborn/__init__.py')).chain).toEqual(['cell 3', 'import seaborn', 'this file']);
	expect(ask('helper.py').chain).toEqual(['cell 1', 'import helper', 'this file']);
	expect(ask('/usr/share/dpkg/cputable').chain).toEqual(['cell 5', 'head', 'this file']);
});

test('data is explained by its path from the notebook’s folder, with every use of it', async () => {
	const { ask } = await plotted();
	const said = ask('data/table.csv');
	expect(said).toMatchObject({ verdict: 'input', owner: null, chain: ['cell 4', 'this file'] });
	expect(said.uses).toMatchObject([{ cell: 4, how: 'read', count: 2 }]);
	expect(ask('./data/../data/table.csv').verdict).toBe('input');
});

test('a package is explained by its own name, by the module that cells import, by a command', async () => {
	const { ask } = await plotted();
	expect(ask('MatPlotLib')).toMatchObject({
		verdict: 'software',
		owner: { name: 'matplotlib' },
		reason: 'matplotlib 3.9: 2 of its files were opened',
		chain: ['cell 3', 'import seaborn', 'matplotlib'],
	});
	expect(ask('seaborn').reason).toBe('seaborn 0.13: cell 3 named it (import seaborn); 1 of its files was opened');
	expect(ask('head').owner?.name).toBe('coreutils');
});

test('what the run did not use is told with names that are like it', async () => {
	const { ask } = await plotted();
	expect(() => ask('table')).toThrow(
		expect.objectContaining({ code: 'CELLAR_NO_SUCH_FILE', hint: expect.stringContaining('data/table.csv') }),
	);
	expect(() => ask('quite-unlike-anything')).toThrow(expect.objectContaining({ hint: 'cellar deps lists what it used' }));
});
