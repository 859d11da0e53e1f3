import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CellOutput } from '../../core/src/model/index.ts';
import { live, textOf, type Live } from './live.ts';

let kernel: Live;
beforeAll(async () => {
	kernel = await live();
});
afterAll(() => kernel[Symbol.asyncDispose]());

test('a session knows the language and the implementation that its kernel names', () => {
	expect(kernel.session).toMatchObject({ language: 'python', implementation: 'ipython' });
	expect(kernel.session.languageInfo).toMatchObject({ name: 'python', file_extension: '.py' });
});

test('every kind of output comes as nbformat has it, in the order in which the cell made it', async () => {
	const { status, outputs, executionCount } = await kernel.run(`
import sys
from IPython.display import display
print('out')
sys.stdout.flush()
print('err', file=sys.stderr)
sys.stderr.flush()
display({'text/plain': 'shown', 'text/html': '<b>shown</b>'}, raw=True, metadata={'text/html': {'isolated': True}})
6 * 7
`);
	expect(status).toBe('ok');
	expect(outputs).toEqual([
		{ output_type: 'stream', name: 'stdout', text: 'out\n' },
		{ output_type: 'stream', name: 'stderr', text: 'err\n' },
		{
			output_type: 'display_data',
			data: { 'text/plain': 'shown', 'text/html': '<b>shown</b>' },
			metadata: { 'text/html': { isolated: true } },
		},
		{ output_type: 'execute_result', data: { 'text/plain': '42' }, metadata: {}, execution_count: executionCount },
	]);
});

test('a cell that raises ends in an error with its traceback, keeps what it wrote, and the next cell runs', async () => {
	const { status, outputs } = await kernel.run(`print('before')\n1 / 0`);
	expect(status).toBe('error');
	expect(outputs).toMatchObject([
		{ output_type: 'stream', text: 'before\n' },
		{ output_type: 'error', ename: 'ZeroDivisionError', evalue: 'division by zero' },
	]);
	expect(await kernel.run('1')).toMatchObject({ status: 'ok' });
});

test('input() is refused with an error in the cell', async () => {
	const { status, outputs } = await kernel.run(`answer = input('who? ')`);
	expect(status).toBe('error');
	expect(outputs).toMatchObject([{ output_type: 'error', ename: 'StdinNotImplementedError' }]);
});

test('a cell that asks for input behind our back is interrupted: nobody waits for an answer that cannot come', async () => {
	const code = `get_ipython().kernel._allow_stdin = True\ninput('who?')`;
	expect(await kernel.run(code)).toMatchObject({
		status: 'error',
		outputs: [{ output_type: 'error', ename: 'KeyboardInterrupt' }],
	});
	expect(kernel.warnings).toContainEqual(
		expect.objectContaining({ code: 'CELLAR_INPUT_REFUSED', message: expect.stringContaining('"who?"') }),
	);
});

test('a display of an earlier cell is changed by a later one, and the change is told with all outputs of that cell', async () => {
	await using own = await live();
	await own.run(`from IPython.display import display, clear_output\nprint('above')\nhandle = display('first', display_id=True)`);
	await own.run('');
	const told: [number, readonly CellOutput[]][] = [];
	const onEarlier = (execution: number, outputs: readonly CellOutput[]): void => void told.push([execution, outputs]);
	const later = await own.session.execute(`for k in range(100): handle.update(k)\nhandle.display(7)`, {
		timeoutSeconds: null,
		onEarlier,
	});
	expect(told).toEqual([
		[
			1,
			[
				{ output_type: 'stream', name: 'stdout', text: 'above\n' },
				{ output_type: 'display_data', data: { 'text/plain': '7' }, metadata: {} },
			],
		],
	]);
	expect(later.outputs).toEqual([{ output_type: 'display_data', data: { 'text/plain': '7' }, metadata: {} }]);
});

test('clear_output(wait=True) leaves only what was shown last', async () => {
	const { outputs } = await kernel.run(`
from IPython.display import clear_output
for k in range(5):
    clear_output(wait=True)
    print('step', k)
`);
	expect(outputs).toEqual([{ output_type: 'stream', name: 'stdout', text: 'step 4\n' }]);
});

test('blank code is not sent to the kernel, and counts as an execution without outputs', async () => {
	const before = await kernel.run('0');
	expect(await kernel.run(' \n\t')).toEqual({ status: 'ok', outputs: [], executionCount: null });
	expect((await kernel.run('0')).executionCount).toBe(before.executionCount! + 1);
});

test('outputs are told as they come, of a stream each new piece', async () => {
	const pieces: string[] = [];
	const { outputs } = await kernel.session.execute(
		`import time, os\nfor k in range(3):\n    print(k, flush=True)\n    while not os.path.exists(f'go{k}'): time.sleep(0.01)`,
		{
			timeoutSeconds: null,
			onOutput: (output) => {
				pieces.push(output.output_type === 'stream' ? output.text : '?');
				// The cell waits for this: had the piece not come while it runs, the test would never end.
				writeFileSync(join(kernel.folder, `go${pieces.length - 1}`), '');
			},
		},
	);
	expect(pieces).toEqual(['0\n', '1\n', '2\n']);
	expect(textOf(outputs)).toBe('0\n1\n2\n');
});

test('what a task of a cell says after the end of its cell is not an output of any cell, and not silently so', async () => {
	const first = await kernel.run(
		`import asyncio\nasync def later():\n    await asyncio.sleep(0.05)\n    print('late')\ntask = asyncio.create_task(later())`,
	);
	const second = await kernel.run(`await task\nprint('second')`);
	expect([textOf(first.outputs), textOf(second.outputs)]).toEqual(['', 'second\n']);
	expect(kernel.warnings.filter(({ code }) => code === 'CELLAR_LATE_OUTPUT')).toHaveLength(1);
});

test('twenty cells in a row give each their own output and count', async () => {
	const first = (await kernel.run('0')).executionCount!;
	for (let k = 1; k <= 20; k += 1) {
		const { outputs, executionCount } = await kernel.run(`print(${k})\n${k} * ${k}`);
		expect(executionCount).toBe(first + k);
		expect(outputs).toMatchObject([{ text: `${k}\n` }, { data: { 'text/plain': String(k * k) } }]);
	}
});

test('a hundred megabytes arrive whole, in many messages and in one', async () => {
	const many = await kernel.run(`for k in range(1000): print('x' * 99_999)`);
	const one = await kernel.run(`print('y' * 99_999_999)`);
	expect([many, one].map(({ outputs }) => [outputs.length, textOf(outputs).length])).toEqual([
		[1, 100_000_000],
		[1, 100_000_000],
	]);
});

test('hundreds of displays at once come all, and in order', async () => {
	const { outputs } = await kernel.run(`for k in range(900): display(k)`);
	expect(outputs.map((output) => (output.output_type === 'display_data' ? Number(output.data['text/plain']) : null))).toEqual(
		Array.from({ length: 900 }, (_, k) => k),
	);
});

test('the history stays in memory: nothing is written below the home folder of the user', async () => {
	await kernel.run('1');
	expect(existsSync(join(kernel.folder, '.ipython', 'profile_default', 'history.sqlite'))).toBe(false);
});

test('a second piece of code while one runs is our own mistake, and leaves the first alone', async () => {
	const first = kernel.run(`import time; time.sleep(0.2); print('done')`);
	await expect(kernel.run('1')).rejects.toMatchObject({ code: 'CELLAR_INTERNAL' });
	expect(textOf((await first).outputs)).toBe('done\n');
});

test('over ipc everything is the same, also where the kernel knows the sockets by another path than we', async () => {
	await using own = await live({ transport: 'ipc' });
	expect(await own.run(`print('by a socket file')`)).toMatchObject({ status: 'ok', outputs: [{ text: 'by a socket file\n' }] });
	await using other = await live({ transport: 'ipc', seenAs: 'inside' });
	expect(JSON.parse(readFileSync(other.file, 'utf8'))).toMatchObject({ transport: 'ipc', ip: join(other.folder, 'inside', 'k') });
	expect(other.connection.ip).toBe(join(other.folder, 'c', 'k'));
	expect(await other.run(`get_ipython().kernel.parent.connection_file`)).toMatchObject({
		outputs: [{ data: { 'text/plain': expect.stringContaining('/inside/') } }],
	});
});

test('an idle kernel ends at once when it is asked to, by itself', async () => {
	await using own = await live();
	await own.run('!echo a child, as it often hinders');
	await own.session.shutdown(60_000);
	expect(await own.process.ended).toEqual({ code: 0, signal: null });
});
