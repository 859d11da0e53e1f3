import { expect, test } from 'vitest';
import { depsText } from '../../cli/src/commands/deps.ts';
import type { SoftwareDependency } from '../../core/src/model/index.ts';

function of(worker: string, name: string, version: string, folder: string): SoftwareDependency {
	const used = { cells: [], workers: [worker], tasks: [], manager: false, outside: [] };
	const installed = { files: 1, bytes: 1, dataFiles: 0, origin: { folder }, reason: '' };
	return { name, version, ecosystem: 'pypi', direct: true, why: ['touched'], ...used, ...installed };
}

test('a version that stands in an environment of each worker is used by all of them, and by none alone', () => {
	const software = [
		...['w1', 'w2', 'w3'].map((worker) => of(worker, 'numpy', '2.1.0', `/env-${worker}`)),
		of('w2', 'Pygments', '2.19.1', '/env-w2'),
	];
	const lists = { differences: [], data: [], network: [], missing: null, setAside: [], unknown: [] };
	const page = depsText({ format: 1, run: 'r', for: 'workers', notebook: null, software, ...lists });
	expect(page.split('\nOf one worker alone, of 3\n')[1]?.split('\n\n')[0]).toBe('  w2      Pygments 2.19.1');
});
