import { expect, test } from 'vitest';
import { comparePng } from '../../core/src/verify/kinds/images.ts';
import { strict, within } from './ground.ts';
import { gradient, gradientBut, png, png16, withText } from './pictures.ts';

const picture = png(40, 30, gradient);

test('equal files are the same; equal pixels in other files too, and the reason says so', () => {
	expect(comparePng(picture, picture, strict)).toEqual({ verdict: 'same', reason: null, largestDifference: null });
	expect(comparePng(withText(picture, 'Matplotlib 3.10'), withText(picture, 'Matplotlib 3.11'), strict)).toMatchObject({
		verdict: 'same',
		reason: expect.stringContaining('every pixel is equal'),
	});
});

test('one pixel that changed by one step differs, with its place and by how much', () => {
	const [r, g, b, a] = gradient(12, 7);
	const changed = png(40, 30, gradientBut({ '12,7': [r, g + 1, b, a] }));
	expect(comparePng(picture, changed, strict)).toEqual({
		verdict: 'differs',
		reason: '1 of 40x30 pixels differs, at 12,7, by at most 1 of 255; none of them can be told apart by eye',
		largestDifference: 1,
	});
});

test('several pixels are counted within the box that holds them', () => {
	const changed = png(40, 30, gradientBut({ '3,20': [0, 0, 0, 255], '30,5': [255, 255, 255, 255], '10,10': [255, 0, 0, 255] }));
	expect(comparePng(picture, changed, strict)).toMatchObject({
		verdict: 'differs',
		reason: expect.stringMatching(
			/^3 of 40x30 pixels differ, within 3,5 to 30,20, by at most \d+ of 255; 3 can be told apart by eye$/,
		),
	});
});

test('a change that is invisible, under full transparency, is a change', () => {
	const clear = png(2, 2, () => [10, 20, 30, 0]);
	expect(
		comparePng(
			clear,
			png(2, 2, () => [10, 20, 31, 0]),
			strict,
		),
	).toMatchObject({ verdict: 'differs', largestDifference: 1 });
});

test('with a tolerance the channels are numbers like any others', () => {
	const darker = png(40, 30, (x, y) => {
		const [r, g, b, a] = gradient(x, y);
		return [Math.max(0, r - 2), g, b, a];
	});
	expect(comparePng(picture, darker, within({ atol: 2 }))).toMatchObject({ verdict: 'close', largestDifference: 2 });
	expect(comparePng(picture, darker, within({ atol: 1 }))).toMatchObject({ verdict: 'differs', largestDifference: 2 });
	expect(comparePng(picture, darker, within({ rtol: 1e-9 }))).toMatchObject({ verdict: 'differs' });
});

test('the lower half of 16 bits is compared too', () => {
	const deep = png16(8, 8, (x, y) => [x * 1000, y * 1000, 40000, 65535]);
	const changed = png16(8, 8, (x, y) => [x * 1000, y * 1000 + (x === 3 && y === 4 ? 1 : 0), 40000, 65535]);
	expect(comparePng(deep, deep, strict).verdict).toBe('same');
	expect(comparePng(deep, withText(deep, 'x'), strict).verdict).toBe('same');
	expect(comparePng(deep, changed, strict)).toMatchObject({
		verdict: 'differs',
		reason: '1 of 8x8 pixels differs, at 3,4, by at most 1 of 65535',
		largestDifference: 1,
	});
	expect(
		comparePng(
			deep,
			png(8, 8, () => [0, 0, 0, 255]),
			strict,
		),
	).toMatchObject({ verdict: 'differs', reason: '16 bits a channel against 8' });
});

test('another size differs, with both', () => {
	expect(comparePng(picture, png(40, 31, gradient), strict)).toMatchObject({
		verdict: 'differs',
		reason: '40x30 pixels against 40x31',
	});
});

test('a broken picture differs and says which one it is', () => {
	const cut = picture.subarray(0, picture.length - 60);
	expect(comparePng(picture, cut, strict)).toMatchObject({
		verdict: 'differs',
		reason: expect.stringMatching(/^the bytes differ; the second is broken: /),
	});
	expect(comparePng(Buffer.from('not one'), picture, strict)).toMatchObject({
		verdict: 'differs',
		reason: 'the bytes differ; the first is not a PNG picture',
	});
	const flipped = Buffer.from(picture);
	flipped[60] = (flipped[60] ?? 0) ^ 0xff;
	expect(comparePng(flipped, picture, strict).reason).toMatch(/^the bytes differ; the first is broken: /);
});

test('a picture that claims to be larger than any memory is not decoded', () => {
	const bomb = Buffer.from(picture);
	bomb.writeUInt32BE(60_000, 16);
	bomb.writeUInt32BE(60_000, 20);
	expect(comparePng(bomb, picture, strict)).toMatchObject({
		verdict: 'not compared',
		reason: expect.stringContaining('60000x60000 pixels, too many to decode'),
	});
});

test('a large photograph of 4096x2048 is compared, and its one changed pixel found', () => {
	const large = png(4096, 2048, gradient);
	const changed = png(4096, 2048, gradientBut({ '4095,2047': [1, 2, 3, 255] }));
	expect(comparePng(large, changed, strict)).toMatchObject({
		verdict: 'differs',
		reason: expect.stringContaining('1 of 4096x2048 pixels differs, at 4095,2047'),
	});
});
