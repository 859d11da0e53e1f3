import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { CellOutput } from '../../core/src/model/index.ts';
import { bareEnv, live, scratch, venv } from './live.ts';

const run = promisify(execFile);

/** Every kind of output, and what may happen to it later. */
const cells = [
	`import sys, time, asyncio\nfrom IPython.display import *`,
	`print('out')\nprint('more')`,
	`print('err', file=sys.stderr)`,
	`print('a', flush=True)\ntime.sleep(0.3)\nprint('b')`,
	`sys.stdout.write('no newline, ')\nsys.stdout.flush()\nsys.stderr.write('two\\nlines\\n')\nsys.stderr.flush()\nprint('äöü €  \\x1b[31mred\\x1b[0m')`,
	`for k in range(5):\n    print(f'\\rstep {k}', end='')`,
	`40 + 2`,
	`40 + 2;`,
	`{'a': [1, 2, {'b': None}], 'text': 'x' * 200}`,
	``,
	`# nothing but a comment`,
	`display(1, 'two', [3])\n'a result too'`,
	`HTML('<b>bold</b>')`,
	`display(Markdown('*text*'), Latex('$x^2$'), JSON({'a': [1, 2.5, None, True]}), Javascript('1'), SVG('<svg xmlns="http://www.w3.org/2000/svg"/>'))`,
	`import base64\nImage(base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='), width=10)`,
	`display({'text/plain': 'raw', 'application/x-own+json': {'deep': [1, {'er': 'x'}]}}, raw=True, metadata={'own': {'isolated': True}})`,
	`handle = display('first', display_id='one')\nprint('below')`,
	`update_display('second', display_id='one')\ndisplay('third', display_id='one')\nprint('here')`,
	`handle.update(HTML('<i>last</i>'))`,
	`update_display('unheard of', display_id='nobody')`,
	`display('x', display_id='gone')\nclear_output()\nupdate_display('y', display_id='gone')\nprint('after')`,
	`for k in range(4):\n    clear_output(wait=True)\n    display(k)\n    print(k)`,
	`print('stays')\nclear_output(wait=True)`,
	`print('goes')\nclear_output()`,
	`print('before')\n1 / 0`,
	`def inner(x):\n    raise ValueError('deep') from KeyError('deeper')\ninner([1, 2])`,
	`raise ExceptionGroup('many', [ValueError(1), TypeError('two')])`,
	`this is no python`,
	`raise SystemExit(3)`,
	`assert 1 == 2, {'a': 1}`,
	`input('who? ')`,
	`await asyncio.sleep(0.01)\n'awaited'`,
	`!echo shell; echo wrong >&2; exit 2`,
	`%%bash\necho bash\nfor k in 1 2 3; do echo $k; done`,
	`lines = !printf 'a\\nb\\n'\nlines`,
	`%%capture captured\nprint('hidden')\ndisplay(1)`,
	`captured.show()`,
	`import warnings\nwarnings.warn('beware')`,
	`import logging\nlogging.warning('logged')`,
	`class Rich:\n    def _repr_html_(self): return '<p>rich</p>'\n    def _repr_mimebundle_(self, include=None, exclude=None): return {'text/x-own': 'bundle'}, {'text/x-own': {'meta': 1}}\nRich()`,
	`_, In[7], len(Out) > 3`,
	`%precision 3\n3.14159`,
	`?len`,
	`print('x' * 1_000_000)`,
	`Out.clear()\nNone`,
];

test('a notebook of every kind of output has the outputs and counts that jupyter execute gives it', async () => {
	using folder = scratch();
	const notebook = {
		nbformat: 4,
		nbformat_minor: 5,
		metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } },
		cells: cells.map((source, k) => ({
			cell_type: 'code',
			id: `c${k}`,
			metadata: {},
			source,
			outputs: [],
			execution_count: null,
		})),
	};
	writeFileSync(join(folder.path, 'all.ipynb'), JSON.stringify(notebook));
	const jupyter = join(venv, 'bin', 'jupyter-execute');
	const env = { ...bareEnv(folder.path), JUPYTER_DATA_DIR: join(folder.path, 'data') };
	await run(jupyter, ['all.ipynb', '--output', 'theirs', '--allow-errors'], { cwd: folder.path, env });
	const theirs: { cells: { outputs: Theirs[]; execution_count: number | null }[] } = JSON.parse(
		readFileSync(join(folder.path, 'theirs.ipynb'), 'utf8'),
	);

	await using kernel = await live();
	const ours = new Map<number, { outputs: readonly CellOutput[]; count: number | null }>();
	for (const [k, source] of cells.entries()) {
		const onEarlier = (execution: number, outputs: readonly CellOutput[]): void => {
			ours.set(execution - 1, { outputs, count: ours.get(execution - 1)!.count });
		};
		const { outputs, executionCount } = await kernel.session.execute(source, { timeoutSeconds: null, onEarlier });
		ours.set(k, { outputs, count: executionCount });
	}

	for (const [k, source] of cells.entries()) {
		const { outputs, count } = ours.get(k)!;
		const cell = theirs.cells[k]!;
		const name = `cell ${k}: ${source}`;
		expect([name, plain(outputs)]).toEqual([name, plain(whole(cell.outputs))]);
		expect([name, count]).toEqual([name, cell.execution_count]);
	}
	expect(kernel.warnings).toEqual([]);
});

/** On disk, text may be a list of lines. */
type Theirs = { output_type: string; name?: string; text?: string | string[]; data?: Record<string, unknown> };

/** What nbformat split into lines is joined again, and so are the pieces of a stream, which `jupyter execute` leaves as time cut them. */
function whole(outputs: readonly Theirs[]): readonly Theirs[] {
	const joined: Theirs[] = [];
	for (const output of outputs) {
		const one = { ...output };
		if (one.text !== undefined) one.text = oneText(one.text);
		if (one.data)
			one.data = Object.fromEntries(Object.entries(one.data).map(([type, data]) => [type, isLines(data) ? data.join('') : data]));
		const last = joined.at(-1);
		if (one.output_type === 'stream' && last?.output_type === 'stream' && last.name === one.name)
			last.text = oneText(last.text) + oneText(one.text);
		else joined.push(one);
	}
	return joined;
}

function oneText(text: string | string[] | undefined): string {
	return Array.isArray(text) ? text.join('') : (text ?? '');
}

function isLines(data: unknown): data is string[] {
	return Array.isArray(data) && data.every((line) => typeof line === 'string');
}

/** Without what differs from process to process: addresses, process ids, and the folders of IPython's temporary sources. */
function plain(outputs: readonly unknown[]): unknown {
	return JSON.parse(
		JSON.stringify(outputs)
			.replaceAll(/0x[0-9a-f]{6,}/g, '0x…')
			.replaceAll(/ipykernel_\d+/g, 'ipykernel_…'),
	);
}
