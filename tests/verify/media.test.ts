import { expect, test } from 'vitest';
import type { MimeBundle } from '../../core/src/model/index.ts';
import { compareErrors } from '../../core/src/verify/kinds/errors.ts';
import { compareMedia } from '../../core/src/verify/kinds/media.ts';
import { raised, strict, within } from './ground.ts';
import { gradient, gradientBut, png } from './pictures.ts';

const picture = png(4, 4, gradient).toString('base64');
const changed = png(4, 4, gradientBut({ '1,1': [0, 0, 0, 255] })).toString('base64');

function compare(a: MimeBundle, b: MimeBundle, o = strict) {
	return compareMedia(a, b, o);
}

test('the kind is that of the richest medium, and every medium counts', () => {
	const frame = { 'text/plain': '   x\n0  1', 'text/html': '<table><tr><td>1</td></tr></table>' };
	expect(compare(frame, frame)).toEqual({ kind: 'table', verdict: 'same', reason: null, largestDifference: null });
	expect(compare(frame, { ...frame, 'text/plain': '   x\n0  2' })).toMatchObject({
		kind: 'table',
		verdict: 'differs',
		reason: 'text/plain: line 2: 1 against 2 (difference 1, relative 0.5)',
	});
	const figure = { 'image/png': picture, 'text/plain': '<Figure size 640x480 with 1 Axes>' };
	expect(compare(figure, { ...figure, 'image/png': changed })).toMatchObject({
		kind: 'image',
		verdict: 'differs',
		reason: expect.stringMatching(/^image\/png: 1 of 4x4 pixels/),
	});
	expect(compare({ 'text/html': '<b>x</b>' }, { 'text/html': '<b>x</b>' }).kind).toBe('html');
	expect(compare({ 'text/plain': '4.5' }, { 'text/plain': '4.5' }).kind).toBe('number');
	expect(compare({ 'text/plain': 'four' }, { 'text/plain': 'four' }).kind).toBe('text');
});

test('base64 with line breaks is the same picture', () => {
	expect(compare({ 'image/png': picture }, { 'image/png': `${picture.slice(0, 10)}\n${picture.slice(10)}\n` })).toMatchObject({
		verdict: 'same',
	});
});

test('a medium that one of them lacks is a difference', () => {
	expect(compare({ 'text/plain': 'x', 'image/png': picture }, { 'text/plain': 'x' })).toMatchObject({
		kind: 'image',
		verdict: 'differs',
		reason: 'image/png: the second does not show it',
	});
	expect(compare({ 'text/plain': 'x' }, { 'text/plain': 'x', 'text/latex': '$x$' })).toMatchObject({
		verdict: 'differs',
		reason: 'text/latex: the first does not show it',
	});
});

test('JSON is compared by value, whatever the order of its keys, and its numbers within the tolerance', () => {
	const media = 'application/vnd.plotly.v1+json';
	expect(compare({ [media]: { y: [1, 2], x: 'a' } }, { [media]: { x: 'a', y: [1, 2] } })).toMatchObject({
		verdict: 'same',
		reason: null,
	});
	expect(compare({ [media]: { y: [1, 2] } }, { [media]: { y: [1, 2.01] } })).toMatchObject({ verdict: 'differs' });
	expect(compare({ [media]: { y: [1, 2] } }, { [media]: { y: [1, 2.01] } }, within({ atol: 0.1 }))).toMatchObject({
		verdict: 'close',
	});
});

test('an SVG, a JPEG and a PDF are compared by their bytes, and the reason says so', () => {
	for (const media of ['image/svg+xml', 'image/jpeg', 'application/pdf']) {
		expect(compare({ [media]: 'aaaa' }, { [media]: 'aaaa' })).toMatchObject({ kind: 'image', verdict: 'same' });
		expect(compare({ [media]: 'aaaa' }, { [media]: 'aaab' })).toMatchObject({
			kind: 'image',
			verdict: 'differs',
			reason: expect.stringContaining('only PNG'),
		});
	}
});

test('a widget is not compared, whatever its name says', () => {
	const widget = (model: string) => ({
		'application/vnd.jupyter.widget-view+json': { model_id: model },
		'text/plain': 'IntSlider(value=3)',
	});
	expect(compare(widget('a'), widget('b'))).toMatchObject({ kind: 'widget', verdict: 'not compared' });
	expect(compare(widget('a'), { 'text/plain': 'IntSlider(value=3)' })).toMatchObject({ verdict: 'differs' });
});

test('other text media are compared as text', () => {
	expect(compare({ 'text/latex': '$x=1$' }, { 'text/latex': '$x=2$' })).toMatchObject({ kind: 'text', verdict: 'differs' });
	expect(compare({ 'text/markdown': ['# a', 'b'] }, { 'text/markdown': '# ab' })).toMatchObject({ verdict: 'same' });
});

test('an error that came again is the same, colours apart', () => {
	const colourful = raised('ValueError', 'no 3', [
		'\u001b[31mValueError\u001b[39m',
		'line \u001b[32m1\u001b[0m',
		'ValueError: no 3',
	]);
	const plain = raised('ValueError', 'no 3', ['ValueError', 'line 1', 'ValueError: no 3']);
	if (colourful.output_type !== 'error' || plain.output_type !== 'error') throw new Error('not errors');
	expect(compareErrors(colourful, plain, strict)).toEqual({ verdict: 'same', reason: null, largestDifference: null });
	expect(compareErrors(colourful, { ...plain, evalue: 'no 4' }, strict)).toMatchObject({
		verdict: 'differs',
		reason: 'ValueError: 3 against 4 (difference 1, relative 0.25)',
	});
	expect(compareErrors(colourful, { ...plain, ename: 'KeyError' }, strict)).toMatchObject({
		verdict: 'differs',
		reason: expect.stringContaining('"ValueError" against "KeyError"'),
	});
	expect(compareErrors(colourful, { ...plain, traceback: ['ValueError', 'line 2', 'ValueError: no 3'] }, strict)).toMatchObject({
		verdict: 'differs',
		reason: expect.stringMatching(/^traceback: line 2: 1 against 2/),
	});
});
