import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseSelector } from '../../core/src/dependencies/index.ts';
import { cell, installed, record } from './facts.ts';

/** numpy and pandas of a made-up environment: `named`, `touched`. */
function environment(run: ReturnType<typeof record>): (path: string) => string {
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	installed(site, 'numpy', '2.0', { 'numpy/__init__.py': '', 'numpy/linalg.py': '' });
	installed(site, 'pandas', '3.0', { 'pandas/__init__.py': '' });
	installed(site, 'Pillow', '10', { 'PIL/__init__.py': '', 'PIL/Image.py': '' });
	installed(site, 'core', '1', { 'core.py': '' });
	return (path) => join(site, path);
}

test('a cell lists what it touched and what it names, and says which, and who loaded it', async () => {
	const run = record();
	const at = environment(run);
	run.use('read', at('core.py'));
	run.use('read', at('numpy/__init__.py'), { cell: 1 });
	run.use('read', at('PIL/Image.py'), { cell: 2 });
	const judged = await run.judge([
		cell(1, { modules: ['numpy', 'numpy.linalg'] }),
		cell(2, { modules: ['PIL.Image', 'core'] }),
		cell(3, { earlier: ['numpy', 'PIL.Image', 'missing_module'] }),
	]);
	const three = judged.document('cell:3').software;
	expect(three.map((one) => [one.name, one.why, one.direct, one.files, one.reason])).toEqual([
		['numpy', ['named'], true, 0, 'named here: import numpy, loaded by cell 1'],
		['Pillow', ['named'], true, 0, 'named here: import PIL.Image, loaded by cell 2'],
	]);
	expect(judged.document('cell:2').software.find((one) => one.name === 'core')?.reason).toBe(
		'named here: import core, loaded by the kernel',
	);
	expect(judged.document('cell:1').software.map((one) => [one.name, one.why])).toEqual([['numpy', ['touched', 'named']]]);
	expect(judged.document().software.find((one) => one.name === 'numpy')).toMatchObject({
		cells: [1, 3],
		manager: true,
		files: 1,
	});
});

test('what a function imports where it is sent is named for the workers that opened it, and not for the manager', async () => {
	const run = record();
	const at = environment(run);
	run.use('read', at('numpy/__init__.py'), { cell: 1 });
	run.use('read', at('numpy/__init__.py'), { cell: 2, worker: 'w1' });
	run.use('read', at('pandas/__init__.py'), { cell: 2, worker: 'w1' });
	run.use('read', at('core.py'), { cell: 2, worker: 'w1' });
	const judged = await run.judge([cell(1, { modules: ['numpy', 'pandas'] }), cell(2, {})]);
	const direct = (part: string) => judged.document(part).software.map((one) => [one.name, one.direct, one.manager]);
	expect(direct('manager')).toEqual([['numpy', true, true]]);
	expect(direct('workers')).toEqual([
		['core', false, false],
		['numpy', true, true],
		['pandas', true, false],
	]);
	expect(direct('cell:1').map(([name]) => name)).toEqual(['numpy', 'pandas']);
	expect(judged.document('workers').software[2]?.reason).toBe(
		'named in cell 1: import pandas, loaded by cell 2; 1 of its files was opened',
	);
});

test('a distribution is found by the files of its modules, not by their names', async () => {
	const run = record();
	const at = environment(run);
	run.use('read', at('PIL/__init__.py'), { cell: 1 });
	const judged = await run.judge([cell(1, { modules: ['PIL', 'pandas'] })]);
	// pandas is installed, and nothing of it was opened: it was not loaded.
	expect(judged.software()).toEqual(['Pillow 10']);
});

test('below a namespace the deepest part decides, and what cannot be told apart is named with its doubt', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	installed(site, 'space-one', '1', { 'space/one/__init__.py': '' });
	installed(site, 'space-two', '2', { 'space/two/__init__.py': '' });
	run.use('read', join(site, 'space/one/__init__.py'), { cell: 1 });
	run.use('read', join(site, 'space/two/__init__.py'), { cell: 1 });
	const judged = await run.judge([cell(1, { modules: ['space.one'] }), cell(2, { modules: ['space'] })]);
	expect(judged.document('cell:2').software.map((one) => one.reason)).toEqual([
		expect.stringContaining('several packages have files below this name'),
		expect.stringContaining('several packages have files below this name'),
	]);
	expect(judged.judgement.named.filter((one) => one.cell === 1).map((one) => one.package.name)).toEqual(['space-one']);
});

test('`from space import one` names the package of the part, not all that share the space', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	installed(site, 'space-one', '1', { 'space/one/__init__.py': '' });
	installed(site, 'space-two', '2', { 'space/two/__init__.py': '' });
	run.use('read', join(site, 'space/one/__init__.py'), { cell: 1 });
	run.use('read', join(site, 'space/two/__init__.py'), { cell: 1 });
	const judged = await run.judge([cell(2, { modules: ['space', 'space.one'] })]);
	expect(judged.judgement.named.map((one) => one.package.name)).toEqual(['space-one']);
});

test('a worker has what it touched and what its maker had until the fork, and no more', async () => {
	const run = record();
	const at = environment(run);
	run.given('before.csv');
	run.given('after.csv');
	run.use('read', at('numpy/__init__.py'), { cell: 1 });
	run.use('read', 'before.csv', { cell: 1 });
	run.use('truncate', 'written.csv', { cell: 1 });
	const process = run.fork('w1', { cell: 2 });
	run.use('read', at('pandas/__init__.py'), { cell: 2 });
	run.use('read', 'after.csv', { cell: 2 });
	run.use('read', at('core.py'), { cell: 2, worker: 'w1', process });
	const judged = await run.judge([cell(1, { modules: ['numpy'] })]);
	expect(judged.software('worker:w1')).toEqual(['core 1', 'numpy 2.0']);
	expect(judged.software('manager')).toEqual(['numpy 2.0', 'pandas 3.0']);
	const data = judged.document('workers').data.map((one) => one.relative);
	expect(data).toEqual(['before.csv']);
	expect(judged.document().data.find((one) => one.relative === 'before.csv')).toMatchObject({
		cells: [1],
		workers: ['w1'],
		manager: true,
	});
	expect(judged.document().software.find((one) => one.name === 'core')).toMatchObject({
		cells: [2],
		workers: ['w1'],
		manager: false,
	});
});

test('a fork of a fork has what both had; what executed a program of its own has nothing from its birth', async () => {
	const run = record();
	const at = environment(run);
	run.use('read', at('numpy/__init__.py'), { cell: 1 });
	const first = run.fork('w1', { cell: 1 });
	run.use('read', at('pandas/__init__.py'), { cell: 1, worker: 'w1', process: first });
	const second = run.fork('w2', { cell: 1 });
	const third = run.fork('w3', { cell: 1 });
	run.exec('/bin/true', ['true'], { cell: 1, worker: 'w3', process: third });
	const judged = await run.judge();
	const { scopes } = judged.judgement.world;
	void second;
	expect(scopes.of(judged.judgement.world.uses.of(at('numpy/__init__.py'))).workers).toEqual(['w1', 'w2']);
});

test('a task has what it touched, and of software what its worker had by then; a function has that of all its tasks', async () => {
	const run = record();
	const at = environment(run);
	for (const name of ['before.csv', 'one.csv', 'two.csv', 'other.csv']) run.given(name);
	run.use('read', at('numpy/__init__.py'), { cell: 1 });
	run.use('read', 'before.csv', { cell: 1 });
	const process = run.fork('w1', { cell: 1 });
	const here = { cell: 2, worker: 'w1', process };
	run.use('read', at('core.py'), { ...here, cell: 1 });
	run.task(1, 'fetch', here);
	run.use('read', 'one.csv', { ...here, task: '1' });
	run.use('read', at('pandas/__init__.py'), { ...here, task: '1' });
	run.task(2, 'fetch', here);
	run.use('read', 'two.csv', { ...here, task: '2' });
	run.use('read', at('PIL/Image.py'), here);
	run.task(10, 'Model.fit', here);
	run.use('read', 'other.csv', { ...here, task: '10' });
	const judged = await run.judge();
	const data = (selector: string) => judged.document(selector).data.map((one) => one.relative);
	expect(data('task:1')).toEqual(['one.csv']);
	expect(data('function:fetch')).toEqual(['one.csv', 'two.csv']);
	expect(data('function:fit, task:1')).toEqual(['one.csv', 'other.csv']);
	expect(judged.software('task:1')).toEqual(['core 1', 'numpy 2.0', 'pandas 3.0']);
	// What another task had imported before it in the same worker is not seen: nothing was opened.
	expect(judged.software('task:2')).toEqual(['core 1', 'numpy 2.0']);
	expect(judged.software('task:10')).toEqual(['core 1', 'numpy 2.0', 'Pillow 10']);
	expect(judged.document('task:1').data[0]).toMatchObject({ cells: [2], workers: ['w1'], tasks: ['1'], manager: false });
});

test('a task or a function that is not there is told with those that are', async () => {
	const run = record();
	const process = run.fork('w1', { cell: 1 });
	const none = await run.judge();
	for (const text of ['task:1', 'function:fetch']) {
		expect(() => parseSelector(text, none.judgement.run)).toThrow(
			expect.objectContaining({ code: 'CELLAR_NO_SUCH_TASK', hint: expect.stringContaining('no tasks are known') }),
		);
	}
	run.task(1, 'fetch', { cell: 1, worker: 'w1', process });
	run.task(2, 'Model.fit', { cell: 1, worker: 'w1', process });
	const judged = await run.judge();
	expect(() => judged.document('task:3')).toThrow(
		expect.objectContaining({ code: 'CELLAR_NO_SUCH_TASK', hint: 'its tasks are 1 to 2, as they were submitted' }),
	);
	expect(() => judged.document('function:fetc')).toThrow(
		expect.objectContaining({ code: 'CELLAR_NO_SUCH_TASK', hint: 'its tasks ran Model.fit, fetch' }),
	);
});

test('several parts are joined, and a part that is not there is told with those that are', async () => {
	const run = record();
	run.given('one.csv');
	run.given('two.csv');
	run.use('read', 'one.csv', { cell: 1 });
	run.use('read', 'two.csv', { cell: 2 });
	run.fork('w1', { cell: 3 });
	const judged = await run.judge([cell(3)]);
	const names = (selector: string) => judged.document(selector).data.map((one) => one.relative);
	expect(names('cell:1')).toEqual(['one.csv']);
	expect(names('cell:1, cell:2')).toEqual(['one.csv', 'two.csv']);
	expect(names('program')).toEqual(['one.csv', 'two.csv']);
	expect(judged.document('cell:1, cell:2').for).toBe('cell:1,cell:2');
	const asked = (text: string) => () => parseSelector(text, judged.judgement.run);
	expect(asked('cell:9')).toThrow(
		expect.objectContaining({ code: 'CELLAR_NO_SUCH_CELL', message: expect.stringContaining('its code cells are 1 to 3') }),
	);
	expect(asked('worker:w7')).toThrow(expect.objectContaining({ code: 'CELLAR_NO_SUCH_WORKER', hint: 'its workers are w1' }));
	for (const text of ['', 'cells', 'cell', 'cell:', 'task', 'function', 'worker', 'run,']) {
		expect(asked(text), text).toThrow(expect.objectContaining({ code: expect.stringMatching(/^CELLAR_(USAGE|NO_SUCH_CELL)$/) }));
	}
});

test('connections to other machines are dependencies, those among the run’s own processes are not', async () => {
	const run = record();
	run.connect('93.184.216.34', 443, { cell: 2 }, 'example.org');
	run.connect('93.184.216.34', 443, { cell: 3 }, 'example.org');
	run.connect('127.0.0.1', 5432, { cell: 2 });
	run.bind(8787);
	run.connect('127.0.0.1', 8787, { cell: 2 });
	run.connect('127.0.0.1', 40123, { cell: 2 });
	run.connect('10.0.0.2', 53, { cell: 2 });
	run.connect('/run/nscd/socket', 0, { cell: 2 });
	run.use('stat', '/', { cell: 3 });
	const judged = await run.judge();
	expect(judged.document().network).toEqual([
		{ address: '127.0.0.1', port: 5432, name: null, cells: [2], workers: [], tasks: [], manager: true, outside: [] },
		{
			address: '93.184.216.34',
			port: 443,
			name: 'example.org',
			cells: [2, 3],
			workers: [],
			tasks: [],
			manager: true,
			outside: [],
		},
	]);
	expect(judged.document('cell:3').network.length).toBe(1);
});

test('what the manager used for no cell is told by when: before the first, after one, while one ran, or after the last', async () => {
	const run = record();
	for (const name of ['early', 'one', 'between', 'beside', 'two', 'late', 'both']) run.given(name);
	run.use('read', 'early');
	run.use('read', 'both');
	run.use('read', 'one', { cell: 1 });
	run.use('read', 'between');
	run.use('read', 'two', { cell: 2 });
	run.use('read', 'beside', { during: 2 });
	run.use('read', 'late');
	run.use('read', 'both');
	const judged = await run.judge([cell(1), cell(2)]);
	const told = judged.document().data.map(({ relative, cells, outside }) => [relative, cells, outside]);
	expect(told).toEqual([
		['beside', [], ['during cell 2']],
		['between', [], ['after cell 1']],
		['both', [], ['start-up', 'after the last cell']],
		['early', [], ['start-up']],
		['late', [], ['after the last cell']],
		['one', [1], []],
		['two', [2], []],
	]);
});
