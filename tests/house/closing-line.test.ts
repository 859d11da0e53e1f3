import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './clone.ts';

/** A vitest of its own over these files, with the project's reporters. */
function runTests(files: Readonly<Record<string, string>>) {
	const folder = mkdtempSync(join(tmpdir(), 'cellar-closing-'));
	try {
		for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
		const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts/closing-line-reporter.mjs')}`];
		const vitest = join(root, 'node_modules/vitest/vitest.mjs');
		const { status, stdout } = spawnSync(process.execPath, [vitest, 'run', '--root', folder, '--globals', ...reporters], {
			cwd: folder,
			encoding: 'utf8',
		});
		return { status, last: stdout.trimEnd().split('\n').at(-1) };
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

test('a run of the tests ends with a plain line of what passed and what failed', () => {
	const passing = `test('a', () => {}); describe('b', () => { test('c', () => {}); });`;
	expect(runTests({ 'a.test.js': passing })).toEqual({ status: 0, last: '2 passed, 0 failed' });
	const failing = `test('a', () => {}); test('b', () => { throw new Error('b'); }); test.skip('c', () => {});`;
	expect(runTests({ 'a.test.js': failing })).toEqual({ status: 1, last: '1 passed, 1 failed' });
});

test('a test file that does not load, and an error that no test caught, count as failed', () => {
	expect(runTests({ 'a.test.js': `test('a', () => {});`, 'b.test.js': 'import "./none.js";' })).toEqual({
		status: 1,
		last: '1 passed, 1 failed',
	});
	expect(runTests({ 'a.test.js': `test('a', () => { void Promise.reject(new Error('late')); });` })).toEqual({
		status: 1,
		last: '1 passed, 1 failed',
	});
});
