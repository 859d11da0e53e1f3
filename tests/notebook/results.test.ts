import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CellOutput, CellResult } from '../../core/src/model/index.ts';
import { codeCells, formatNotebook, parseNotebook, withResults, type Notebook } from '../../core/src/notebook/index.ts';
import { askPython } from './python.ts';
import { code, notebookOf, notebookText, plain, type NbformatSays } from './some.ts';

const kernel = { name: 'python3', displayName: 'Python 3', language: 'python' };

function result(number: number, outputs: readonly CellOutput[], more: Partial<CellResult> = {}): CellResult {
	return {
		execution: number,
		number,
		status: 'finished',
		started: '2026-01-02T03:04:05.678Z',
		seconds: 1.5,
		executionCount: number,
		outputs,
		...more,
	};
}

const everyKind: readonly CellOutput[] = [
	{ output_type: 'stream', name: 'stdout', text: 'one\ntwo\n' },
	{ output_type: 'stream', name: 'stderr', text: 'no newline' },
	{
		output_type: 'display_data',
		data: { 'image/png': 'aGk=', 'text/plain': '<Figure>' },
		metadata: { 'image/png': { width: 3 } },
	},
	{
		output_type: 'execute_result',
		data: { 'text/html': '<b>\n</b>', 'application/json': [1, 'a'] },
		metadata: {},
		execution_count: 7,
	},
	{ output_type: 'error', ename: 'ValueError', evalue: 'why', traceback: ['a', 'b\nc'] },
];

test('an executed notebook is valid nbformat 4.5 and written to the byte as nbformat would', () => {
	const inputs = fc.sample(notebookText, { numRuns: 100 }).map((text) => parseNotebook(Buffer.from(text), 'test.ipynb'));
	const executed = inputs.map((notebook) => {
		const results = codeCells(notebook).map(({ number }) => result(number, everyKind.slice(0, number + 2)));
		return formatNotebook(withResults(notebook, results, kernel));
	});
	const said = askPython<NbformatSays[]>(['nbformat_says.py'], executed);
	executed.forEach((text, at) => {
		expect(said[at]!.why, text).toBeNull();
		expect(said[at]!.written).toBe(text);
	});
});

test('each code cell gets the outputs and the count of its execution, the last where there were two', () => {
	const notebook = notebookOf([
		code('a', { id: 'a' }),
		{ cell_type: 'markdown', id: 'm', metadata: {}, source: '' },
		code('b', { id: 'b' }),
	]);
	const again = result(2, [{ output_type: 'stream', name: 'stdout', text: 'again' }], { execution: 3, executionCount: 9 });
	const { cells } = withResults(notebook, [result(1, everyKind), result(2, []), again], kernel);
	expect(cells[0]).toMatchObject({ outputs: everyKind, execution_count: 1 });
	expect(cells[1]).not.toHaveProperty('outputs');
	expect(cells[2]).toMatchObject({ outputs: again.outputs, execution_count: 9 });
});

test('a cell that did not run keeps no output of an earlier day, nor the times of it', () => {
	const stale = { outputs: [{ output_type: 'stream', name: 'stdout', text: 'old' }], execution_count: 4 };
	const metadata = { execution: { 'iopub.status.busy': '2020-01-01T00:00:00Z' }, mine: 1 };
	const { cells } = withResults(notebookOf([code('a', { ...stale, metadata })]), [], kernel);
	expect(cells[0]).toMatchObject({ outputs: [], execution_count: null, metadata: { mine: 1 } });
	expect(cells[0]!.metadata).not.toHaveProperty('execution');
});

test('ids are kept; missing, doubled and forbidden ones are made, the same each time', () => {
	const make = (): Notebook =>
		notebookOf(
			[
				code('a', { id: 'kept_1' }),
				code('b', { id: 'kept_1' }),
				code('c', { id: 'not allowed' }),
				code('d', { id: undefined }),
				code('d'),
			],
			{ nbformat_minor: 4 },
		);
	const ids = withResults(make(), [], kernel).cells.map(({ id }) => id);
	expect(ids[0]).toBe('kept_1');
	expect(ids[4]).toBe('c');
	expect(new Set(ids).size).toBe(5);
	for (const id of ids.slice(1, 4)) expect(id).toMatch(/^[0-9a-f]{8}$/);
	expect(withResults(make(), [], kernel).cells.map(({ id }) => id)).toEqual(ids);
});

test('the metadata name the kernel that ran, and keep everything else', () => {
	const metadata = {
		kernelspec: { name: 'conda-root-py', display_name: 'Python [conda root]', language: 'python', mine: 1 },
		language_info: { name: 'python', version: '3.5.2', mimetype: 'text/x-python' },
		toc: { base_numbering: 1 },
	};
	const notebook = notebookOf([], { metadata });
	expect(plain(withResults(notebook, [], kernel))['metadata']).toEqual({
		kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python', mine: 1 },
		language_info: { name: 'python', version: '3.5.2', mimetype: 'text/x-python' },
		toc: { base_numbering: 1 },
	});
	const inR = withResults(notebook, [], { name: 'ir', displayName: 'R', language: 'R' });
	expect(inR.metadata.language_info).toEqual({ name: 'R' });
	expect(withResults(notebook, [], null).metadata).toEqual(metadata);
});

test('the notebook that was given is not changed', () => {
	const notebook = notebookOf([code('a')]);
	const before = formatNotebook(notebook);
	withResults(notebook, [result(1, everyKind)], kernel);
	expect(formatNotebook(notebook)).toBe(before);
});
