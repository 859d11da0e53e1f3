import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareText, shown } from '../../core/src/verify/kinds/text.ts';
import { strict, within } from './ground.ts';

test('equal texts are the same, without a reason', () => {
	expect(compareText('a\nb 1.5\n', 'a\nb 1.5\n', strict)).toEqual({ verdict: 'same', reason: null, largestDifference: null });
});

test('a changed word differs, and the reason shows where', () => {
	expect(compareText('one\ntwo three\nfour', 'one\ntwo thrice\nfive', strict)).toEqual({
		verdict: 'differs',
		reason: 'line 2: "two three" against "two thrice"; 1 more line differs',
		largestDifference: null,
	});
	const long = 'x'.repeat(1000);
	expect(compareText(`${long}1a`, `${long}2a`, strict).reason).toBe(`"…${'x'.repeat(20)}1a" against "…${'x'.repeat(20)}2a"`);
});

test('a number that changed by a millionth differs, and the reason says by how much', () => {
	expect(compareText('mean 0.5 of 12', 'mean 0.500001 of 12', strict)).toEqual({
		verdict: 'differs',
		reason: '0.5 against 0.500001 (difference 0.000001, relative 0.000002)',
		largestDifference: expect.closeTo(1e-6, 12),
	});
});

test('white space counts, and so does the way in which a number is written', () => {
	expect(compareText('a  b', 'a b', strict).verdict).toBe('differs');
	expect(compareText('1.0', '1.00', strict)).toMatchObject({
		verdict: 'differs',
		reason: '1.0 against 1.00 (written differently)',
	});
	expect(compareText('a\n', 'a', strict)).toMatchObject({
		verdict: 'differs',
		reason: expect.stringContaining('only one of them ends with a newline'),
	});
});

test('a line more or less differs, with the counts and the first line that has no partner', () => {
	expect(compareText('a\nb\nc\n', 'a\nc\n', strict)).toMatchObject({
		verdict: 'differs',
		reason: '3 lines against 2; line 2: "b" against "c"',
	});
	expect(compareText('a', 'a\nb', strict)).toMatchObject({
		verdict: 'differs',
		reason: '1 line against 2; line 2: nothing against "b"',
	});
});

test('within a tolerance numbers are close, and the largest difference is told', () => {
	const judged = compareText('x 1.0\ny 200.0\n', 'x 1.001\ny 200.1\n', within({ rtol: 1e-2 }));
	expect(judged).toMatchObject({ verdict: 'close', reason: 'numbers differ by at most 0.1 (relative 0.000999)' });
	expect(judged.largestDifference).toBeCloseTo(0.1);
	expect(compareText('x 1.0', 'x 1.001', within({ atol: 1e-2 })).verdict).toBe('close');
	expect(compareText('x 1.0', 'x 1.001', within({ atol: 1e-4, rtol: 1e-4 }))).toMatchObject({
		verdict: 'differs',
		largestDifference: expect.closeTo(0.001),
	});
});

test('with a tolerance, columns may move and lines may break where numbers became longer, but no word may change', () => {
	const o = within({ rtol: 1e-3 });
	expect(compareText('[[ 1.  2.]\n [ 3.  4.]]', '[[1.0001 2.    ]\n [3.     4.    ]]', o).verdict).toBe('close');
	expect(compareText('    x\n-----\n  1.5', '      x\n-------\n 1.5001', o).verdict).toBe('close');
	expect(compareText('[1.5 2.5 3.5]', '[1.5001 2.5001\n 3.5001]', o).verdict).toBe('close');
	expect(compareText('mean 1.5', 'mode 1.5001', o).verdict).toBe('differs');
	expect(compareText('  indented', 'indented', o).verdict).toBe('differs');
});

test('what is shown of an output cannot command the terminal', () => {
	expect(shown('\u001b]0;title\u0007\u009b31m \u202etxt')).toBe('"\\u001b]0;title\\u0007\\u009b31m \\u202etxt"');
	expect(shown('y'.repeat(500)).length).toBeLessThan(70);
});

const anyText = fc
	.array(fc.oneof(fc.string(), fc.double().map(String), fc.integer().map(String), fc.constantFrom('\n', ' ', '\r', 'nan', '-')), {
		maxLength: 20,
	})
	.map((parts) => parts.join(''));
const anyStrictness = fc.record({ rtol: fc.constantFrom(0, 1e-6, 0.1), atol: fc.constantFrom(0, 1e-6, 1) }).map(within);

test('any text is the same as itself, and the verdict does not depend on which comes first', () => {
	fc.assert(
		fc.property(anyText, anyText, anyStrictness, (a, b, o) => {
			expect(compareText(a, a, o)).toEqual({ verdict: 'same', reason: null, largestDifference: null });
			const [ab, ba] = [compareText(a, b, o), compareText(b, a, o)];
			expect([ab.verdict, ab.largestDifference]).toEqual([ba.verdict, ba.largestDifference]);
		}),
	);
});

const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 }), fc.integer());
/** A table of numbers as programs print them: in columns, with commas, in brackets, in scientific notation, with units. */
const printedTable = fc.record({
	rows: fc.array(fc.array(value, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
	style: fc.constantFrom(
		(row: readonly string[]) => row.join('  '),
		(row: readonly string[]) => row.join(','),
		(row: readonly string[]) => `[${row.join(', ')}]`,
		(row: readonly string[]) => row.map((number, at) => `x${at}=${number}ms`).join('; '),
		(row: readonly string[]) => `2026-11-22 ${row.join(' 12:00:00 ')} at`,
	),
	write: fc.constantFrom(
		String,
		(number: number) => number.toExponential(9),
		(number: number) => number.toFixed(6),
	),
});

test('any single number that changes beyond the tolerance is found, however it is printed', () => {
	fc.assert(
		fc.property(
			printedTable,
			fc.nat(),
			fc.nat(),
			anyStrictness,
			fc.double({ min: 1.5, max: 100, noNaN: true }),
			(table, r, c, o, factor) => {
				const text = (rows: readonly (readonly number[])[]) => rows.map((row) => table.style(row.map(table.write))).join('\n');
				const row = r % table.rows.length;
				const column = c % (table.rows[row]?.length ?? 1);
				const old = table.rows[row]?.[column] ?? 0;
				// More than is allowed, and more than the six digits that are printed.
				const step = factor * Math.max(o.atol + 2 * o.rtol * Math.abs(old), Math.abs(old) * 1e-8, 1e-5);
				const changed = table.rows.map((numbers, at) =>
					at === row ? numbers.map((number, k) => (k === column ? number + step : number)) : numbers,
				);
				expect(compareText(text(table.rows), text(changed), o).verdict).toBe('differs');
			},
		),
		{ numRuns: 500 },
	);
});

test('any numbers that all change within the tolerance are close, and the largest difference is theirs', () => {
	fc.assert(
		fc.property(
			fc.array(fc.double({ min: 1, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 8 }),
			fc.double({ min: 1e-5, max: 9e-4, noNaN: true }),
			(numbers, relative) => {
				const other = numbers.map((number) => number * (1 + relative));
				const judged = compareText(numbers.join(' '), other.join(' '), within({ rtol: 1e-3 }));
				expect(judged.verdict).toBe('close');
				expect(judged.largestDifference).toBeCloseTo(
					Math.max(...numbers.map((number, at) => Math.abs(number - (other[at] ?? 0)))),
					6,
				);
			},
		),
	);
});
