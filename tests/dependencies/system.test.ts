import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openMachine } from '../../core/src/dependencies/index.ts';
import { openDpkg } from '../../core/src/dependencies/system/dpkg.ts';
import { cell, folder, record } from './facts.ts';

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

/** A dpkg database in a folder, with the links of a merged /usr. */
function database(): {
	admin: string;
	root: string;
	list: (name: string, ...paths: string[]) => void;
	status: (text: string) => void;
} {
	const root = folder();
	const admin = join(root, 'var/lib/dpkg');
	mkdirSync(join(admin, 'info'), { recursive: true });
	for (const name of ['bin', 'lib']) {
		mkdirSync(join(root, 'usr', name), { recursive: true });
		symlinkSync(`usr/${name}`, join(root, name));
	}
	return {
		admin,
		root,
		list: (name, ...paths) => writeFileSync(join(admin, 'info', `${name}.list`), `/.\n${paths.join('\n')}\n`),
		status: (text) => writeFileSync(join(admin, 'status'), text),
	};
}

const stanza = (name: string, version: string, more = '') =>
	`Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n${more}Description: x\n y\n\n`;

test('dpkg’s own answers are ours: whose a file is, on a real machine, by every name that it has', () => {
	const packages = openDpkg('/var/lib/dpkg');
	const version = (name: string) => execFileSync('dpkg-query', ['-W', '-f', '${Version}', name], { encoding: 'utf8' });
	for (const [path, name] of [
		['/bin/ls', 'coreutils'],
		['/usr/bin/ls', 'coreutils'],
		['/usr/share/doc/coreutils/copyright', 'coreutils'],
	] as const) {
		expect(packages.ownerOf(path)).toMatchObject({ name, version: version(name), ecosystem: 'deb' });
	}
	const files = execFileSync('dpkg-query', ['-L', 'coreutils'], { encoding: 'utf8' }).trim().split('\n');
	const regular = files.filter((path) => path !== '/.' && statSync(path, { throwIfNoEntry: false })?.isFile() === true);
	expect(regular.length).toBeGreaterThan(50);
	expect(regular.filter((path) => packages.ownerOf(path)?.name !== 'coreutils')).toEqual([]);
	const libc = files.length > 0 ? execFileSync('sh', ['-c', 'ldd /bin/ls'], { encoding: 'utf8' }) : '';
	const loaded = /=> (\/\S*libc\.so\.6)/.exec(libc)?.[1] ?? '';
	expect(packages.ownerOf(loaded)?.name).toMatch(/^libc6/);
	expect(packages.ownerOf(realpathSync(loaded))?.name).toMatch(/^libc6/);
	expect(packages.ownerOf('/etc/passwd')).toBeNull();
});

test('lists that say /bin and /lib, and files that were asked for by either name, are one', () => {
	const db = database();
	db.list('tool', '/bin', '/bin/tool', '/usr/share/tool');
	db.status(stanza('tool', '1.0-1'));
	const packages = openDpkg(db.admin, db.root);
	expect(packages.ownerOf('/bin/tool')?.name).toBe('tool');
	expect(packages.ownerOf('/usr/bin/tool')?.name).toBe('tool');
	expect(packages.ownerOf('/sbin/tool')).toBeNull();
});

test('a diverted file is the diverting package’s; the other’s lies where it was diverted to', () => {
	const db = database();
	db.list('common', '/usr/bin/config');
	db.list('library-dev', '/usr/bin/config');
	db.status(stanza('common', '2') + stanza('library-dev', '3'));
	writeFileSync(join(db.admin, 'diversions'), '/usr/bin/config\n/usr/bin/config.library-dev\ncommon\n');
	const packages = openDpkg(db.admin, db.root);
	expect(packages.ownerOf('/usr/bin/config')?.name).toBe('common');
	expect(packages.ownerOf('/usr/bin/config.library-dev')?.name).toBe('library-dev');
	expect(packages.filesOf(packages.find('library-dev')!)).toEqual(['/usr/bin/config.library-dev']);
});

test('what was read ahead answers, until dpkg installs something', () => {
	const db = database();
	db.list('tool', '/usr/share/tool');
	db.status(stanza('tool', '1.0-1'));
	const machine = openMachine({ dpkg: db.admin });
	machine.ahead();
	expect(machine.dpkg().ownerOf('/usr/share/tool')?.version).toBe('1.0-1');

	const again = openMachine({ dpkg: db.admin });
	again.ahead();
	db.list('new', '/usr/share/new');
	db.status(stanza('tool', '1.0-1') + stanza('new', '2'));
	expect(again.dpkg().ownerOf('/usr/share/new')?.version).toBe('2');
	expect(again.dpkg().ownerOf('/usr/share/tool')?.version).toBe('1.0-1');
});

test('architectures, removed packages, names that are not ASCII, what it depends on', () => {
	const db = database();
	db.list('lib:amd64', '/usr/lib/lib.so');
	db.list('gone', '/usr/lib/gone.so');
	db.list('odd', '/usr/share/caf\u00e9', '/usr/share/a\\b');
	db.status(
		stanza('lib', '1:2.3-4', 'Depends: libc6 (>= 2.34), awk | mawk, python3:any\nPre-Depends: base\n') +
			stanza('odd', '1') +
			'Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 9\n\n',
	);
	const packages = openDpkg(db.admin, db.root);
	expect(packages.ownerOf('/usr/lib/lib.so')).toMatchObject({
		name: 'lib',
		version: '1:2.3-4',
		depends: [['base'], ['libc6'], ['awk', 'mawk'], ['python3']],
	});
	expect(packages.ownerOf('/usr/lib/gone.so')).toBeNull();
	expect(packages.ownerOf('/usr/share/café')?.name).toBe('odd');
	expect(packages.ownerOf(String.raw`/usr/share/a\\b`)?.name).toBe('odd');
	expect(openDpkg(join(db.root, 'nothing')).ownerOf('/bin/ls')).toBeNull();
});

test('a configuration file is settings, and whether it was changed is known', () => {
	const db = database();
	const kept = join(db.root, 'kept.conf');
	const changed = join(db.root, 'changed.conf');
	writeFileSync(kept, 'as packaged');
	writeFileSync(changed, 'by hand');
	db.list('service', kept, changed);
	db.status(stanza('service', '1', `Conffiles:\n ${kept} ${md5('as packaged')}\n ${changed} ${md5('as packaged')}\n`));
	const packages = openDpkg(db.admin, db.root);
	expect([kept, changed].map((path) => packages.isConfiguration(path))).toEqual([true, true]);
	expect([kept, changed].map((path) => packages.isAsPackaged(path))).toEqual([true, false]);
});

test('system packages are named with their cells; alternatives by what they lead to; folders by nobody', async () => {
	const run = record();
	run.exec('/bin/ls', ['ls'], { cell: 1 });
	run.use('read', '/usr/share/dpkg/cputable', { cell: 2 });
	run.use('stat', '/usr/bin/head', { cell: 3 });
	run.use('list', '/usr/share/doc', { cell: 3 });
	run.use('read', '/usr/bin/awk', { cell: 4 });
	const judged = await run.judge([cell(1, { commands: ['ls'] })]);
	const document = judged.document();
	const awk = realpathSync('/usr/bin/awk');
	const found = document.software.map((one) => [one.name, one.ecosystem, one.direct, one.cells]);
	expect(found.toSorted((a, b) => Number(a[3]) - Number(b[3]))).toEqual([
		['coreutils', 'deb', true, [1]],
		['dpkg', 'deb', false, [2]],
		[/mawk/.test(awk) ? 'mawk' : 'gawk', 'deb', false, [4]],
	]);
	expect(document.software[0]?.reason).toBe('named in cell 1: !ls; 1 of its files was opened');
	expect(judged.judgement.verdicts.get('/usr/bin/awk')?.reason).toContain(`(it is ${awk})`);
	expect(judged.verdict('/usr/share/doc')).toBe('system');
	expect(document.data).toEqual([]);
});

test('what the system made for itself is set aside with its reason, and nothing of it is data or unknown', async () => {
	const run = record();
	for (const path of ['/etc/passwd', '/etc/ld.so.cache', '/etc/nsswitch.conf', '/etc/hosts', '/proc/cpuinfo', '/dev/null']) {
		run.use('read', path, { cell: 1 });
	}
	run.use('list', '/proc/self/fd');
	run.use('list', '/etc');
	run.use('list', '/');
	const document = (await run.judge()).document();
	expect([document.data, document.unknown, document.software]).toEqual([[], [], []]);
	expect(document.setAside.every((one) => one.as === 'system' && one.reason.length > 10)).toBe(true);
	expect(document.setAside.map((one) => one.path)).toContain('/proc/cpuinfo');
	expect(readFileSync('/etc/passwd', 'utf8').length).toBeGreaterThan(0);
});
