import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openDpkg } from '../../core/src/dependencies/system/dpkg.ts';
import { seenBy, namesIn, readText, realPathOf, statOf } from '../../core/src/dependencies/paths.ts';
import { viewOf, viewOfRoot } from '../../core/src/flows/replay/view.ts';
import type { Written } from '../../core/src/sandbox/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'cellar-view-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Makes files of these texts, and links of those that begin with `-> `. */
function tree(name: string, files: Readonly<Record<string, string>>): string {
	const root = join(folder, name);
	mkdirSync(root);
	for (const [path, text] of Object.entries(files)) {
		mkdirSync(dirname(join(root, path)), { recursive: true });
		if (text.startsWith('-> ')) symlinkSync(text.slice(3), join(root, path));
		else writeFileSync(join(root, path), text);
	}
	return root;
}

const root = tree('root', {
	'usr/lib/a.so.1': 'library',
	'usr/lib/a.so': '-> a.so.1',
	lib: '-> usr/lib',
	'etc/out': '-> /../../../../../../etc/hostname',
	'etc/far': `-> ${'../'.repeat(20)}usr/lib/a.so.1`,
	'etc/round': '-> round',
	'data/kept.csv': 'kept',
	'data/changed.csv': 'before',
	'data/removed.csv': 'gone',
	'data/link.csv': '-> kept.csv',
	'old/deep/file': 'deep',
});

const text = (view: ReturnType<typeof viewOfRoot>, path: string) => seenBy(view, () => readText(path));

test('links lead where they lead inside, and nothing leads out', () => {
	const view = viewOfRoot(root);
	expect(view.real('/lib/a.so')).toBe('/usr/lib/a.so.1');
	expect(view.place('/lib/a.so', true)).toBe(join(root, 'usr/lib/a.so.1'));
	expect(view.place('/lib/a.so', false)).toBe(join(root, 'usr/lib/a.so'));
	expect(view.real('/etc/far')).toBe('/usr/lib/a.so.1');
	expect(view.real('/data/../lib/../lib/a.so.1')).toBe('/usr/lib/a.so.1');
	for (const path of ['/etc/out', '/etc/round', '/etc/hostname', '/lib/a.so.1/x', '/proc/self/exe', '/nothing/at/all'])
		expect([path, view.place(path, true), view.real(path)]).toEqual([path, null, null]);
	expect(text(view, '/lib/a.so')).toBe('library');
	expect(text(view, '/etc/hostname')).toBeNull();
});

test('whoever looks through a view sees that tree alone, and this machine again when he is done', () => {
	const view = viewOfRoot(root);
	const looked = seenBy(view, () => [realPathOf('/lib'), namesIn('/data'), statOf('/etc/hosts'), statOf('/data/kept.csv')?.size]);
	expect(looked).toEqual(['/usr/lib', ['changed.csv', 'kept.csv', 'link.csv', 'removed.csv'], null, 4]);
	expect(() => seenBy(view, () => expect.fail('on the way'))).toThrow('on the way');
	expect(namesIn(join(root, 'data'))).toHaveLength(4);
});

test('what the program wrote is seen in the place of what was there, and what was there is known', () => {
	const upper = tree('upper', { 'data/changed.csv': 'after', 'new/made.txt': 'made', 'new/to.csv': '-> /data/changed.csv' });
	const put = tree('put', { 'other.csv': 'other' });
	const written = (path: string, kind: Written['kind'], existed: boolean): Written => ({
		...{ path, kind, existed },
		hostPath: kind === 'removed' ? null : `${upper}${path}`,
	});
	const view = viewOf({
		root,
		binds: [
			{ from: join(put, 'other.csv'), to: '/data/link.csv' },
			{ from: put, to: '/far/away' },
		],
		written: [
			written('/data/changed.csv', 'file', true),
			written('/data/removed.csv', 'removed', true),
			written('/new', 'directory', false),
			written('/new/made.txt', 'file', false),
			written('/new/to.csv', 'link', false),
			written('/old', 'removed', true),
		],
	});
	const seen = ['/data/changed.csv', '/new/made.txt', '/new/to.csv', '/data/removed.csv', '/old/deep/file'];
	expect(seen.map((path) => text(view, path))).toEqual(['after', 'made', 'after', null, null]);
	expect(seenBy(view, () => [namesIn('/data'), namesIn('/new'), namesIn('/old')])).toEqual([
		['changed.csv', 'kept.csv', 'link.csv'],
		['made.txt', 'to.csv'],
		null,
	]);
	// What is mounted on a link is mounted on what it leads to; folders on the way to a mount are made.
	expect(['/data/link.csv', '/data/kept.csv', '/far/away/other.csv'].map((path) => text(view, path))).toEqual(
		Array(3).fill('other'),
	);
	expect(seenBy(view, () => statOf('/far/away')?.isDirectory())).toBe(true);
	expect(seen.map((path) => view.existed(path))).toEqual([true, false, false, true, false]);
	const before = view.before('/data/changed.csv');
	expect(before === null ? null : readFileSync(before, 'utf8')).toBe('before');
	expect([view.before('/new/made.txt'), view.before('/etc/out')]).toEqual([null, null]);
});

test('an extract of dpkg’s database answers of its files as the whole does, and of no others', () => {
	const admin = tree('dpkg', {
		status: ['one', 'two', 'three']
			.map((name) => `Package: ${name}\nStatus: install ok installed\nArchitecture: all\nVersion: 1.${name.length}\n`)
			.join('\n'),
		'info/one.list': '/.\n/usr\n/usr/bin/one\n/usr/share/one\n',
		'info/two.list': '/.\n/usr/bin/two\n',
		'info/three.list': '/.\n/usr/bin/three\n',
	});
	const whole = openDpkg(admin);
	const files = whole.only(['/usr/bin/one', '/usr/bin/two', '/usr/bin/nobody', '/usr/bin/one']);
	expect(files.map(({ name }) => name)).toEqual(['info/one.list', 'info/two.list', 'status']);
	const extract = openDpkg(tree('extract', Object.fromEntries(files.map(({ name, bytes }) => [name, bytes.toString()]))));
	for (const path of ['/usr/bin/one', '/usr/bin/two']) expect(extract.ownerOf(path)).toEqual(whole.ownerOf(path));
	expect(['/usr/share/one', '/usr/bin/three'].map((path) => extract.ownerOf(path))).toEqual([null, null]);
});
