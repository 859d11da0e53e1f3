import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Comparison } from '../../core/src/model/index.ts';
import { compareOutcomes, type Outcome, type OutcomeFile } from '../../core/src/verify/index.ts';
import { readIgnored } from '../../core/src/verify/ignore.ts';
import { cell, run } from './ground.ts';
import { gradient, gradientBut, png, withText } from './pictures.ts';

const folder = '/home/vera/project';

/** A file as a run keeps it: its hash always, its bytes where they were kept. */
function file(path: string, bytes: Buffer | string, kept = true): OutcomeFile {
	const content = Buffer.from(bytes);
	return {
		path,
		sha256: createHash('sha256').update(content).digest('hex'),
		bytes: () => Promise.resolve(kept ? content : null),
	};
}

function wrote(name: string, files: readonly OutcomeFile[], where = folder): Outcome {
	return { ...run(name, [cell(1, 'x')]), folder: where, files };
}

function compare(
	a: readonly OutcomeFile[],
	b: readonly OutcomeFile[],
	o: { rtol?: number; ignore?: readonly string[] } = {},
): Promise<Comparison> {
	return compareOutcomes(wrote('a', a), wrote('b', b), { rtol: 0, atol: 0, ignore: [], ...o });
}

test('equal hashes are the same, and the bytes are not asked for', async () => {
	const unread: OutcomeFile = { ...file(`${folder}/x.bin`, 'x'), bytes: () => Promise.reject(new Error('not to be read')) };
	expect(await compare([unread], [unread])).toMatchObject({
		verdict: 'same',
		files: [{ path: `${folder}/x.bin`, verdict: 'same', reason: null }],
	});
});

test('a table in a text file is compared by its numbers', async () => {
	const [a, b] = [file(`${folder}/t.csv`, 'x,y\n1,0.5\n'), file(`${folder}/t.csv`, 'x,y\n1,0.500001\n')];
	expect(await compare([a], [b])).toMatchObject({
		verdict: 'differs',
		files: [{ reason: expect.stringMatching(/^line 2: 0\.5 against 0\.500001/) }],
	});
	expect(await compare([a], [b], { rtol: 1e-3 })).toMatchObject({ verdict: 'close', files: [{ verdict: 'close' }] });
	expect(await compare([a], [file(`${folder}/t.csv`, 'x,y\n1,0.5\n2,0.7\n')])).toMatchObject({
		files: [{ verdict: 'differs', reason: '2 lines against 3; line 3: "" against "2,0.7"' }],
	});
});

test('a log with times and addresses of its run is the same', async () => {
	const log = (time: string, address: string) => file(`${folder}/log.txt`, `${time} <T at ${address}> 3\n`);
	const comparison = await compare(
		[log('2026-11-22 10:00:01', '0x7f1c2a3b4c50')],
		[log('2026-11-22 10:00:55', '0x7f1c2a3b4d60')],
	);
	expect(comparison.files).toEqual([
		{ path: `${folder}/log.txt`, verdict: 'same', reason: 'masked: memory address, time of the run' },
	]);
});

test('a picture is compared by its pixels, whatever its name', async () => {
	const picture = png(9, 9, gradient);
	const changed = png(9, 9, gradientBut({ '4,5': [0, 0, 0, 255] }));
	expect(await compare([file('/out/a', picture)], [file('/out/a', withText(picture, 'later'))])).toMatchObject({
		verdict: 'same',
	});
	expect(await compare([file('/out/a', picture)], [file('/out/a', changed)])).toMatchObject({
		files: [{ verdict: 'differs', reason: expect.stringContaining('at 4,5') }],
	});
});

test('any other file is compared by bytes, with sizes and the first place', async () => {
	const [a, b] = [Buffer.from([1, 0, 2, 3, 4]), Buffer.from([1, 0, 2, 9, 4, 5])];
	expect(await compare([file('/a.npy', a)], [file('/a.npy', b)])).toMatchObject({
		verdict: 'differs',
		files: [
			{
				verdict: 'differs',
				reason: '5 bytes against 6, the first difference at byte 3; files of this kind are compared by bytes',
			},
		],
	});
});

test('a file that only one run wrote differs', async () => {
	expect(await compare([file('/a', 'x')], [])).toMatchObject({
		verdict: 'differs',
		files: [{ path: '/a', verdict: 'differs', reason: 'the second run did not write it' }],
	});
	expect(await compare([], [file('/a', 'x')])).toMatchObject({
		verdict: 'differs',
		files: [{ path: '/a', reason: 'only the second run wrote it' }],
	});
});

test('a file whose bytes were not kept is the same by its hash, or not compared, which leaves the comparison incomplete', async () => {
	expect(await compare([file('/a', 'x', false)], [file('/a', 'x', false)])).toMatchObject({ verdict: 'same' });
	expect(await compare([file('/a', 'x', false)], [file('/a', 'y')])).toMatchObject({
		verdict: 'incomplete',
		files: [{ verdict: 'not compared', reason: 'the hashes differ, and the bytes of the first were not kept' }],
	});
	const unknown: OutcomeFile = { path: '/a', sha256: null, bytes: () => Promise.resolve(null) };
	expect((await compare([unknown], [unknown])).files[0]?.reason).toBe(
		'there is no hash of both, and the bytes of the first were not kept',
	);
});

test('files below the folder of each run are aligned by their path from there, files elsewhere by their whole path', async () => {
	const a = wrote('a', [file('/home/vera/project/out/t.csv', '1'), file('/data/u.csv', '2')]);
	const b = wrote('b', [file('/tmp/copy/out/t.csv', '1'), file('/data/u.csv', '2')], '/tmp/copy/');
	const comparison = await compareOutcomes(a, b, { rtol: 0, atol: 0, ignore: [] });
	expect(comparison).toMatchObject({
		verdict: 'same',
		files: [{ path: '/data/u.csv' }, { path: '/home/vera/project/out/t.csv' }],
	});
});

test('what --ignore leaves out is not compared, says by which pattern, and does not make the comparison incomplete', async () => {
	const [a, b] = [
		[file(`${folder}/cache/x`, '1'), file(`${folder}/t.csv`, '2')],
		[file(`${folder}/cache/x`, '3'), file(`${folder}/t.csv`, '2')],
	];
	const comparison = await compare(a, b, { ignore: ['cache/*'] });
	expect(comparison).toMatchObject({
		verdict: 'same',
		files: [{ verdict: 'not compared', reason: 'left out by --ignore cache/*' }, { verdict: 'same' }],
	});
});

test.each([
	['*.log', ['out/a.log', 'a.log'], ['a.log.txt', 'log']],
	['out/*.csv', ['out/a.csv'], ['out/deep/a.csv', 'a.csv']],
	['out/**/*.csv', ['out/a.csv', 'out/deep/er/a.csv'], ['a.csv']],
	['out/', ['out/a', 'out/deep/b'], ['output/a']],
	['./t.csv', ['t.csv'], ['x.csv']],
	['a?.txt', ['a1.txt', 'out/ab.txt'], ['a.txt', 'a12.txt']],
	['/home/vera/project/t.*', ['t.csv'], ['u.csv']],
	['/data/**', ['/data/x', '/data/y/z'], ['/database']],
	['[a].txt', ['[a].txt'], ['a.txt']],
])('the pattern %s', (pattern, matched, unmatched) => {
	const ignored = readIgnored([pattern]);
	const found = (path: string) => (path.startsWith('/') ? ignored.file(path, null) : ignored.file(`${folder}/${path}`, path));
	for (const path of matched) expect([path, found(path)]).toEqual([path, pattern]);
	for (const path of unmatched) expect([path, found(path)]).toEqual([path, null]);
});

test('a cell that is no number is refused', () => {
	for (const pattern of ['cell:', 'cell:0', 'cell:two', 'cell:1-3']) {
		expect(() => readIgnored([pattern])).toThrow(
			expect.objectContaining({ code: 'CELLAR_USAGE', hint: expect.stringContaining('cell:3') }),
		);
	}
});
