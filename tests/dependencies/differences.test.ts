import { join } from 'node:path';
import { expect, test } from 'vitest';
import { differenceWarning } from '../../core/src/model/index.ts';
import { cell, installed, record } from './facts.ts';

/** A run whose manager uses these versions of numpy, each in a venv of its own, and whose workers use those. */
async function differencesOf(manager: readonly string[], workers: readonly (readonly string[])[], selector = 'run') {
	const run = record();
	const at = (version: string) => {
		const site = join(run.folder, `venv-${version}/lib/python3.11/site-packages`);
		installed(site, 'numpy', version, { 'numpy/__init__.py': '' });
		return join(site, 'numpy/__init__.py');
	};
	// Forked before anything is loaded: they have nothing of the manager's.
	const processes = workers.map((_, n) => run.fork(`w${n + 1}`));
	for (const version of manager) run.use('read', at(version), { cell: 1 });
	for (const [n, versions] of workers.entries()) {
		const by = { process: processes[n]!, worker: `w${n + 1}`, task: `${n + 1}.0` };
		for (const version of versions) run.use('read', at(version), by);
	}
	return (await run.judge()).document(selector).differences;
}

test('a version that differs between the manager and workers is told with both, the workers and the tasks', async () => {
	const differences = await differencesOf(['2.1'], [['2.1'], ['1.26'], ['1.26']]);
	expect(differences).toEqual([
		{
			name: 'numpy',
			ecosystem: 'pypi',
			versions: [
				{ version: '2.1', manager: true, workers: ['w1'], tasks: ['1.0'] },
				{ version: '1.26', manager: false, workers: ['w2', 'w3'], tasks: ['2.0', '3.0'] },
			],
		},
	]);
	expect(differenceWarning(differences[0]!)).toEqual({
		code: 'CELLAR_VERSIONS_DIFFER',
		message: 'numpy is 2.1 in the manager and w1 (task 1) and 1.26 in w2, w3 (tasks 2, 3)',
	});
	expect(await differencesOf(['2.1'], [['1.26']], 'workers')).toMatchObject([
		{ versions: [{ version: '2.1' }, { version: '1.26' }] },
	]);
});

test('a version that stands in several environments is told once, with all who used it', async () => {
	const run = record();
	const use = (folder: string, version: string, by: object) => {
		const site = join(run.folder, folder, 'lib/python3.11/site-packages');
		installed(site, 'numpy', version, { 'numpy/__init__.py': '' });
		run.use('read', join(site, 'numpy/__init__.py'), by);
	};
	const processes = Array.from({ length: 11 }, (_, n) => run.fork(`w${n + 1}`));
	const by = (n: number) => ({ process: processes[n - 1]!, worker: `w${n}`, task: `${n}.0` });
	use('manager', '2.1', { cell: 1 });
	use('other', '2.1', by(10));
	use('third', '2.1', by(9));
	use('older', '1.26', by(11));
	const { differences } = (await run.judge()).document('run');
	expect(differences.map(({ versions }) => versions)).toEqual([
		[
			{ version: '2.1', manager: true, workers: ['w9', 'w10'], tasks: ['9.0', '10.0'] },
			{ version: '1.26', manager: false, workers: ['w11'], tasks: ['11.0'] },
		],
	]);
});

test('workers may differ among themselves; who has both versions, as what carries another one, differs from nobody', async () => {
	expect(await differencesOf([], [['2.1'], ['1.26']])).toHaveLength(1);
	expect(await differencesOf(['2.1'], [['2.1'], ['2.1']])).toEqual([]);
	expect(await differencesOf(['2.1', '1.26'], [['2.1', '1.26'], ['2.1']])).toEqual([]);
});

test('a cell names what the manager has, whichever was used first; what workers alone loaded is not the manager’s', async () => {
	const run = record();
	const [mine, theirs] = ['venv-a', 'venv-b'].map((name) => join(run.folder, name, 'lib/python3.11/site-packages'));
	installed(mine!, 'numpy', '2.1', { 'numpy/__init__.py': '' });
	installed(theirs!, 'numpy', '1.26', { 'numpy/__init__.py': '' });
	installed(theirs!, 'scipy', '1.14', { 'scipy/__init__.py': '' });
	const by = { process: run.fork('w1'), worker: 'w1', task: '1.0', cell: 1 };
	for (const name of ['numpy', 'scipy']) run.use('read', join(theirs!, name, '__init__.py'), by);
	run.use('read', join(mine!, 'numpy/__init__.py'), { cell: 1 });
	const judged = await run.judge([cell(1, { modules: ['numpy', 'scipy'] })]);
	const software = (selector: string) =>
		judged.document(selector).software.map((one) => [one.name, one.version, one.manager, one.direct]);
	expect(software('run')).toEqual([
		['numpy', '1.26', false, false],
		['numpy', '2.1', true, true],
		['scipy', '1.14', false, true],
	]);
	expect(software('manager')).toEqual([['numpy', '2.1', true, true]]);
	expect(software('workers')).toEqual([
		['numpy', '1.26', false, false],
		['scipy', '1.14', false, true],
	]);
});
