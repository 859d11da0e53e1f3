import { join } from 'node:path';
import { expect, test } from 'vitest';
import { explain, explainCell } from '../../core/src/dependencies/index.ts';
import { cell, installed, record } from './facts.ts';

async function worked() {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	installed(site, 'pandas', '2.0', { 'pandas/__init__.py': '' }, { requires: ['numpy'] });
	installed(site, 'scipy', '1.0', { 'scipy/__init__.py': '' }, { requires: ['numpy', 'unseen'] });
	installed(site, 'numpy', '2.0', { 'numpy/__init__.py': '' });
	run.given('data/table.csv');
	run.use('read', join(site, 'numpy/__init__.py'), { cell: 1 });
	run.use('read', join(site, 'scipy/__init__.py'), { cell: 1 });
	run.use('read', join(site, 'pandas/__init__.py'), { cell: 2 });
	run.use('read', 'data/table.csv', { cell: 2 });
	run.made('clean.csv');
	run.use('create', 'clean.csv', { cell: 2 });
	const child = run.fork('w1', { cell: 2 });
	run.exec('/usr/bin/head', ['head', '-n', '…'], { cell: 2, process: child });
	run.use('read', 'clean.csv', { cell: 3 });
	run.use('missing', 'notes.txt', { cell: 2 });
	run.use('read', '/etc/ld.so.cache', { cell: 2 });
	run.connect('192.0.2.1', 443, { cell: 2 }, 'data.example');
	const uses = [
		cell(1, { modules: ['numpy'] }),
		cell(2, { modules: ['pandas'], commands: ['head'], paths: ['data/table.csv'] }),
		cell(3, {}),
	];
	const { judgement, files } = await run.judge(uses);
	return {
		judgement,
		at: (path: string) => join(run.folder, path),
		ask: (what: string) => explainCell(judgement, files, uses, what),
	};
}

test('a cell is explained by what its source names and by the software that it named and touched, each with why', async () => {
	const { ask } = await worked();
	const said = ask('cell:2');
	expect(said).toMatchObject({ what: 'cell:2', verdict: 'cell', owner: null, uses: [] });
	expect(said.cell?.names).toMatchObject({ commands: ['head'], paths: ['data/table.csv'] });
	const software = said.cell?.dependencies.software.map((item) => [item.name, item.why, item.reason]);
	expect(software).toContainEqual(['pandas', ['touched', 'named'], 'named here: import pandas; 1 of its files was opened']);
	expect(software).toContainEqual(['coreutils', ['touched', 'named'], 'named here: !head; 1 of its files was opened']);
	expect(software?.map(([name]) => name)).not.toContain('scipy');
});

test('what a cell read is told from what it wrote, though a later cell reads it', async () => {
	const { ask, at } = await worked();
	expect(ask('cell:2').cell).toMatchObject({ reads: [at('data/table.csv')], writes: [at('clean.csv')] });
	expect(ask('cell:3').cell).toMatchObject({ reads: [at('clean.csv')], writes: [] });
});

test('a cell tells whom it talked to, what it missed and what was set aside', async () => {
	const { ask } = await worked();
	const { network, missing, setAside } = ask('cell:2').cell!.dependencies;
	expect(network).toMatchObject([{ name: 'data.example', port: 443 }]);
	expect(missing?.map((item) => item.path)).toMatchObject([expect.stringMatching(/notes\.txt$/)]);
	expect(setAside).toMatchObject([{ path: '/etc/ld.so.cache', as: 'system' }]);
});

test('a cell tells the processes that it started, with their programs, and which of them were workers', async () => {
	const { ask } = await worked();
	expect(ask('cell:2').cell?.processes).toEqual([
		{ pid: 102, program: '/usr/bin/head', argv: ['head', '-n', '…'], worker: 'w1', exitCode: null, signal: null },
	]);
	expect(ask('cell:1').cell?.processes).toEqual([]);
});

test('a cell that is not there is refused with the range, several cells as no one cell', async () => {
	const { ask } = await worked();
	expect(() => ask('cell:7')).toThrow(expect.objectContaining({ code: 'CELLAR_NO_SUCH_CELL' }));
	expect(() => ask('cell:1,cell:2')).toThrow(expect.objectContaining({ code: 'CELLAR_USAGE' }));
});

test('a package tells which of the distributions that the run used require it', async () => {
	const { judgement } = await worked();
	expect(explain(judgement, 'numpy').requiredBy).toEqual(['pandas', 'scipy']);
	expect(explain(judgement, 'pandas').requiredBy).toEqual([]);
});

test('a use tells the program that its process was by then', async () => {
	const run = record();
	run.given('a.txt');
	run.exec('/usr/bin/head', ['head'], { process: 1 });
	run.use('read', 'a.txt', { process: 1 });
	run.exec('/usr/bin/tail', ['tail'], { process: 1 });
	const child = run.fork('w1');
	run.use('read', 'a.txt', { process: child });
	const { judgement } = await run.judge();
	expect(explain(judgement, 'a.txt').uses).toMatchObject([
		{ program: 'head', pid: 101 },
		{ program: 'tail', pid: 102 },
	]);
});
