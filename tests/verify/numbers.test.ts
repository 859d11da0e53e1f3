import { expect, test } from 'vitest';
import { cutAtNumbers, distance, isNumber, valueOf } from '../../core/src/verify/kinds/numbers.ts';

const exact = { rtol: 0, atol: 0 };

test.each([
	['1 -2 +3.5 .5 6.', ['1', '-2', '+3.5', '.5', '6.']],
	['1e5 -2.5E-10 3e+7', ['1e5', '-2.5E-10', '3e+7']],
	['12ms 3.5GB 7% (4) [5, 6]; a=8', ['12', '3.5', '7', '4', '5', '6', '8']],
	['nan NaN -inf Infinity', ['nan', 'NaN', '-inf', 'Infinity']],
	['1,2;3 4|5', ['1', '2', '3', '4', '5']],
	['It is 3.', ['3.']],
])('numbers that stand by themselves are found: %s', (text, numbers) => {
	expect(cutAtNumbers(text).numbers).toEqual(numbers);
});

test.each([
	['part of a name', 'x1 layer_2 sha256 utf8 b64'],
	['versions and addresses', 'numpy 1.26.4 at 127.0.0.1'],
	['hexadecimal digests', '3f2a9c 0x1f 12ab34cd 9e107d9d372bb6826bd81d3542a419d6'],
	['dates and times of day', '2020-01-31 23:59:59 7:30'],
	['words that hold nan and inf', 'nanometre information banana'],
])('what only looks like a number is text: %s', (_, text) => {
	expect(cutAtNumbers(text).numbers).toEqual([]);
});

test('the cut text and its numbers put together are the text', () => {
	const text = 'a 1.5 b-2c 3e4,nan';
	const { texts, numbers } = cutAtNumbers(text);
	expect(texts.map((part, at) => part + (numbers[at] ?? '')).join('')).toBe(text);
});

test('values: nan and inf in any case, and the sign', () => {
	expect(['NaN', '-Inf', 'infinity', '-1.5e3', '.5'].map(valueOf)).toEqual([Number.NaN, -Infinity, Infinity, -1500, 0.5]);
});

test('nan equals nan and inf equals inf; neither is close to anything else', () => {
	expect(distance(Number.NaN, Number.NaN, exact)).toMatchObject({ absolute: 0, close: true });
	expect(distance(Infinity, Infinity, exact)).toMatchObject({ absolute: 0, close: true });
	const generous = { rtol: 1, atol: 1e300 };
	for (const other of [0, 1, Infinity, -Infinity]) expect(distance(Number.NaN, other, generous).close).toBe(false);
	expect(distance(Infinity, -Infinity, generous).close).toBe(false);
	expect(distance(Infinity, 1e308, generous).close).toBe(false);
});

test('an integer and a decimal of the same value are no distance apart; 0 and -0 are neither', () => {
	expect(distance(valueOf('2'), valueOf('2.0'), exact)).toEqual({ absolute: 0, relative: 0, close: true });
	expect(distance(0, -0, exact)).toEqual({ absolute: 0, relative: 0, close: true });
});

test('the relative tolerance is of the larger magnitude, so that neither number is the reference', () => {
	expect(distance(100, 110, { rtol: 0.1, atol: 0 }).close).toBe(true);
	expect(distance(110, 100, { rtol: 0.1, atol: 0 }).close).toBe(true);
	expect(distance(100, 111.2, { rtol: 0.1, atol: 0 }).close).toBe(false);
	expect(distance(0, 1e-9, { rtol: 0.1, atol: 0 }).close).toBe(false);
	expect(distance(0, 1e-9, { rtol: 0, atol: 1e-8 }).close).toBe(true);
});

test('an output is a number where it is nothing else', () => {
	expect(['42', ' -1.5e-3\n', 'nan'].map(isNumber)).toEqual([true, true, true]);
	expect(['42 m', '1 2', '', 'x', '1.2.3'].map(isNumber)).toEqual([false, false, false, false, false]);
});
