import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openMachine } from '../../core/src/dependencies/index.ts';
import { openApk } from '../../core/src/dependencies/system/apk.ts';
import { openRpm } from '../../core/src/dependencies/system/rpm.ts';
import { readBlobTable } from '../../core/src/dependencies/system/sqlite.ts';
import { cell, folder, record } from './facts.ts';

let made: string;
const put = (path: string, text: string) => {
	mkdirSync(dirname(path), { recursive: true });
	writeFileSync(path, text);
	return path;
};
beforeAll(() => {
	made = realpathSync(mkdtempSync(join(tmpdir(), 'rpm-')));
	execFileSync('python3', [join(import.meta.dirname, 'rpm.py'), made, join(made, 'data')]);
}, 600_000);
afterAll(() => rmSync(made, { recursive: true, force: true }), 600_000);

test('rpm’s own database says whose a file is, in which version, and which are settings', () => {
	const lists = openRpm([join(made, 'nothing'), join(made, 'db')]);
	expect(lists.unread).toBeNull();
	const data = (path: string) => join(made, 'data', path);
	expect(lists.ownerOf(data('bin/tool'))).toMatchObject({ ecosystem: 'rpm', name: 'tinytool', version: '2:1.5-3' });
	expect(lists.ownerOf(data('share/café.txt'))?.name).toBe('tinytool');
	for (const number of [0, 700, 1499])
		expect(lists.ownerOf(data(`large/a-file-of-some-length-${number}.txt`))).toMatchObject({ name: 'large', version: '1.5-3' });
	expect(lists.ownerOf(data('bin/other'))).toBeNull();
	expect([lists.isConfiguration(data('etc/tool.conf')), lists.isConfiguration(data('bin/tool'))]).toEqual([true, false]);
	put(data('bin/tool'), 'tool');
	put(data('etc/tool.conf'), 'changed');
	expect([lists.isAsPackaged(data('bin/tool')), lists.isAsPackaged(data('etc/tool.conf'))]).toEqual([true, false]);
});

test('what stands in the log beside the database alone is seen, where it was committed', () => {
	const late = join(made, 'data/late.txt');
	expect(openRpm([join(made, 'log')]).ownerOf(late)?.name).toBe('late');
	const database = readFileSync(join(made, 'log/rpmdb.sqlite'));
	const log = readFileSync(join(made, 'log/rpmdb.sqlite-wal'));
	expect(readBlobTable(database, log, 'Packages')?.length).toBe(3);
	expect(readBlobTable(database, null, 'Packages')?.length).toBe(2);
	expect(readBlobTable(database, log.subarray(0, log.length - 1), 'Packages')?.length).toBe(2);
});

test('a database that is cut short, or of another kind, is said to be there and unread, and stops nothing', async () => {
	const place = folder();
	const database = readFileSync(join(made, 'db/rpmdb.sqlite'));
	for (const length of [0, 50, 5000, database.length >> 1]) {
		writeFileSync(join(place, 'rpmdb.sqlite'), database.subarray(0, length));
		expect([length, openRpm([place]).unread]).toEqual([length, join(place, 'rpmdb.sqlite')]);
	}
	const old = folder();
	writeFileSync(join(old, 'Packages'), 'Berkeley DB');
	const run = record({ machine: openMachine({ rpm: old }) });
	run.use('read', put(join(run.folder, 'table.csv'), 'a'), { cell: 1 });
	const judged = await run.judge();
	expect(judged.judgement.warnings.map((one) => one.code)).toEqual(['CELLAR_RPM_UNREAD']);
	expect(judged.verdict('table.csv')).toBe('input');
});

test('a package of rpm is named with its cells', async () => {
	const run = record({ machine: openMachine({ rpm: join(made, 'db') }) });
	run.exec(put(join(made, 'data/bin/tool'), 'tool'), ['tool'], { cell: 1 });
	run.use('read', put(join(made, 'data/etc/tool.conf'), 'a=1'), { cell: 1 });
	const judged = await run.judge([cell(1, { commands: ['tool'] })]);
	expect(judged.document().software).toMatchObject([{ name: 'tinytool', version: '2:1.5-3', ecosystem: 'rpm', direct: true }]);
	expect(judged.rule(join(made, 'data/bin/tool'))).toBe('rpm');
	expect(judged.rule(join(made, 'data/etc/tool.conf'))).toBe('rpm configuration file');
});

/** Written by hand, in the format that apk's own page describes: no apk has made it. */
const handMade = (place: string) => `C:Q1p78yvTLG094tHE1+dToJGbmYzQE=
P:busybox
V:1.36.1-r5
A:x86_64
S:1
I:2
T:many tools in one
L:GPL-2.0-only
o:busybox
D:so:libc.musl-x86_64.so.1
F:bin
R:busybox
a:0:0:755
Z:Q1${createHash('sha1').update('busy').digest('base64')}
F:etc
M:0:0:755
R:securetty
F:${place}/bin
R:busybox
Z:Q1${createHash('sha1').update('busy').digest('base64')}

P:tzdata
V:2026a-r0
A:x86_64
F:usr/share/zoneinfo
R:UTC
Z:Q2${createHash('sha256').update('utc').digest('base64')}

`;

test('apk’s text, made by hand, says whose a file is, in which version, and which are settings', async () => {
	const root = folder();
	const installed = put(join(root, 'lib/apk/db/installed'), handMade(root.slice(1)));
	const lists = openApk([join(root, 'nothing'), installed], root);
	expect(lists.ownerOf('/bin/busybox')).toMatchObject({ ecosystem: 'apk', name: 'busybox', version: '1.36.1-r5' });
	expect(lists.ownerOf('/usr/share/zoneinfo/UTC')).toMatchObject({ name: 'tzdata', version: '2026a-r0' });
	expect(lists.ownerOf('/usr/share/zoneinfo')).toBeNull();
	expect([lists.isConfiguration('/etc/securetty'), lists.isConfiguration('/bin/busybox')]).toEqual([true, false]);
	const program = put(join(root, 'bin/busybox'), 'busy');
	expect(lists.isAsPackaged(program)).toBe(true);
	writeFileSync(program, 'changed');
	expect(lists.isAsPackaged(program)).toBe(false);
	const run = record({ machine: openMachine({ apk: installed }) });
	run.exec(program, ['ls'], { cell: 1 });
	const judged = await run.judge();
	expect(judged.software()).toEqual(['busybox 1.36.1-r5']);
	expect(judged.rule(program)).toBe('apk');
});

test('where /bin leads to /usr/bin, a list may say either', () => {
	const root = folder();
	mkdirSync(join(root, 'usr/bin'), { recursive: true });
	symlinkSync('usr/bin', join(root, 'bin'));
	const lists = openApk([put(join(root, 'installed'), 'P:tool\nV:1-r0\nF:bin\nR:tool\n')], root);
	expect([lists.ownerOf('/bin/tool')?.name, lists.ownerOf('/usr/bin/tool')?.name]).toEqual(['tool', 'tool']);
});
