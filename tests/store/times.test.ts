import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { timesOfLines } from '../../core/src/store/index.ts';
import { folder } from './some.ts';

const long = 'x'.repeat(3_000_000);
const text = `12 1700000000.250000 access("/a") = 0\n7   1700000001.500000 open("${long}") = 3\nno time\n9 1700000002.000000 exit\n`;

test('a log tells when its lines were written, grown or compressed; a line without a time is left out', async () => {
	const place = folder();
	writeFileSync(join(place, 'a.strace'), text);
	writeFileSync(join(place, 'b.strace.gz'), gzipSync(text));
	const expected = new Map([
		[2, 1_700_000_001_500],
		[4, 1_700_000_002_000],
	]);
	for (const name of ['a.strace', 'b.strace'])
		expect(await timesOfLines(join(place, name), new Set([2, 3, 4, 9]))).toEqual(expected);
	expect(await timesOfLines(join(place, 'a.strace'), new Set([1]))).toEqual(new Map([[1, 1_700_000_000_250]]));
});

test('without a log nothing is known, and one that is cut is told', async () => {
	const place = folder();
	expect(await timesOfLines(join(place, 'none.strace'), new Set([1]))).toEqual(new Map());
	writeFileSync(join(place, 'c.strace.gz'), gzipSync(text).subarray(0, 300));
	await expect(timesOfLines(join(place, 'c.strace'), new Set([4]))).rejects.toMatchObject({ code: 'CELLAR_LOG_UNREADABLE' });
});
