import { mkdirSync, mkdtempSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { findInterpreter } from '../../core/src/dependencies/python/interpreter.ts';
import { cell, folder, installed, record } from './facts.ts';
import { ask, pythonOf } from './venv.ts';

interface Python {
	readonly version: string;
	readonly short: string;
	readonly base: string;
	readonly library: string;
	readonly program: string;
}

const facts = `import json, os, platform, sys
print(json.dumps(dict(version=platform.python_version(), short='%d.%d' % sys.version_info[:2], base=os.path.realpath(sys.base_prefix),
  library=os.path.realpath(os.path.dirname(os.__file__)), program=os.path.realpath(sys.executable))))`;

const base = () => ask<Python>(pythonOf('kernel'), facts);

test('the exact version is read from the files, without running it', () => {
	const python = base();
	expect(findInterpreter(python.base, python.short)).toMatchObject({
		name: 'python',
		ecosystem: 'interpreter',
		version: python.version,
		library: python.library,
		program: python.program,
	});
	expect(findInterpreter(folder(), '3.11')).toBeNull();
});

/** The same interpreter in a folder of its own, by links, without what is only there to compile against. */
function withoutHeaders(prefix: string, short: string): string {
	const bare = folder();
	const name = `python${short}`;
	mkdirSync(join(bare, 'bin'));
	mkdirSync(join(bare, 'lib', name), { recursive: true });
	writeFileSync(join(bare, 'lib', name, 'os.py'), '');
	symlinkSync(join(prefix, 'bin', name), join(bare, 'bin', name));
	for (const library of readdirSync(join(prefix, 'lib')).filter((one) => one.startsWith(`libpython${short}`))) {
		symlinkSync(join(prefix, 'lib', library), join(bare, 'lib', library));
	}
	return bare;
}

test('without its headers the version is found in the program itself, or in the library that it loads', () => {
	const python = base();
	expect(findInterpreter(withoutHeaders(python.base, python.short), python.short)?.version).toBe(python.version);
});

test('every Python that lies beside it tells its version too', () => {
	const python = base();
	const beside = dirname(python.base);
	const versions = readdirSync(beside).filter((name) => /^3\.(\d{2})\.\d+$/.test(name));
	// Only a folder such as pyenv's has several; the one that runs is always there.
	for (const version of versions)
		expect(findInterpreter(join(beside, version), version.replace(/\.\d+$/, ''))?.version).toBe(version);
	expect(findInterpreter(python.base, python.short)?.version).toBe(python.version);
});

test('a kernel’s interpreter is always a dependency, with its library, and a virtual environment is of its base', async () => {
	const python = base();
	const run = record();
	const venv = dirname(dirname(pythonOf('kernel')));
	run.exec(pythonOf('kernel'), ['python', '-m', 'ipykernel_launcher']);
	run.use('read', join(venv, 'pyvenv.cfg'));
	run.use('read', join(python.library, 'json/decoder.py'), { cell: 1 });
	run.use('list', join(python.library, 'json'), { cell: 1 });
	run.use('stat', join(venv, 'lib'));
	const judged = await run.judge([cell(1, { modules: ['json'] }), cell(2, { modules: ['sys', 'os.path'] })]);
	const one = judged.document().software.find((item) => item.ecosystem === 'interpreter');
	expect(one).toMatchObject({ name: 'python', version: python.version, direct: true, cells: [1, 2], manager: true });
	expect(judged.rule(join(venv, 'pyvenv.cfg'))).toBe('interpreter');
	expect(judged.verdict(join(venv, 'lib'))).toBe('software');
	expect(judged.document('cell:2').software).toMatchObject([{ name: 'python', why: ['named'], files: 0 }]);
	expect([judged.document().data, judged.document().unknown]).toEqual([[], []]);
});

test('Debian’s own Python is an interpreter, and its files are dpkg’s', async () => {
	const run = record();
	const program = realpathSync('/usr/bin/python3');
	const version = ask<Python>('/usr/bin/python3', facts);
	run.exec('/usr/bin/python3', ['python3', '-c', '…'], { cell: 1 });
	run.use('read', join(version.library, 'os.py'), { cell: 1 });
	const judged = await run.judge([cell(1, { commands: ['python3'] })]);
	const software = judged.document().software.map((one) => `${one.name} ${one.ecosystem}`);
	expect(judged.document().software.find((one) => one.ecosystem === 'interpreter')).toMatchObject({
		version: version.version,
		cells: [1],
	});
	expect(judged.judgement.verdicts.get('/usr/bin/python3')?.owner?.ecosystem).toBe('deb');
	expect(software.filter((one) => one.endsWith(' deb')).length).toBeGreaterThan(0);
	expect(program).toMatch(/^\/usr\/bin\/python3\.\d+$/);
});

test('the scripts of pyenv that look for a program are set aside, what they find is not', async () => {
	const run = record();
	const root = join(run.home, '.pyenv');
	for (const path of ['shims/python', 'libexec/pyenv', 'version']) {
		mkdirSync(dirname(join(root, path)), { recursive: true });
		writeFileSync(join(root, path), '#!/usr/bin/env bash\n');
		run.use('read', join(root, path), { cell: 1 });
	}
	const document = (await run.judge()).document();
	expect(document.software).toEqual([]);
	expect(document.setAside.map((one) => one.as)).toEqual(['tool folder', 'tool folder', 'tool folder']);
});

test('files beside the environment’s packages that no list has are named, start-up files are settings', async () => {
	const run = record();
	const prefix = mkdtempSync(join(run.folder, 'env-'));
	const site = join(prefix, 'lib/python3.11/site-packages');
	installed(site, 'any', '1', { 'any.py': '' });
	symlinkSync(pythonOf('kernel'), join(prefix, 'python'));
	writeFileSync(join(prefix, 'pyvenv.cfg'), `home = ${dirname(realpathSync(pythonOf('kernel')))}\n`);
	for (const name of ['_virtualenv.py', 'sitecustomize.py', 'stray.py']) {
		writeFileSync(join(site, name), '');
		run.use('read', join(site, name));
	}
	run.use('read', join(prefix, 'pyvenv.cfg'));
	const judged = await run.judge();
	expect(judged.verdict(join(site, '_virtualenv.py'))).toBe('software');
	expect(judged.verdict(join(site, 'sitecustomize.py'))).toBe('configuration');
	expect(judged.verdict(join(site, 'stray.py'))).toBe('unknown');
});
