import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareHtml, parsePage } from '../../core/src/verify/kinds/html.ts';
import { strict, within } from './ground.ts';

/** What pandas makes of a data frame. */
function frame(rows: readonly (readonly (string | number)[])[], more = ''): string {
	const head =
		'<thead>\n    <tr style="text-align: right;">\n      <th></th>\n      <th>mean</th>\n      <th>kind</th>\n    </tr>\n  </thead>';
	const body = rows.map(
		([index, ...cells]) =>
			`    <tr>\n      <th>${index}</th>\n${cells.map((cell) => `      <td>${cell}</td>\n`).join('')}    </tr>\n`,
	);
	const style = '<style scoped>\n    .dataframe tbody tr th {\n        vertical-align: top;\n    }\n</style>';
	return `<div>\n${style}\n<table border="1" class="dataframe">\n  ${head}\n  <tbody>\n${body.join('')}  </tbody>\n</table>\n${more}</div>`;
}

const table = frame([
	['blur', 0.5, 'soft'],
	['edge', 0.25, 'hard'],
]);

test('a data frame is read as a table: its cells by row, the header first', () => {
	expect(parsePage(table).tables).toEqual([
		[
			['', 'mean', 'kind'],
			['blur', '0.5', 'soft'],
			['edge', '0.25', 'hard'],
		],
	]);
});

test('one number by a millionth differs, with its row and column', () => {
	const changed = frame([
		['blur', 0.5, 'soft'],
		['edge', 0.250001, 'hard'],
	]);
	const { kind, judged } = compareHtml(table, changed, strict);
	expect(kind).toBe('table');
	expect(judged).toMatchObject({
		verdict: 'differs',
		reason: 'row 3, column 2 ("edge", "mean"): 0.25 against 0.250001 (difference 0.000001, relative 0.000004)',
		largestDifference: expect.closeTo(1e-6, 12),
	});
	expect(compareHtml(table, changed, within({ rtol: 1e-3 })).judged).toMatchObject({
		verdict: 'close',
		reason: expect.stringContaining('numbers differ by at most'),
	});
});

test('a changed word in a cell differs, also with a tolerance', () => {
	const changed = frame([
		['blur', 0.5, 'soft'],
		['edge', 0.25, 'sharp'],
	]);
	expect(compareHtml(table, changed, within({ rtol: 1 })).judged).toMatchObject({
		verdict: 'differs',
		reason: 'row 3, column 3 ("edge", "kind"): "hard" against "sharp"',
	});
});

test('one more row, one more column, one more table differ, and the reason says so', () => {
	const longer = frame([
		['blur', 0.5, 'soft'],
		['sobel', 1, 'hard'],
		['edge', 0.25, 'hard'],
	]);
	expect(compareHtml(table, longer, strict).judged).toMatchObject({
		verdict: 'differs',
		reason: '3 rows against 4; row 3: "edge 0.25 hard" against "sobel 1 hard"',
	});
	const wider = table.replace('<td>hard</td>', '<td>hard</td><td>1</td>');
	expect(compareHtml(table, wider, strict).judged).toMatchObject({ verdict: 'differs', reason: 'row 3: 3 cells against 4' });
	expect(compareHtml(table, table + table, strict).judged).toMatchObject({ verdict: 'differs', reason: '1 tables against 2' });
});

test('several changed cells are counted, the first is shown', () => {
	const changed = frame([
		['blur', 0.6, 'soft'],
		['edge', 0.35, 'rough'],
	]);
	expect(compareHtml(table, changed, strict).judged.reason).toMatch(
		/^row 2, column 2 \("blur", "mean"\): 0\.5 against 0\.6 .*; 2 more cells differ$/,
	);
});

test('what stands beside a table is compared: its text, and the colours in its attributes', () => {
	const [a, b] = [frame([['x', 1, 'y']], '<p>100 rows</p>'), frame([['x', 1, 'y']], '<p>101 rows</p>')];
	expect(compareHtml(a, b, strict).judged).toMatchObject({
		verdict: 'differs',
		reason: expect.stringContaining('100 against 101'),
	});
	const red = table.replace('<td>0.25', '<td style="color: red">0.25');
	expect(compareHtml(red, red.replace('color: red', 'color: blue'), strict).judged).toMatchObject({
		verdict: 'differs',
		reason: expect.stringContaining('markup'),
	});
});

test('white space between tags and the order of attributes are not compared, and the reason says that they differ', () => {
	const spelt = { verdict: 'same', reason: 'masked: white space and order of attributes in the markup' };
	expect(compareHtml('<p a="1" b="2">x  y</p>', '<p b="2" a="1">\n x y</p>', strict).judged).toMatchObject(spelt);
	expect(compareHtml('<p>xy</p>', '<p>x y</p>', strict).judged.verdict).toBe('differs');
	expect(compareHtml('<pre>x  y</pre>', '<pre>x y</pre>', strict).judged.verdict).toBe('differs');
});

test('a tag, an attribute or a script that changed differs', () => {
	for (const [a, b] of [
		['<b>x</b>', '<i>x</i>'],
		['<b>x</b>', '<b>x</b><br>'],
		['<a href="one">x</a>', '<a href="two">x</a>'],
		['<script>draw(1)</script>', '<script>draw(2)</script>'],
	] as const) {
		expect(compareHtml(a, b, strict)).toMatchObject({ kind: 'html', judged: { verdict: 'differs' } });
	}
});

test('entities are read as what they stand for, and a table in a table is a table of its own', () => {
	expect(parsePage('<table><tr><td>a &lt; b<table><tr><td>in</td></tr></table></td><td>c</td></tr></table>').tables).toEqual([
		[['a < b', 'c']],
		[['in']],
	]);
	expect(parsePage('&lt;T at 0x7f1c2a3b4c50&gt;').rest).toBe('<T at 0x7f1c2a3b4c50>');
});

const piece = fc.constantFrom(
	'<table>',
	'</table>',
	'<tr>',
	'<td>',
	'</td>',
	'<pre>',
	'</pre>',
	'<p a="1">',
	'1.5',
	' nan ',
	'x',
	'\n',
	'&amp;',
	'<',
	'<script>',
	'</script>',
);
const anyHtml = fc.array(piece, { maxLength: 25 }).map((pieces) => pieces.join(''));

test('any markup, however broken, is the same as itself, and the verdict does not depend on which comes first', () => {
	fc.assert(
		fc.property(anyHtml, anyHtml, fc.constantFrom(0, 0.5), (a, b, rtol) => {
			expect(compareHtml(a, a, strict).judged).toMatchObject({ verdict: 'same', reason: null });
			expect(compareHtml(a, b, within({ rtol })).judged.verdict).toBe(compareHtml(b, a, within({ rtol })).judged.verdict);
		}),
		{ numRuns: 300 },
	);
});

test('any single cell of any table that changes is found', () => {
	const cells = fc.array(fc.array(fc.oneof(fc.double({ noNaN: true }), fc.integer()), { minLength: 3, maxLength: 3 }), {
		minLength: 1,
		maxLength: 6,
	});
	fc.assert(
		fc.property(cells, fc.nat(), fc.integer({ min: 1, max: 2 }), (rows, r, c) => {
			const at = r % rows.length;
			const changed = rows.map((row, k) => (k === at ? row.map((number, n) => (n === c ? `${number}1` : number)) : row));
			expect(compareHtml(frame(rows), frame(changed), strict).judged.verdict).toBe('differs');
		}),
	);
});
