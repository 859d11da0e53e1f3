import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { masks } from '../../core/src/verify/index.ts';
import { compareHtml } from '../../core/src/verify/kinds/html.ts';
import { compareText } from '../../core/src/verify/kinds/text.ts';
import { dated } from './ground.ts';

/** For each mask, what two runs print that mean the same. The first was on 22 November 2026, the second on 13 December. */
const alike: readonly (readonly [mask: string, a: string, b: string])[] = [
	['overwritten text', ' 10%|#   \r100%|####', ' 25%|##  \r 50%|##  \r100%|####'],
	['memory address', '<Thing object at 0x7f1c2a3b4c50>', '<Thing object at 0x7fe0aa12bb90>'],
	['memory address', '<function f at 0x7f1c2a3b4c50> 3', '<function f at 0x55d0aa12bb90> 3'],
	['memory address', '<environment: 0x55c6e6b5d0f8>', '<environment: 0x5581e6b5d0f8>'],
	[
		'thread identifier',
		'<Thread(Thread-5 (work), started daemon 139871234567890)>',
		'<Thread(Thread-5 (work), started daemon 140511234567890)>',
	],
	['time of the run', 'saved 2026-11-22T10:00:03.123456+00:00', 'saved 2026-12-13T08:30:04.654321+00:00'],
	['time of the run', 'INFO 2026-11-22 11:00:03,123 ready', 'INFO 2026-12-13 09:30:04,001 ready'],
	[
		'time of the run, as Python shows it',
		'datetime.datetime(2026, 11, 22, 10, 0, 3, 123456)',
		'datetime.datetime(2026, 12, 13, 8, 30, 4)',
	],
	['time of the run, in words', 'Sun Nov 22 10:00:03 2026', 'Sun Dec 13 08:30:04 2026'],
	['time of the run, in words', 'Sun Nov 22 10:00:03 AM UTC 2026', 'Sun Dec 13 08:30:04 AM UTC 2026'],
	['time of the run, as in a message', 'Date: Sun, 22 Nov 2026 10:00:03 GMT', 'Date: Sun, 13 Dec 2026 08:30:04 GMT'],
	['date of the run', 'report of 2026-11-22', 'report of 2026-12-13'],
	['time that a cell took', 'CPU times: user 12 ms, sys: 3 ms, total: 15 ms', 'CPU times: user 1.2 s, sys: 33 µs, total: 1.2 s'],
	['time that a cell took', 'Wall time: 20.3 ms', 'Wall time: 1min 2s'],
	[
		'time that a loop took',
		'1.23 µs ± 4.5 ns per loop (mean ± std. dev. of 7 runs, 1,000,000 loops each)',
		'989 ns ± 12.1 ns per loop (mean ± std. dev. of 7 runs, 100,000 loops each)',
	],
	[
		'time that a loop took',
		'1min 2s ± 1.5 s per loop (mean ± std. dev. of 7 runs, 1 loop each)',
		'59.1 s ± 1.5 s per loop (mean ± std. dev. of 7 runs, 1 loop each)',
	],
	['rate of a progress bar', '100%|##| 10/10 [00:01<00:00,  9.85it/s]', '100%|##| 10/10 [00:02<00:00,  4.70it/s]'],
	['rate of a progress bar', '10it [00:01,  9.85it/s]', '10it [00:12,  1.20s/it]'],
	['rate of a progress bar', '100%|##| 5.00M/5.00M [00:01<00:00, 4.9MB/s]', '100%|##| 5.00M/5.00M [00:03<00:00, 1.7MB/s]'],
	['process id', '/tmp/ipykernel_1234/99887766.py:3: UserWarning: x', '/tmp/ipykernel_77/99887766.py:3: UserWarning: x'],
	[
		'process id',
		"<ForkProcess name='ForkProcess-1' pid=1234 parent=1200 started>",
		"<ForkProcess name='ForkProcess-1' pid=88 parent=61 started>",
	],
	['process id', '(train pid=4411) loss 0.5', '(train pid=95) loss 0.5'],
	['process id', "(node:26587) Warning: The 'NO_COLOR' env is ignored", "(node:88) Warning: The 'NO_COLOR' env is ignored"],
	['process id', '(node:26587) [DEP0040] DeprecationWarning: punycode', '(node:88) [DEP0040] DeprecationWarning: punycode'],
	['temporary name', 'wrote /tmp/tmpab12_x9z/out.csv', 'wrote /tmp/tmpq0q0q0q0/out.csv'],
	['temporary name', '/var/tmp/tmp.AbCdEfGhIj', '/var/tmp/tmp.0123456789'],
	['temporary name', '/tmp/RtmpAb12Cd/file1a2b3c4d5e6f.csv', '/tmp/RtmpZZ99aa/file0011223344.csv'],
	['random UUID', 'id 6fa459ea-ee8a-4ca4-894e-db77e160355e', 'id 16fd2706-8baf-433b-82eb-8c7fada847da'],
	[
		'local port',
		'tcp://127.0.0.1:40393 and http://localhost:8787/status',
		'tcp://127.0.0.1:39111 and http://localhost:33333/status',
	],
	['local port', 'Hosting the HTTP server on port 38575 instead', 'Hosting the HTTP server on port 40101 instead'],
	['start-up time of the debugger', '0.00s - Debugger warning: It seems', '0.01s - Debugger warning: It seems'],
];

test.each(alike)('%s: two runs that say the same are the same, and the mask is named', (name, a, b) => {
	expect(compareText(a, b, dated)).toEqual({ verdict: 'same', reason: `masked: ${name}`, largestDifference: null });
});

test.each([
	[
		'style identifier',
		'<style>#T_1a2b3_row0_col0 {color: red}</style><table id="T_1a2b3"><tr><td id="T_1a2b3_row0_col0" class="data row0">5</td></tr></table>',
	],
	['chart identifier', '<div id="altair-viz-0123456789abcdef0123456789abcdef"></div>'],
])('%s: masked in HTML, where it ties parts of the page together', (name, html) => {
	const other = html.replaceAll('1a2b3', 'fedcb').replaceAll('0123456789abcdef', 'fedcba9876543210');
	expect(compareHtml(html, other, dated).judged).toEqual({
		verdict: 'same',
		reason: `markup: masked: ${name}`,
		largestDifference: null,
	});
	expect(compareText(html, other, dated).verdict).toBe('differs');
});

/** What looks like something masked and is, or may be, a result. */
const results: readonly (readonly [why: string, a: string, b: string])[] = [
	['a hexadecimal number', 'crc 0x1c2a3b4c', 'crc 0x1c2a3b4d'],
	['a short address, which is an offset', 'found at 0x1f', 'found at 0x2f'],
	['a date in the data', '2020-01-31 7.5', '2020-02-01 7.5'],
	['a date that one of the runs was not made on', 'until 2026-11-22', 'until 2026-11-23'],
	['a date of the first run, shown by the second', 'made 2026-11-22', 'made 2026-11-21'],
	['a time in the data', '2019-05-05 10:00:00', '2019-05-05 10:00:01'],
	['a duration', '0 days 00:00:03', '0 days 00:00:04'],
	['a duration in words', 'the orbit takes 3.2 s', 'the orbit takes 3.3 s'],
	['seconds since 1970', '1795387751.69', '1795387752.69'],
	[
		'what a progress bar was told to show',
		'10/10 [00:01<00:00,  9.85it/s, loss=0.50]',
		'10/10 [00:01<00:00,  9.85it/s, loss=0.51]',
	],
	['what a progress bar counts', '10/10 [00:01<00:00,  9.85it/s]', '11/11 [00:01<00:00,  9.85it/s]'],
	['a patient', 'pid: 4411', 'pid: 4412'],
	['a node of a graph', '(node:26587) degree 3', '(node:88) degree 3'],
	['a patient in a table', 'pid=4411 dose=2', 'pid=4412 dose=2'],
	['the text of the cell that warned', '/tmp/ipykernel_1/111.py:3: UserWarning', '/tmp/ipykernel_2/112.py:3: UserWarning'],
	['a name below /tmp that was chosen', '/tmp/temporal.csv', '/tmp/tempo.csv'],
	['a UUID that is computed from a name', '886313e1-3b8a-5372-9b90-0c9aee199e5d', '886313e1-3b8a-5372-9b90-0c9aee199e5e'],
	['a port of another machine', 'db.example.org:5432', 'db.example.org:5433'],
	['a ratio', '127:40393', '127:40394'],
	['a name like a style identifier', 'T_00012', 'T_00013'],
	['a number beside something masked', '<T at 0x7f1c2a3b4c50> 1.000000', '<T at 0x7f1c2a3b4c51> 1.000001'],
	['the end of a line that was overwritten', 'a\rb', 'a\rc'],
];

test.each(results)('%s is a result and is compared', (_, a, b) => {
	expect(compareText(a, b, dated).verdict).toBe('differs');
	expect(compareText(b, a, { ...dated, when: { a: dated.when.b, b: dated.when.a } }).verdict).toBe('differs');
});

test('where it is not known when the runs were made, no time is masked', () => {
	expect(compareText('2026-11-22 10:00:03', '2026-12-13 08:30:04', { ...dated, when: { a: null, b: null } }).verdict).toBe(
		'differs',
	);
});

test('a mask that both texts match alike was not needed and is not named', () => {
	expect(compareText('Wall time: 3 s\nA at 0x7f1c2a3b4c50', 'Wall time: 3 s\nA at 0x7f1c2a3b4c51', dated).reason).toBe(
		'masked: memory address',
	);
});

test('no mask makes two different tables of numbers the same', () => {
	const numbers = fc.array(fc.array(fc.oneof(fc.integer(), fc.double({ noNaN: true })), { minLength: 1, maxLength: 4 }), {
		minLength: 1,
		maxLength: 6,
	});
	const print = (rows: readonly (readonly number[])[], gap: string) => rows.map((row) => row.join(gap)).join('\n');
	fc.assert(
		fc.property(numbers, numbers, fc.constantFrom(' ', ', ', '\t', '-', ':', '/'), (a, b, gap) => {
			fc.pre(print(a, gap) !== print(b, gap));
			expect(compareText(print(a, gap), print(b, gap), dated).verdict).toBe('differs');
		}),
		{ numRuns: 500 },
	);
});

test('every mask has a story here, and docs/verdicts.md lists them all with their reasons', () => {
	const told = new Set([...alike.map(([name]) => name), 'style identifier', 'chart identifier']);
	expect(masks.map(({ name }) => name)).toEqual([...told].toSorted((x, y) => place(x) - place(y)));
	const docs = readFileSync(new URL('../../docs/verdicts.md', import.meta.url), 'utf8');
	for (const { name, reason } of masks) expect(docs).toContain(`| ${name} | ${reason} |`);
});

function place(name: string): number {
	return masks.findIndex((mask) => mask.name === name);
}
