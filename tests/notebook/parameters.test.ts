import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { codeCells, withParameters, type Notebook } from '../../core/src/notebook/index.ts';
import { askPython } from './python.ts';
import { code, notebookOf } from './some.ts';

const tagged = (tag: string) => ({ metadata: { tags: [tag] } });

function sources(notebook: Notebook): readonly string[] {
	return codeCells(notebook).map(({ source }) => source);
}

test('parameters come right after the cell tagged parameters', () => {
	const notebook = notebookOf([code('import os'), code('alpha = 1', tagged('parameters')), code('print(alpha)')]);
	const set = withParameters(notebook, new Map([['alpha', '2']]));
	expect(sources(set)).toEqual(['import os', 'alpha = 1', '# Parameters\nalpha = 2\n', 'print(alpha)']);
	expect(codeCells(set)[2]!.tags).toEqual(['injected-parameters']);
});

test('parameters take the place of those of an earlier time', () => {
	const notebook = notebookOf([
		code('alpha = 1', tagged('parameters')),
		code('# Parameters\nalpha = 5\n', tagged('injected-parameters')),
		code('alpha'),
	]);
	expect(sources(withParameters(notebook, new Map([['alpha', '2']])))).toEqual([
		'alpha = 1',
		'# Parameters\nalpha = 2\n',
		'alpha',
	]);
});

test('where no cell is tagged, parameters come first', () => {
	expect(sources(withParameters(notebookOf([code('alpha')]), new Map([['alpha', '2']])))).toEqual([
		'# Parameters\nalpha = 2\n',
		'alpha',
	]);
});

test('without parameters the notebook stays as it is', () => {
	const notebook = notebookOf([code('alpha = 1', tagged('parameters'))]);
	expect(withParameters(notebook, new Map())).toBe(notebook);
});

test.each([
	['12', 12],
	['-7', -7],
	['007', 7],
	['1_000', 1000],
	['2.50', 2.5],
	['.5', 0.5],
	['1e3', 1000],
	['True', true],
	['False', false],
	['None', null],
	['true', 'true'],
	['1.2.3', '1.2.3'],
	['', ''],
	['data/été "quoted" \\ 😀\n', 'data/été "quoted" \\ 😀\n'],
])('the word %j is the Python value %j', (word, value) => {
	expect(inPython([word])).toEqual([value]);
});

test('any word that is no number reaches Python as it was typed', () => {
	const word = fc
		.string({ unit: 'grapheme' })
		.filter((text) => !/^\s*[+-]?(\d|\.\d|nan|inf)/i.test(text) && !/^(True|False|None)$/.test(text));
	const words = fc.sample(word, 200);
	expect(inPython(words)).toEqual(words);
});

/** What Python has in its hands after the injected cell has run, by the words that were typed. */
function inPython(words: readonly string[]): readonly unknown[] {
	const notebook = withParameters(notebookOf([]), new Map(words.map((word, at) => [`p${at}`, word])));
	const program =
		'import json, sys\nspace = {}\nexec(json.load(sys.stdin), space)\nprint(json.dumps([space[f"p{i}"] for i in range(len(space) - 1)]))';
	return askPython<unknown[]>(['-c', program], sources(notebook)[0]);
}

test.each(['1x', 'a b', 'a.b', ''])('%j is no name for a parameter', (name) => {
	expect(() => withParameters(notebookOf([]), new Map([[name, '1']]))).toThrow(expect.objectContaining({ code: 'CELLAR_USAGE' }));
});

test('a notebook of another language is not given Python', () => {
	const notebook = notebookOf([], { metadata: { kernelspec: { name: 'ir', display_name: 'R', language: 'R' } } });
	expect(() => withParameters(notebook, new Map([['a', '1']]))).toThrow(expect.objectContaining({ code: 'CELLAR_USAGE' }));
});
