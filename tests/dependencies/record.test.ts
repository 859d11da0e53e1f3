import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseMetadata } from '../../core/src/dependencies/python/metadata.ts';
import { parseRecord, sha256InHash } from '../../core/src/dependencies/python/record.ts';
import { parentOf, relativeTo } from '../../core/src/dependencies/paths.ts';
import { openSite } from '../../core/src/dependencies/python/site.ts';
import { siteOf } from './venv.ts';

const rows = (text: string) => parseRecord(Buffer.from(text), '/site/x.dist-info/RECORD');
const paths = (text: string) => rows(text).rows.map((row) => row.path);

test('a RECORD is csv: quotes hold commas, quotes and line ends, and lines may end as on Windows', () => {
	expect(rows('numpy/a.py,sha256=abc,12\r\n"a,b.txt",,\n"q""u.txt",sha256=x,3\n"two\nlines",,\nlast.py,,').rows).toEqual([
		{ path: 'numpy/a.py', hash: 'sha256=abc', size: 12 },
		{ path: 'a,b.txt', hash: null, size: null },
		{ path: 'q"u.txt', hash: 'sha256=x', size: 3 },
		{ path: 'two\nlines', hash: null, size: null },
		{ path: 'last.py', hash: null, size: null },
	]);
});

test('whatever names a RECORD is written with are read again', () => {
	const quoted = (word: string) => (/[",\n\r]/.test(word) ? `"${word.replaceAll('"', '""')}"` : word);
	const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((word) => !/[\0\r]/.test(word));
	fc.assert(
		fc.property(fc.array(name), (names) => {
			expect(paths(names.map((one) => `${quoted(one)},,\n`).join(''))).toEqual(names);
		}),
	);
});

test('whatever a RECORD lists is found by its path, though only those that may list it are read', () => {
	const word = fc.constantFrom('a', 'b.py', '.c', '..', '.', 'd e', 'é', 'f\\g', '..h', '"', '');
	const line = fc.oneof(
		{ weight: 8, arbitrary: fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => `${words.join('/')},,`) },
		{
			weight: 1,
			arbitrary: fc.constantFrom('../../../bin/tool,sha256=x,3', '/usr/x,,', 'alone', '', 'a/b,1,2,3,4', 'a/"b",,', '"a/c",,'),
		},
	);
	const record = fc.tuple(fc.array(line, { maxLength: 6 }), fc.constantFrom('\n', '\r\n'));
	fc.assert(
		fc.property(fc.array(record, { minLength: 1, maxLength: 3 }), (records) => {
			const root = mkdtempSync(join(realpathSync(tmpdir()), 'cellar-record-'));
			try {
				const folder = join(root, 'site-packages');
				for (const [at, [lines, end]] of records.entries()) {
					const info = join(folder, `p${at}-1.dist-info`);
					mkdirSync(info, { recursive: true });
					writeFileSync(join(info, 'METADATA'), `Name: p${at}\nVersion: 1\n`);
					writeFileSync(join(info, 'RECORD'), lines.map((one) => `${one}${end}`).join(''));
				}
				const asked = openSite(folder);
				const whole = openSite(folder);
				const key = ({ distribution, path }: { distribution: { name: string }; path: string }) => `${distribution.name} ${path}`;
				const all = whole.distributions.flatMap((one) => whole.filesOf(one));
				for (const { path } of all) {
					expect(asked.listing(path).map(key)).toEqual(all.filter((one) => one.path === path).map(key));
					const below = relativeTo(path, folder) !== null && parentOf(path) !== folder;
					if (below) expect(asked.ownerOfFolder(parentOf(path))).not.toBeNull();
				}
				for (const one of asked.distributions) {
					const same = whole.distributions.find(({ name }) => name === one.name);
					expect(asked.isListed(one)).toBe(same !== undefined && whole.filesOf(same).length > 0);
				}
				expect(asked.faults().length).toBe(whole.faults().length);
			} finally {
				rmSync(root, { recursive: true });
			}
		}),
		{ numRuns: 300 },
	);
});

test('a broken RECORD names its line, and what stands before counts', () => {
	const broken = rows('a.py,,\n"never closed,,\nb.py,,\n');
	expect(broken.rows.map((row) => row.path)).toEqual(['a.py']);
	expect(broken.fault).toMatchObject({ code: 'CELLAR_RECORD_UNREADABLE', where: '/site/x.dist-info/RECORD' });
	expect(broken.fault?.message).toContain('line 2');
	expect(rows('a.py,,\nb.py,1,2,3,4\n').fault?.message).toContain('line 2');
	const bytes = parseRecord(Buffer.concat([Buffer.from('a.py,,\n'), Buffer.from([0xff, 0xfe, 10])]), 'RECORD');
	expect(bytes.fault?.message).toContain('line 2 of RECORD: it is not UTF-8');
});

test('hashes are urlsafe base64 by the standard and hexadecimal by Debian', () => {
	const digest = createHash('sha256').update('x').digest();
	expect(sha256InHash(`sha256=${digest.toString('base64url')}`)).toBe(digest.toString('hex'));
	expect(sha256InHash(`sha256=${digest.toString('hex')}`)).toBe(digest.toString('hex'));
	expect(sha256InHash('md5=abc')).toBeNull();
	expect(sha256InHash(null)).toBeNull();
});

test('the RECORDs of a real environment say of every file with a hash what is on disk', () => {
	const site = openSite(siteOf('kernel'));
	const listed = site.distributions.flatMap((one) => site.filesOf(one));
	const hashed = listed.filter((file) => sha256InHash(file.hash) !== null && existsSync(file.path));
	const differ = hashed.filter(
		(file) => createHash('sha256').update(readFileSync(file.path)).digest('hex') !== sha256InHash(file.hash),
	);
	expect(site.faults()).toEqual([]);
	expect(hashed.length).toBeGreaterThan(1000);
	expect(differ).toEqual([]);
	expect(listed.some((file) => file.path === join(siteOf('kernel'), '../../../bin/jupyter'))).toBe(true);
});

test('the header of METADATA is read, with lines that go on, and the text below it is not', () => {
	expect(
		parseMetadata(
			'Metadata-Version: 2.1\r\nName: Ed_Src.Layout\r\nVersion: 1.0\r\nRequires-Dist: a;\r\n  python_version < "3"\r\n\r\nName: no\r\n',
		),
	).toEqual({ name: 'Ed_Src.Layout', version: '1.0', requires: ['a; python_version < "3"'] });
});
