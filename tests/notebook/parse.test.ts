import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CellarError } from '../../core/src/model/index.ts';
import { codeCells, formatNotebook, parseNotebook } from '../../core/src/notebook/index.ts';
import { code, notebookOf } from './some.ts';

const bad = join(import.meta.dirname, '../stories/bad');

function refusal(text: string | Uint8Array): CellarError {
	try {
		parseNotebook(typeof text === 'string' ? Buffer.from(text) : text, 'some/analysis.ipynb');
	} catch (error) {
		if (error instanceof CellarError) return error;
		throw error;
	}
	throw new Error('it was read');
}

test.each([
	['an empty file', '', 'it is empty'],
	['a script', 'import math\n', 'it is not JSON: line 1, column 1'],
	['JSON that is cut', '{\n "cells": [\n', 'it is not JSON: line 3, column 1: it ends too early'],
	['a comma too many', '{\n "nbformat": 4,\n}', 'it is not JSON: line 3, column 1: a name in double quotes'],
	['a control character in a string', '{"a": "b\nc"}', 'column 9: a control character'],
	['something after the end', '{} {}', 'column 4: there is more after its end'],
	['an escape that is none', '{"a": "\\x"}', 'column 8: a backslash'],
	['a number with a leading zero', '{"nbformat": 04}', 'column 15: a comma or }'],
	['a list', '[]', 'it is JSON, but not an object'],
	['other JSON', '{"name": "cellar"}', 'it is JSON, but has no "nbformat"'],
	['a later format', '{"nbformat": 5, "nbformat_minor": 0, "metadata": {}, "cells": []}', 'nbformat 5 is not known'],
	['no cells', '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', 'cells is missing'],
	['a cell that is none', '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [3]}', 'cells.0 '],
	[
		'a source that is a number',
		'{"nbformat": 4, "nbformat_minor": 5, "cells": [{"cell_type": "code", "source": 3}]}',
		'cells.0.source should be a string or a list of strings',
	],
	[
		'a kind of cell that nbformat 4.5 does not know',
		'{"nbformat": 4, "nbformat_minor": 5, "cells": [{"cell_type": "table", "source": ""}]}',
		'cells.0.cell_type is "table"',
	],
	[
		'metadata that are a list',
		'{"nbformat": 4, "nbformat_minor": 5, "metadata": [], "cells": []}',
		'metadata should be an object',
	],
	[
		'a kernel without a name that is text',
		'{"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"name": 3}}, "cells": []}',
		'metadata names its kernel badly',
	],
])('%s is no notebook, and the error says where', (_, text, why) => {
	const error = refusal(text);
	expect(error.code).toBe('CELLAR_NOT_A_NOTEBOOK');
	expect(error.where).toBe('some/analysis.ipynb');
	expect(error.message).toContain('some/analysis.ipynb');
	expect(error.message).toContain(why);
	expect(error.exitCode).toBe(5);
});

test('bytes that are not UTF-8 are no notebook', () => {
	expect(refusal(Buffer.from('{"nbformat": 4, "a": "\xe9"}', 'latin1')).message).toContain('it is not text in UTF-8');
});

test('a merge conflict is recognised', () => {
	expect(refusal('{\n<<<<<<< HEAD\n "cells": []\n=======\n>>>>>>> theirs\n}').hint).toContain('merge conflict');
});

test('nesting without end is refused, not followed', () => {
	expect(refusal(`{"nbformat": 4, "a": ${'['.repeat(100_000)}`).message).toContain('nested more than');
});

test.each([
	['nbformat 3', readFileSync(join(bad, 'nbformat3.ipynb'))],
	['nbformat 2', Buffer.from('{"nbformat": 2, "worksheets": []}')],
	['a notebook from before the version was written down', Buffer.from('{"worksheets": [{"cells": []}]}')],
])('%s is too old, and the error says how to convert it', (_, bytes) => {
	const error = refusal(bytes);
	expect(error.code).toBe('CELLAR_NOTEBOOK_TOO_OLD');
	expect(error.hint).toBe("jupyter nbconvert --to notebook --inplace 'some/analysis.ipynb'");
});

test('a source is the same as one string and as a list of lines', () => {
	const [whole, listed] = codeCells(notebookOf([code('a = 1\nb = 2'), code('', { source: ['a = 1\n', 'b = 2'] })]));
	expect(listed!.source).toBe(whole!.source);
});

test('code cells are counted as a person counts them, empty ones too', () => {
	const notebook = notebookOf([
		{ cell_type: 'markdown', id: 'm', metadata: {}, source: '# Title' },
		code('a', { id: 'first', metadata: { tags: ['parameters'] } }),
		code('', { id: 'empty' }),
		{ cell_type: 'raw', id: 'r', metadata: {}, source: '' },
		code('b', { id: 'last' }),
	]);
	expect(codeCells(notebook)).toEqual([
		{ number: 1, index: 1, id: 'first', source: 'a', tags: ['parameters'] },
		{ number: 2, index: 2, id: 'empty', source: '', tags: [] },
		{ number: 3, index: 4, id: 'last', source: 'b', tags: [] },
	]);
});

test('what a hand-written notebook leaves out does not keep it from being read', () => {
	const notebook = parseNotebook(
		Buffer.from('\ufeff{"nbformat": 4, "nbformat_minor": 2, "cells": [{"cell_type": "code", "source": "1 + 1"}]}'),
		'by-hand.ipynb',
	);
	expect(codeCells(notebook)).toMatchObject([{ number: 1, id: null, source: '1 + 1' }]);
});

test('a cell of a later nbformat 4 stays as it is', () => {
	const text = formatNotebook(
		notebookOf([{ cell_type: 'table', metadata: {}, source: 'x', rows: [1.5, { a: null }] }], { nbformat_minor: 6 }),
	);
	expect(JSON.parse(text)['cells'][0]).toMatchObject({ cell_type: 'table', rows: [1.5, { a: null }] });
});

test('metadata that are unknown stay untouched, numbers to the last digit', () => {
	const metadata = '{"x": 1.0, "big": 12345678901234567890, "small": 1e-7, "no": NaN, "__proto__": {"a": [-0.0, 1e+16]}}';
	const text = `{"nbformat": 4, "nbformat_minor": 5, "metadata": ${metadata}, "cells": []}`;
	const written = formatNotebook(parseNotebook(Buffer.from(text), 'test.ipynb'));
	for (const line of [
		'"x": 1.0',
		'"big": 12345678901234567890',
		'"small": 1e-07',
		'"no": NaN',
		'"__proto__": {',
		'-0.0,',
		'1e+16',
	]) {
		expect(written).toContain(line);
	}
});
