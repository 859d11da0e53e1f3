import * as fc from 'fast-check';
import { formatNotebook, parseNotebook, type Notebook } from '../../core/src/notebook/index.ts';

/** What the real nbformat says of a text (nbformat_says.py). */
export interface NbformatSays {
	readonly written: string;
	readonly valid: boolean;
	readonly why: string | null;
}

/** A notebook from its cells: shorthand for what a test is not about. */
export function notebookOf(cells: readonly object[], more: object = {}): Notebook {
	return parseNotebook(
		Buffer.from(JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells, ...more })),
		'test.ipynb',
	);
}

export function code(source: string, more: object = {}): object {
	return { cell_type: 'code', id: 'c', metadata: {}, source, outputs: [], execution_count: null, ...more };
}

export function plain(notebook: Notebook): Record<string, unknown> {
	return JSON.parse(formatNotebook(notebook)) as Record<string, unknown>; // what was just written
}

/** A number as text: whatever JSON allows, and what Python writes beside it. */
const numbers = fc.oneof(
	fc.integer().map(String),
	fc.bigInt().map(String),
	fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value.toExponential()),
	fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e7, max: 1e7 }).map((value) => String(value)),
	fc.constantFrom(
		'1.0',
		'-0',
		'-0.0',
		'1e5',
		'1E-7',
		'0.0001',
		'0.00001',
		'1e16',
		'1e15',
		'123456789012345678',
		'1.50',
		'NaN',
		'-Infinity',
	),
);
const texts = fc.oneof(
	fc.string({ unit: 'grapheme' }),
	fc.string({
		unit: fc.constantFrom(
			'a',
			' ',
			'\n',
			'\r',
			'\t',
			'\u000b',
			'\f',
			'\u001c',
			'\u0085',
			'\u2028',
			'"',
			'\\',
			'/',
			'\u0001',
			'é',
			'😀',
			'\u007f',
		),
	}),
);
/** Keys of metadata for which nbformat's schema says what their values are. */
const told: ReadonlySet<string> = new Set(
	'authors collapsed execution format jupyter kernelspec language_info name orig_nbformat scrolled tags title'.split(' '),
);
const keys = fc.oneof(
	fc.string({ minLength: 1 }).filter((key) => !told.has(key)),
	fc.constantFrom('__proto__', 'constructor', 'ä', 'Z', 'a', '10', '9', '\uffee', '😀', 'tags2', 'trusted', 'orig_nbformat2'),
);

/** Any JSON, as text. */
const { value: anyJson } = fc.letrec<{ value: string }>((tie) => ({
	value: fc.oneof(
		{ maxDepth: 3 },
		numbers,
		texts.map((text) => JSON.stringify(text)),
		fc.constantFrom('true', 'false', 'null'),
		fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(', ')}]`),
		objectOf(keys, tie('value')),
	),
}));

function objectOf(names: fc.Arbitrary<string>, values: fc.Arbitrary<string>): fc.Arbitrary<string> {
	return fc.uniqueArray(fc.tuple(names, values), { maxLength: 4, selector: ([name]) => name }).map(toObject);
}

function toObject(entries: readonly (readonly [string, string])[]): string {
	return `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(' , ')}}`;
}

const metadata = objectOf(keys, anyJson);
/** A text as nbformat stores it: whole, or as a list of lines. */
const lines = texts.chain((text) =>
	fc.constantFrom(JSON.stringify(text), JSON.stringify(text.split(/(?<=\n)/)), JSON.stringify(text === '' ? [] : [text])),
);
const bundle = fc
	.tuple(fc.option(lines), fc.option(lines), fc.option(lines), fc.option(anyJson))
	.map(([plainText, svg, png, json]) =>
		toObject(
			Object.entries({ 'text/plain': plainText, 'image/svg+xml': svg, 'image/png': png, 'application/vnd.x+json': json }).flatMap(
				([type, value]) => (value === null ? [] : [[type, value] as const]),
			),
		),
	);
const output = fc.oneof(
	lines.map((text) =>
		toObject([
			['output_type', '"stream"'],
			['name', '"stdout"'],
			['text', text],
		]),
	),
	fc.tuple(bundle, metadata).map(([data, more]) =>
		toObject([
			['output_type', '"display_data"'],
			['data', data],
			['metadata', more],
		]),
	),
	fc.tuple(bundle, fc.nat()).map(([data, count]) =>
		toObject([
			['output_type', '"execute_result"'],
			['data', data],
			['metadata', '{}'],
			['execution_count', String(count)],
		]),
	),
	texts.map((text) =>
		toObject([
			['output_type', '"error"'],
			['ename', '"E"'],
			['evalue', JSON.stringify(text)],
			['traceback', JSON.stringify([text, text])],
		]),
	),
);
const cell = fc.oneof(
	fc
		.tuple(lines, metadata, fc.array(output, { maxLength: 3 }), fc.option(fc.nat()))
		.map(([source, more, outputs, count]): [string, string][] => [
			['cell_type', '"code"'],
			['source', source],
			['metadata', more],
			['outputs', `[${outputs.join(',')}]`],
			['execution_count', String(count)],
		]),
	fc
		.tuple(fc.constantFrom('"markdown"', '"raw"'), lines, metadata, fc.option(bundle))
		.map(([type, source, more, picture]): [string, string][] => [
			['cell_type', type],
			['source', source],
			['metadata', more],
			...(picture === null ? [] : [['attachments', toObject([['a.png', picture]])] as [string, string]]),
		]),
);

/** The text of a notebook of nbformat 4.0 to 4.5, with anything in its metadata, written in any of the ways that are allowed. */
export const notebookText: fc.Arbitrary<string> = fc
	.tuple(fc.nat({ max: 5 }), fc.array(cell, { maxLength: 6 }), metadata)
	.map(([minor, cells, more]) =>
		toObject([
			['nbformat', '4'],
			['nbformat_minor', String(minor)],
			['metadata', more],
			[
				'cells',
				`[${cells.map((entries, at) => toObject(minor < 5 ? entries : [...entries, ['id', `"cell-${at}"`]])).join(',\n')}]`,
			],
		]),
	);
