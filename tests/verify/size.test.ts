import { expect, test } from 'vitest';
import { compareText } from '../../core/src/verify/kinds/text.ts';
import { compareHtml } from '../../core/src/verify/kinds/html.ts';
import { strict, within } from './ground.ts';

const lines = 1_000_000;
const text = Array.from({ length: lines }, (_, at) => `sample ${at} has the value ${at / 7} and is one of many`).join('\n');

test('of a text of 50 MB, the one number that differs is found', () => {
	expect(text.length).toBeGreaterThan(50 * 2 ** 20);
	const at = text.lastIndexOf(' 142855.');
	const changed = `${text.slice(0, at)} 142856.${text.slice(at + 8)}`;
	expect(compareText(text, changed, strict)).toMatchObject({
		verdict: 'differs',
		reason: expect.stringMatching(/^line 99\d{4}: 142855/),
	});
	expect(compareText(text, changed, within({ rtol: 1e-3 }))).toMatchObject({ verdict: 'close' });
});

test('a line of 50 MB without an end is compared too', () => {
	const line = text.replaceAll('\n', ' ');
	expect(compareText(line, `${line.slice(0, -4)}few`, strict)).toMatchObject({
		verdict: 'differs',
		reason: expect.stringContaining('any'),
	});
});

test('long runs of what the patterns look for take no more than their length', () => {
	for (const unit of ['1', '1a', '1.', '-', '<', '(', '[1:', 'T_', '/tmp/', 'at ', '"', 'inf', '\r', '2026-']) {
		const long = unit.repeat(1_000_000 / unit.length);
		expect(compareText(`${long}x`, `${long}y`, strict).verdict).toBe('differs');
		expect(compareText(`${long} 1`, `${long} 2`, within({ atol: 2 })).verdict).not.toBe('same');
	}
	const cells = '<tr><td>1</td></tr>'.repeat(50_000);
	expect(compareHtml(`<table>${cells}</table>`, `<table>${cells}<tr><td>2</td></tr></table>`, strict).judged.reason).toMatch(
		/^50000 rows against 50001/,
	);
});
