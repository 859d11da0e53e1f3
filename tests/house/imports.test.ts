import { describe, expect, test } from 'vitest';
import { sources } from './clone.ts';
import { faultsOf, importsOf, tooLong } from './graph.ts';

/** A made-up tree that keeps every rule; each test below breaks one. */
const sound: Readonly<Record<string, string>> = {
	'core/src/index.ts': `export * from './model/index.ts';\nexport { auditNotebook } from './flows/audit.ts';`,
	'core/src/model/index.ts': `export * from './facts.ts';`,
	'core/src/model/facts.ts': `import * as v from 'valibot';`,
	'core/src/audit/index.ts': `export { launch } from './launch.ts';`,
	'core/src/audit/launch.ts': `import { spawn } from 'node:child_process';\nimport type { Access } from '../model/index.ts';`,
	'core/src/images/index.ts': `import { CellarError } from '../model/index.ts';`,
	'core/src/sandbox/index.ts': `import { openImage } from '../images/index.ts';\nimport type { Access } from '../model/index.ts';`,
	'core/src/flows/audit.ts': `import { launch } from '../audit/index.ts';\nimport { runners } from '../sandbox/index.ts';`,
	'cli/src/main.ts': `import { auditNotebook } from '@cellar/core';\nimport { text } from './text.ts';`,
	'cli/src/text.ts': '',
};

function faultsWith(changes: Readonly<Record<string, string>>) {
	return faultsOf(Object.entries({ ...sound, ...changes }).map(([path, text]) => ({ path, text })));
}

test('data moves down the rooms of the core and never up, and files and rooms stay readable', () => {
	const files = sources(/^(core|cli)\/src\/.*\.ts$/);
	expect(files.length).toBeGreaterThan(10);
	expect(faultsOf(files)).toEqual([]);
});

test('no file of the tests, scripts, benches and examples is longer than one can read', () => {
	expect(tooLong(sources(/^(tests|scripts|bench|examples|core|cli)\/.*\.(ts|mjs|js|py|sh|c)$/))).toEqual([]);
});

describe('the rules', () => {
	test('a sound tree has no faults', () => expect(faultsWith({})).toEqual([]));

	test.each([
		['the model imports a room', 'core/src/model/facts.ts', `import '../audit/index.ts';`, 'the model imports nothing'],
		['a room imports another', 'core/src/images/index.ts', `import '../audit/index.ts';`, 'images may import model alone'],
		['a type is an import too', 'core/src/images/index.ts', `import type { A } from '../audit/index.ts';`, 'images may import'],
		['a type in place is one too', 'core/src/images/index.ts', `let a: import('../audit/index.ts').A;`, 'images may import'],
		['a dynamic import is one too', 'core/src/images/index.ts', `await import('../audit/index.ts');`, 'images may import'],
		['a re-export is one too', 'core/src/images/index.ts', `export * from '../audit/index.ts';`, 'images may import'],
		['a named re-export is one too', 'core/src/images/index.ts', `export { a } from '../audit/index.ts';`, 'images may import'],
		['a computed import', 'core/src/images/index.ts', `await import('../' + room);`, 'must be written out'],
		['more than was granted', 'core/src/sandbox/index.ts', `import '../audit/index.ts';`, 'model and images alone'],
		['behind a door', 'core/src/flows/audit.ts', `import '../audit/launch.ts';`, 'imported by its index.ts'],
		['flows from a room', 'core/src/audit/launch.ts', `import '../flows/audit.ts';`, 'index imports flows'],
		['the index from within', 'core/src/flows/audit.ts', `import '../index.ts';`, 'imports its index'],
		['a second file beside the rooms', 'core/src/more.ts', `import './audit/index.ts';`, 'there is only the index'],
		['the command line around the door', 'cli/src/text.ts', `import '../../core/src/index.ts';`, 'imported as @cellar/core'],
		['the command line through a window', 'cli/src/text.ts', `import '@cellar/core/dist/audit/index.js';`, 'one door'],
		['the core by its own name', 'core/src/audit/launch.ts', `import '@cellar/core';`, 'by relative paths'],
		['the core from the command line', 'core/src/audit/launch.ts', `import '../../../cli/src/main.ts';`, 'who uses it'],
		['a file that is not there', 'core/src/audit/launch.ts', `import './lunch.ts';`, 'no such source file'],
		['a process from a pure room', 'core/src/images/index.ts', `import 'node:child_process';`, 'may start a process'],
	])('%s', (_, path, text, fault) => {
		// An import up the list often closes a circle as well; circles have a test of their own.
		const faults = faultsWith({ [path]: text }).filter((line) => !line.startsWith('cycle:'));
		expect(faults).toEqual([expect.stringContaining(fault)]);
	});

	test('files that import each other in a circle are told once', () => {
		const circle = { 'core/src/model/facts.ts': `import './b.ts';`, 'core/src/model/b.ts': `import './index.ts';` };
		expect(faultsWith(circle)).toEqual([
			'cycle: core/src/model/b.ts → core/src/model/index.ts → core/src/model/facts.ts → core/src/model/b.ts',
		]);
	});

	test('a file of 500 lines is one too many at 501', () => {
		expect(faultsWith({ 'cli/src/text.ts': '\n'.repeat(500) })).toEqual([]);
		expect(faultsWith({ 'cli/src/text.ts': '\n'.repeat(501) })).toEqual(['cli/src/text.ts has 501 lines: at most 500']);
	});

	test('a folder of a dozen files is full', () => {
		const files = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`core/src/store/f${i}.ts`, '']));
		expect(faultsWith(files(12))).toEqual([]);
		expect(faultsWith(files(13))).toEqual(['core/src/store has 13 files: at most 12']);
	});

	test('what does not parse is not taken for a file without imports', () => {
		expect(() => importsOf({ path: 'a.ts', text: 'import {' })).toThrow('a.ts does not parse');
	});
});
