import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Dependencies } from '../../core/src/model/index.ts';
import { makePlace, pythonOf, type Place } from './cellar.ts';
import { inlineNotebook } from './inline.ts';

/** Audits a notebook of these cells and tells what it needed. */
async function needed(place: Place, cells: readonly string[], env: Record<string, string> = {}) {
	const notebook = inlineNotebook(place, 'odd.ipynb', cells);
	const audited = await place.cellar(['audit', notebook, '--python', pythonOf('stories'), '--json'], { env });
	expect(audited.code, audited.stderr).toBe(0);
	return { run: audited.json(), document: (await place.cellar(['deps', '--json'])).json<Dependencies>() };
}

function hashOf(text: string): string {
	return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/** A folder of installed packages, each with one module; RECORD as it is given, or none. */
function packagesIn(site: string, records: Readonly<Record<string, string | null>>): void {
	for (const [name, record] of Object.entries(records)) {
		const info = join(site, `${name}-1.0.dist-info`);
		mkdirSync(info, { recursive: true });
		mkdirSync(join(site, name));
		writeFileSync(join(site, name, '__init__.py'), `name = '${name}'\n`);
		writeFileSync(join(site, name, 'table.csv'), 'a,b\n');
		writeFileSync(join(info, 'METADATA'), `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n`);
		if (record !== null) writeFileSync(join(info, 'RECORD'), record);
	}
}

function listing(name: string, hash = ''): string {
	return `${name}/__init__.py,${hash},\n${name}/table.csv,,\n${name}-1.0.dist-info/METADATA,,\n${name}-1.0.dist-info/RECORD,,\n`;
}

test(
	'a RECORD that is missing, broken or lying, and a package that a cell removes, are marked in the answer',
	{ timeout: 600_000 },
	async () => {
		using place = makePlace();
		const site = join(place.folder, 'site-packages');
		packagesIn(site, {
			nolist: null,
			broken: 'broken/table.csv,,\n"broken/__init__.py,,\n',
			lying: listing('lying', 'sha256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'),
			removed: listing('removed'),
			whole: listing('whole'),
		});
		const { run, document } = await needed(
			place,
			[
				`import nolist, broken, lying, whole, removed`,
				`import glob, shutil
for path in glob.glob('${site}/removed*'): shutil.rmtree(path)`,
			],
			{ PYTHONPATH: site },
		);
		const reasonOf = (name: string) => document.software.find((one) => one.name === name)?.reason ?? null;
		expect(reasonOf('whole')).toBe('named in cell 1: import whole; 1 of its files was opened');
		expect(reasonOf('lying')).toContain(`1 of them is not as its RECORD says: ${join(site, 'lying/__init__.py')}`);
		const unknown = document.unknown.map((one) => one.path);
		expect(unknown).toContain(join(site, 'broken/__init__.py'));
		expect(unknown).toContain(join(site, 'nolist/__init__.py'));
		const warned = run.warnings.map((one) => `${one.code} ${one.message}`);
		expect(warned.filter((text) => text.startsWith('CELLAR_RECORD_UNREADABLE')).join('\n')).toMatch(
			/broken[^]*nolist|nolist[^]*broken/,
		);
		expect(warned.find((text) => text.startsWith('CELLAR_SOFTWARE_GONE'))).toContain(join(site, 'removed'));
		expect(document.data.filter((one) => one.path.startsWith(site))).toEqual([]);
	},
);

test(
	'names that are no UTF-8, that hold a newline or that are as long as a path can be are each one file',
	{ timeout: 600_000 },
	async () => {
		using place = makePlace();
		const { document } = await needed(place, [
			`
import os
for name in (b'\\xff.csv', b'\\xfe.csv', b'two\\nlines.csv', b'back\\\\x0aslash.csv'):
    os.close(os.open(name, os.O_WRONLY | os.O_CREAT))`,
			`
here = os.getcwd()
os.mkdir('deep'); os.chdir('deep')
while len(os.getcwd()) < 4095 - 211:
    os.mkdir('d' * 200); os.chdir('d' * 200)
left = 4095 - len(os.getcwd()) - 1
path = os.getcwd() + '/' + 'f' * left
print(len(path), open(path, 'w').write('far'))
os.chdir(here)`,
		]);
		const names = document.data.map((one) => one.relative ?? one.path);
		for (const name of ['\\xff.csv', '\\xfe.csv', 'two\\x0alines.csv', 'back\\\\x0aslash.csv']) expect(names).toContain(name);
		const longest = document.data.find((one) => one.path.length === 4095);
		expect(longest).toMatchObject({ role: 'output', cells: [2], bytes: 3, kind: 'file' });
	},
);

test('a path that another process replaces while the run reads it keeps its first state', { timeout: 600_000 }, async () => {
	using place = makePlace();
	writeFileSync(join(place.folder, 'table.csv'), 'first\n');
	const { document } = await needed(place, [
		`first = open('table.csv').read()`,
		`
import subprocess
done = subprocess.run(['sh', '-c', 'echo second > new.csv && mv new.csv table.csv'])
open('table.csv').read()`,
	]);
	const table = document.data.find((one) => one.relative === 'table.csv');
	expect(table).toMatchObject({ role: 'updated', cells: [1, 2] });
	expect([table?.sha256Before, table?.sha256].map((hash) => hash?.slice(0, 8))).toEqual([hashOf('first\n'), hashOf('second\n')]);
});

test(
	'a folder of 200,000 files that a cell lists and reads in part is one store and one listing',
	{ timeout: 300_000 },
	async () => {
		using place = makePlace();
		const many = mkdtempSync(join(tmpdir(), 'cellar-many-'));
		onTestFinished(() => rmSync(many, { recursive: true, force: true }));
		for (let at = 0; at < 200_000; at++) writeFileSync(join(many, `${at}.csv`), '');
		const { document } = await needed(place, [
			`
import os
names = sorted(os.listdir('${many}'))
len(names), sum(len(open('${many}/' + name).read()) for name in names[:50])`,
		]);
		expect(readdirSync(many)).toHaveLength(200_000);
		const found = document.data.filter((one) => one.path === many);
		expect(found.map((one) => [one.kind, one.role, one.members?.[0]?.paths.length ?? null])).toEqual([
			['listing', 'input', null],
			['store', 'input', 50],
		]);
		expect(document.data.filter((one) => dirname(one.path) === many)).toEqual([]);
	},
);
