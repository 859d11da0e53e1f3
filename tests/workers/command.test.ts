import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { agentFolder, engineOfCommand, workerCommand } from '../../core/src/workers/index.ts';

const launcher = [join(agentFolder, 'launch.py'), 'abc'];

/** The command with the agent in it, of a program that is a file with this text; L stands for the launcher and the run's word. */
function started(text: string, words: readonly string[] = [], name = 'program'): readonly string[] {
	const folder = mkdtempSync(join(tmpdir(), 'cellar-command-'));
	onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
	const program = join(folder, name);
	writeFileSync(program, text);
	const { argv, hasAgent } = workerCommand([name, ...words], program, 'abc', folder);
	const at = argv.indexOf(launcher[0]!);
	expect(hasAgent).toBe(at >= 0);
	const short = at < 0 ? argv : [...argv.slice(0, at), 'L', ...argv.slice(at + 2)];
	return short.map((word) => (word === program ? 'PROGRAM' : word));
}

test('Python gets the agent before what it runs: a module, code, or a script', () => {
	expect(started('', ['-u', '-W', 'error', '-m', 'dask', 'worker', '-c'], 'python3')).toEqual([
		...['python3', '-u', '-W', 'error', 'L', '-m', 'dask', 'worker', '-c'],
	]);
	expect(started('', ['-c', 'print(1)', 'x'], 'python3.11')).toEqual(['python3.11', 'L', '-c', 'print(1)', 'x']);
	expect(started('', ['-I', 'work.py', '-m'], 'python')).toEqual(['python', '-I', 'L', 'work.py', '-m']);
});

test('a script of Python’s gets it by its interpreter, however that is written', () => {
	const words = ['worker', 'tcp://a:1'];
	expect(started('#!/venv/bin/python3.11\nimport x\n', words)).toEqual(['/venv/bin/python3.11', 'L', 'PROGRAM', ...words]);
	expect(started('#!/venv/bin/python -I\n', words)).toEqual(['/venv/bin/python', '-I', 'L', 'PROGRAM', ...words]);
	expect(started('#!/usr/bin/env python3\n', words)).toEqual(['python3', 'L', 'PROGRAM', ...words]);
	expect(started('#!/usr/bin/env -S python3 -u\n', words)).toEqual(['python3', '-u', 'L', 'PROGRAM', ...words]);
	expect(started(`#!/bin/sh\n'''exec' "/a long/python" "$0" "$@"\n' '''\n`, words)).toEqual([
		'/a long/python',
		'L',
		'PROGRAM',
		...words,
	]);
});

test('any other program is started as it is: nothing is done to what is not known', () => {
	expect(started('#!/bin/sh\npython -m dask worker\n', ['x'])).toEqual(['program', 'x']);
	expect(started('\x7fELF', ['host', '9123'], 'vine_worker')).toEqual(['vine_worker', 'host', '9123']);
	expect(started('', ['--new-option', 'work.py'], 'python3')).toEqual(['python3', '--new-option', 'work.py']);
	expect(started('', ['-'], 'python3')).toEqual(['python3', '-']);
	expect(started('', [], 'python3')).toEqual(['python3']);
});

test.each([
	['dask worker tcp://a:1', 'dask'],
	['/venv/bin/dask-worker tcp://a:1', 'dask'],
	['python -m distributed.cli.dask_worker tcp://a:1', 'dask'],
	['python -m dask scheduler', 'worker'],
	['some_program', 'worker'],
])('%s starts a worker of %s', (command, engine) => {
	expect(engineOfCommand(command.split(' '))).toBe(engine);
});
