import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
	appendFileSync,
	chmodSync,
	linkSync,
	mkdirSync,
	openSync,
	readFileSync,
	readdirSync,
	statSync,
	symlinkSync,
	unlinkSync,
	utimesSync,
	writeFileSync,
	writeSync,
	closeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeName, fsPath, type CellResult } from '../../core/src/model/index.ts';
import { keepOutputs, look, openBlobs, sha256Of } from '../../core/src/store/index.ts';
import { failureOf, folder, smallDisk, someResult } from './some.ts';

const sha = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Every file below a blob store, as paths from its root. */
function blobsIn(home: string): string[] {
	return readdirSync(join(home, 'blobs'), { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name).slice(join(home, 'blobs').length + 1))
		.toSorted();
}

test('a file is kept under its hash, once, readable by its owner and changed by nobody', async () => {
	const home = folder();
	const from = join(folder(), 'photo.jpg');
	writeFileSync(from, 'the bytes');
	const blobs = openBlobs(home);
	expect(await blobs.putFile(from, 1000)).toEqual({ sha256: sha('the bytes'), size: 9, kept: true });
	expect(await blobs.putFile(from, 1000)).toEqual({ sha256: sha('the bytes'), size: 9, kept: true });
	expect(await blobs.putBytes(Buffer.from('the bytes'))).toBe(sha('the bytes'));
	expect(blobsIn(home)).toEqual([`sha256/${sha('the bytes').slice(0, 2)}/${sha('the bytes')}`]);
	const path = blobs.path(sha('the bytes'));
	expect(readFileSync(path, 'utf8')).toBe('the bytes');
	expect(statSync(path).mode & 0o777).toBe(0o400);
	expect(statSync(join(home, 'blobs')).mode & 0o777).toBe(0o700);
	expect(await blobs.has(sha('the bytes'))).toBe(true);
	expect(await blobs.has(sha('others'))).toBe(false);
});

test('whatever is put comes back, also from files whose names are any bytes', async () => {
	const blobs = openBlobs(folder());
	const place = folder();
	const fileName = fc.uint8Array({ minLength: 1, maxLength: 60 }).filter((bytes) => !bytes.includes(0) && !bytes.includes(0x2f));
	await fc.assert(
		fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), fileName, async (content, name) => {
			fc.pre(!['.', '..'].includes(Buffer.from(name).toString('latin1')));
			const path = encodeName(Buffer.concat([Buffer.from(`${place}/`), name]));
			writeFileSync(fsPath(path), content);
			const put = await blobs.putFile(path, Infinity);
			expect(put).toEqual({ sha256: sha(content), size: content.length, kept: true });
			expect(await sha256Of(path)).toBe(sha(content));
			expect(new Uint8Array(readFileSync(blobs.path(put!.sha256)))).toEqual(new Uint8Array(content));
			expect(look(path)).toMatchObject({ path, realPath: path, kind: 'file', size: content.length });
			unlinkSync(fsPath(path));
		}),
		{ numRuns: 60 },
	);
});

test('a file above the limit has its hash and is not kept', async () => {
	const home = folder();
	const from = join(folder(), 'large');
	writeFileSync(from, Buffer.alloc(3 << 20, 7));
	expect(await openBlobs(home).putFile(from, (3 << 20) - 1)).toEqual({
		sha256: sha(Buffer.alloc(3 << 20, 7)),
		size: 3 << 20,
		kept: false,
	});
	expect(readdirSync(home)).toEqual([]);
});

test('what has no content to keep is null: a missing file, a folder, a pipe that nobody writes to, a loop of links', async () => {
	const blobs = openBlobs(folder());
	const place = folder();
	execFileSync('mkfifo', [join(place, 'pipe')]);
	symlinkSync('loop', join(place, 'loop'));
	for (const name of ['missing', '.', 'pipe', 'loop', 'pipe/below']) {
		expect(await blobs.putFile(`${place}/${name}`, 1000)).toBeNull();
		expect(await sha256Of(`${place}/${name}`)).toBeNull();
	}
});

test('a file that is written to while it is copied is never kept as something it was not', async () => {
	const home = folder();
	const blobs = openBlobs(home);
	const from = join(folder(), 'growing');
	writeFileSync(from, Buffer.alloc(32 << 20, 1));
	const file = openSync(from, 'r+');
	const stop = new AbortController();
	const writing = (async () => {
		for (let n = 0; !stop.signal.aborted; n++) {
			writeSync(file, Buffer.from([n]), 0, 1, (n * 65_537) % (32 << 20));
			await turn();
		}
	})();
	const puts = await Promise.all([blobs.putFile(from, Infinity), blobs.putFile(from, Infinity)]);
	stop.abort();
	await writing;
	closeSync(file);
	expect(puts).toEqual([null, null]);
	expect(readdirSync(home)).toEqual([]);
	const put = await blobs.putFile(from, Infinity);
	expect(put).toEqual({ sha256: sha(readFileSync(from)), size: 32 << 20, kept: true });
	expect(await blobs.isWhole(put!.sha256)).toBe(true);
});

test('a blob that lost bytes on the disk is told from a whole one, and is made whole by the next put', async () => {
	const blobs = openBlobs(folder());
	const sha256 = await blobs.putBytes(Buffer.from('all of it'));
	chmodSync(blobs.path(sha256), 0o600);
	writeFileSync(blobs.path(sha256), 'all');
	expect(await blobs.isWhole(sha256)).toBe(false);
	await blobs.putBytes(Buffer.from('all of it'));
	expect(await blobs.isWhole(sha256)).toBe(true);
});

test('a word that is no sha256 leads nowhere', () => {
	const blobs = openBlobs(folder());
	for (const word of ['../../etc/passwd', '', 'A'.repeat(64), `${'a'.repeat(64)}/../x`])
		expect(() => blobs.path(word)).toThrow('is not a sha256');
});

test('a full disk: nothing half is left in the store, and what was kept is whole', async () => {
	const home = smallDisk(1 << 20);
	const blobs = openBlobs(home);
	const kept = await blobs.putBytes(Buffer.alloc(300_000, 1));
	const from = join(folder(), 'large');
	writeFileSync(from, Buffer.alloc(2 << 20, 2));
	expect(await failureOf(blobs.putFile(from, Infinity))).toMatchObject({ code: 'CELLAR_DISK_FULL', exitCode: 4 });
	expect(await failureOf(blobs.putBytes(Buffer.alloc(2 << 20, 3)))).toMatchObject({ code: 'CELLAR_DISK_FULL', exitCode: 4 });
	expect(blobsIn(home)).toEqual([`sha256/${kept.slice(0, 2)}/${kept}`]);
	expect(await blobs.isWhole(kept)).toBe(true);
});

test('a look at a link tells of the link, and where it leads', async () => {
	const place = folder();
	writeFileSync(join(place, 'file'), '12345');
	chmodSync(join(place, 'file'), 0o640);
	utimesSync(join(place, 'file'), 1000.5, 1_234_567.891);
	symlinkSync('file', join(place, 'link'));
	symlinkSync('nowhere', join(place, 'dangling'));
	mkdirSync(join(place, 'folder'));
	expect(look(join(place, 'file'))).toMatchObject({
		kind: 'file',
		size: 5,
		mode: 0o640,
		mtime: 1_234_567_891,
		target: null,
	});
	expect(look(join(place, 'link'))).toMatchObject({ kind: 'link', target: 'file', realPath: join(place, 'file') });
	expect(look(join(place, 'dangling'))).toMatchObject({ kind: 'link', target: 'nowhere', realPath: null });
	expect(look(join(place, 'folder'))).toMatchObject({ kind: 'directory', realPath: join(place, 'folder') });
	expect(look(join(place, 'missing'))).toEqual({
		path: join(place, 'missing'),
		realPath: null,
		kind: 'gone',
		size: null,
		mode: null,
		mtime: null,
		born: null,
		target: null,
	});
	for (const name of ['file/below', 'x'.repeat(300), 'with\\x00nul']) expect(look(join(place, name)).kind).toBe('gone');
	expect(look('/dev/null').kind).toBe('other');
});

test('the birth of a file is told, and stays when it is written to', async () => {
	const path = join(folder(), 'file');
	const before = Date.now();
	writeFileSync(path, 'a');
	const born = look(path).born;
	expect(born).toBeGreaterThanOrEqual(before - 1000);
	expect(born).toBeLessThanOrEqual(Date.now() + 1000);
	appendFileSync(path, 'b');
	linkSync(path, `${path}2`);
	expect(look(path).born).toBe(born);
});

test('each representation of an output is a row and a blob: pictures as their own bytes, text as UTF-8', async () => {
	const blobs = openBlobs(folder());
	const picture = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255]);
	const results: CellResult[] = [
		someResult(1),
		someResult(2, {
			outputs: [
				{
					output_type: 'display_data',
					data: { 'text/plain': '<Figure>', 'image/png': `${picture.toString('base64')}\n`, 'image/svg+xml': '<svg/>' },
					metadata: {},
				},
				{ output_type: 'execute_result', data: { 'application/json': { a: [1] } }, metadata: {}, execution_count: 2 },
				{ output_type: 'error', ename: 'ValueError', evalue: 'no', traceback: ['line 1', 'ValueError: no'] },
			],
		}),
	];
	const rows = await keepOutputs(results, blobs, Infinity);
	expect(rows.map((row) => [row.cell, row.output, row.kind, row.media, row.name])).toEqual([
		[1, 0, 'stream', 'text/plain', 'stdout'],
		[2, 0, 'display_data', 'image/png', null],
		[2, 0, 'display_data', 'image/svg+xml', null],
		[2, 0, 'display_data', 'text/plain', null],
		[2, 1, 'execute_result', 'application/json', null],
		[2, 2, 'error', 'text/plain', 'ValueError'],
	]);
	const contents = rows.map((row) => readFileSync(blobs.path(row.blob!)));
	expect(contents[1]).toEqual(picture);
	expect(contents.map(String).toSpliced(1, 1)).toEqual([
		'cell 1 says hello\n',
		'<svg/>',
		'<Figure>',
		'{"a":[1]}',
		'line 1\nValueError: no',
	]);
	expect(rows.every((row, at) => row.sha256 === sha(contents[at]!) && row.bytes === contents[at]!.length)).toBe(true);
});

test('outputs above the limit have their hash alone', async () => {
	const home = folder();
	const rows = await keepOutputs([someResult(1), someResult(22)], openBlobs(home), 20);
	expect(rows.map((row) => row.blob)).toEqual([sha('cell 1 says hello\n'), null]);
	expect(rows[1]!.sha256).toBe(sha('cell 22 says hello\n'));
	expect(blobsIn(home)).toHaveLength(1);
});
