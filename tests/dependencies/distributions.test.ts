import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSite } from '../../core/src/dependencies/python/site.ts';
import { cell, installed, record } from './facts.ts';
import { ask, pythonOf, siteOf } from './venv.ts';

test('every file of a real environment belongs to the distribution that importlib.metadata says, with its version', () => {
	const truth = ask<[string, string, string][]>(
		pythonOf('kernel'),
		`import importlib.metadata as m, json, os
print(json.dumps([(os.path.normpath(f.locate()), name, version) for d in m.distributions() for name, version in [(d.metadata['Name'], d.version)]
  if name not in ('pip', 'setuptools') for f in d.files or [] if os.path.exists(f.locate())]))`,
	);
	const site = openSite(siteOf('kernel'));
	const wrong = truth.filter(
		([path, name, version]) =>
			!site.listing(path).some(({ distribution }) => distribution.name === name && distribution.version === version),
	);
	expect(truth.length).toBeGreaterThan(1000);
	expect(wrong).toEqual([]);
});

test('a distribution counts when its code was opened, and not when only its metadata was', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	installed(site, 'used', '1.2', { 'used/__init__.py': '' });
	installed(site, 'scanned', '3.4', { 'scanned/__init__.py': '' }, { extra: { 'entry_points.txt': '' } });
	installed(site, 'probed', '5.6', { 'probed/__init__.py': '' });
	run.use('read', join(site, 'used/__init__.py'), { cell: 1 });
	run.use('read', join(site, 'scanned-3.4.dist-info/entry_points.txt'), { cell: 1 });
	run.use('stat', join(site, 'probed/__init__.py'), { cell: 1 });
	run.use('list', site, { cell: 1 });
	const judged = await run.judge();
	expect(judged.software()).toEqual(['used 1.2']);
	expect(judged.rule(join(site, 'scanned-3.4.dist-info/entry_points.txt'))).toBe('python metadata');
	expect(judged.document().unknown).toEqual([]);
	expect(judged.document().data).toEqual([]);
});

test('what a start-up reads of every distribution, a .pth and the finder of an editable, is no use of it', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	installed(site, 'idle', '1', { '__editable___idle_1_finder.py': 'MAPPING = {}', '__editable__.idle-1.pth': 'import os' });
	run.use('read', join(site, '__editable__.idle-1.pth'));
	run.use('read', join(site, '__editable___idle_1_finder.py'));
	expect((await run.judge()).software()).toEqual([]);
});

test('a file is found by the name it was opened by and by its real one: lib64, links to environments, bin beside lib', async () => {
	const run = record();
	const prefix = join(run.folder, 'venv');
	const site = join(prefix, 'lib/python3.11/site-packages');
	installed(site, 'tool', '2.0', { 'tool/__init__.py': '' }, { record: 'tool/__init__.py,,\n../../../bin/tool,,\n' });
	mkdirSync(join(prefix, 'bin'));
	writeFileSync(join(prefix, 'bin/tool'), '#!/bin/sh\n');
	symlinkSync('lib', join(prefix, 'lib64'));
	symlinkSync(prefix, join(run.folder, 'current'));
	run.use('read', 'current/lib64/python3.11/site-packages/tool/__init__.py', { cell: 1 });
	run.exec('venv/bin/tool', ['tool'], { cell: 2 });
	const judged = await run.judge();
	expect(judged.software()).toEqual(['tool 2.0']);
	expect(judged.document().software[0]).toMatchObject({ cells: [1, 2], files: 2, ecosystem: 'pypi' });
});

test('pip install --target: the folder is found by what lies in it, and its bin though RECORD says ../../bin', async () => {
	const run = record();
	const target = join(run.folder, 'vendor');
	installed(target, 'flat', '0.1', { 'flat.py': '' }, { record: 'flat.py,,\n../../bin/flat,,\nflat-0.1.dist-info/METADATA,,\n' });
	mkdirSync(join(target, 'bin'));
	writeFileSync(join(target, 'bin/flat'), '');
	run.use('list', target, { cell: 1 });
	run.use('read', join(target, 'flat.py'), { cell: 1 });
	run.use('read', join(target, 'bin/flat'), { cell: 1 });
	const judged = await run.judge();
	expect(judged.software()).toEqual(['flat 0.1']);
	expect(judged.rule(join(target, 'bin/flat'))).toBe('python RECORD');
});

test('pip install --user: what lies below HOME is a package’s before any rule about HOME is asked', async () => {
	const run = record();
	const site = join(run.home, '.local/lib/python3.11/site-packages');
	installed(site, 'mine', '7', { 'mine/__init__.py': '', 'mine/data/table.csv': 'a' });
	run.use('read', join(site, 'mine/__init__.py'), { cell: 1 });
	run.use('read', join(site, 'mine/data/table.csv'), { cell: 1 });
	const judged = await run.judge();
	expect(judged.software()).toEqual(['mine 7']);
	expect(judged.document().data).toEqual([]);
});

test('of two that list a file, the one whose hash it has was installed last, and both are named', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	const hash = (text: string) => `sha256=${createHash('sha256').update(text).digest('base64url')}`;
	installed(site, 'first', '1', {}, { record: `shared/__init__.py,${hash('old')},3\n` });
	installed(site, 'second', '2', { 'shared/__init__.py': 'new' }, { record: `shared/__init__.py,${hash('new')},3\n` });
	run.use('read', join(site, 'shared/__init__.py'), { cell: 1 });
	const judged = await run.judge();
	const verdict = judged.judgement.verdicts.get(join(site, 'shared/__init__.py'));
	expect(judged.software()).toEqual(['second 2']);
	expect(verdict?.reason).toContain('so does that of first 1: the file is as the first of these has it');
	expect(judged.judgement.warnings).toContainEqual({
		code: 'CELLAR_TWO_OWNERS',
		message: expect.stringContaining('first 1 and second 2'),
	});
});

test('two owners of which neither fits leave the doubt in the reason', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	installed(site, 'first', '1', {}, { record: 'shared.py,,\n' });
	installed(site, 'second', '2', { 'shared.py': 'new' }, { record: 'shared.py,,\n' });
	run.use('read', join(site, 'shared.py'));
	const judged = await run.judge();
	expect(judged.judgement.verdicts.get(join(site, 'shared.py'))?.reason).toContain('which of them wrote the file cannot be told');
});

test('without a RECORD a file is unknown, with its folder, and the run says which RECORD is missing', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	installed(site, 'lost', '1', { 'lost/__init__.py': '' }, { record: null });
	installed(site, 'cut', '2', { 'cut/__init__.py': '' }, { record: 'cut/__init__.py,,\n"cut/oth' });
	installed(site, 'whole', '3', { 'whole/__init__.py': '' });
	writeFileSync(join(site, 'whole/extra.py'), '');
	for (const path of ['lost/__init__.py', 'cut/__init__.py', 'whole/extra.py']) run.use('read', join(site, path), { cell: 1 });
	const judged = await run.judge();
	expect(judged.software()).toEqual(['cut 2']);
	expect(judged.document().unknown).toEqual([
		{ path: join(site, 'lost/__init__.py'), reason: `in ${site}, where no RECORD lists it or its folder` },
		{ path: join(site, 'whole/extra.py'), reason: `${join(site, 'whole')} belongs to whole 3, and no RECORD lists it` },
	]);
	const messages = judged.judgement.warnings.filter((one) => one.code === 'CELLAR_RECORD_UNREADABLE').map((one) => one.message);
	expect(messages).toEqual([expect.stringContaining('a quote is not closed'), expect.stringContaining('lost has no RECORD')]);
});

test('without a RECORD, top_level.txt tells whose a module is; an .egg-info of one file is metadata', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	mkdirSync(join(site, 'old-1.5.egg-info'), { recursive: true });
	mkdirSync(join(site, 'oldie'));
	writeFileSync(join(site, 'old-1.5.egg-info/PKG-INFO'), 'Name: old\nVersion: 1.5\n\n');
	writeFileSync(join(site, 'old-1.5.egg-info/top_level.txt'), 'oldie\n');
	writeFileSync(join(site, 'oldie/__init__.py'), '');
	writeFileSync(join(site, 'single-2.egg-info'), 'Name: single\nVersion: 2\n\n');
	run.use('read', join(site, 'oldie/__init__.py'), { cell: 1 });
	run.use('read', join(site, 'single-2.egg-info'), { cell: 1 });
	const judged = await run.judge();
	expect(judged.software()).toEqual(['old 1.5']);
	expect(judged.rule(join(site, 'oldie/__init__.py'))).toBe('python top_level.txt');
	expect(judged.rule(join(site, 'single-2.egg-info'))).toBe('python metadata');
});

test('bytecode stands for its source: of a distribution, of an own module, and below PYTHONPYCACHEPREFIX', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	installed(site, 'fast', '1', { 'fast/__init__.py': '' });
	run.given('helper.py', 'x = 1');
	run.given('other.py', 'y = 1');
	run.use('read', join(site, 'fast/__pycache__/__init__.cpython-311.opt-1.pyc'), { cell: 1 });
	run.use('read', '__pycache__/helper.cpython-311.pyc', { cell: 2 });
	run.use('read', `/tmp/prefix${run.folder}/other.cpython-312.pyc`, { cell: 3 });
	run.use('create', '__pycache__/helper.cpython-311.pyc.140000', { cell: 2 });
	run.change('rename', '__pycache__/helper.cpython-311.pyc.140000', '__pycache__/helper.cpython-311.pyc', { cell: 2 });
	const judged = await run.judge();
	expect(judged.software()).toEqual(['fast 1', 'helper -', 'other -']);
	expect(judged.document().software.map((one) => one.cells)).toEqual([[1], [2], [3]]);
	expect(judged.verdict('__pycache__/helper.cpython-311.pyc')).toBe('cache');
	expect(judged.verdict('helper.py')).toBe('software');
	expect(judged.document().data).toEqual([]);
});

test('data that a distribution carries is its own, and the folder that several share is nobody’s', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	installed(site, 'space-one', '1', { 'space/one/__init__.py': '', 'space/one/iris.csv': 'a' });
	installed(site, 'space-two', '2', { 'space/two/__init__.py': '' });
	run.use('list', join(site, 'space'), { cell: 1 });
	run.use('read', join(site, 'space/one/iris.csv'), { cell: 1 });
	run.use('list', join(site, 'space/two'), { cell: 1 });
	const judged = await run.judge();
	expect(judged.software()).toEqual(['space-one 1']);
	expect(judged.judgement.verdicts.get(join(site, 'space'))?.owner).toBeNull();
	expect(judged.judgement.verdicts.get(join(site, 'space/two'))?.owner?.name).toBe('space-two');
});

test('where it was installed from is told without the password in its URL', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	const url = { url: 'https://ada:secret@example.org/x.git', vcs_info: { vcs: 'git', commit_id: 'abc' } };
	installed(site, 'fetched', '1', { 'fetched.py': '' }, { extra: { 'direct_url.json': JSON.stringify(url) } });
	run.use('read', join(site, 'fetched.py'));
	const [one] = (await run.judge()).document().software;
	expect(one?.origin).toEqual({ url: 'https://example.org/x.git', vcs_info: { vcs: 'git', commit_id: 'abc' } });
});

test('a distribution that was removed while the run went on leaves its files unknown, not a fault', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	const info = installed(site, 'gone', '1', { 'gone/__init__.py': '' });
	run.use('read', join(site, 'gone/__init__.py'), { cell: 1 });
	renameSync(info, join(run.folder, 'away'));
	renameSync(join(site, 'gone'), join(run.folder, 'away/gone'));
	const judged = await run.judge([cell(1, { modules: ['gone'] })]);
	expect(judged.document().unknown.map((one) => one.path)).toEqual([join(site, 'gone/__init__.py')]);
});

test('a virtual environment without a line on system packages sees them: Python takes that for true', async () => {
	const run = record();
	const base = realpathSync(ask<string>(pythonOf('kernel'), 'import sys, json; print(json.dumps(sys.base_prefix))'));
	const short = ask<string>(pythonOf('kernel'), 'import sys, json; print(json.dumps("%d.%d" % sys.version_info[:2]))');
	const outer = join(run.folder, 'outer', `lib/python${short}/site-packages`);
	installed(outer, 'needed', '1', { 'needed.py': '' });
	const seen = async (line: string) => {
		const again = record();
		const site = join(again.folder, `venv/lib/python${short}/site-packages`);
		installed(site, 'inner', '1', { 'inner.py': '' }, { requires: ['needed'] });
		writeFileSync(join(again.folder, 'venv/pyvenv.cfg'), `home = ${base}/bin\n${line}`);
		again.use('read', join(again.folder, 'venv/pyvenv.cfg'));
		again.use('read', join(site, 'inner.py'), { cell: 1 });
		again.use('list', outer);
		const { world } = (await again.judge()).judgement;
		return world.environments.besides(world.environments.sites[0]!).length;
	};
	expect(await seen('')).toBe(2);
	expect(await seen('include-system-site-packages = true\n')).toBe(2);
	expect(await seen('include-system-site-packages = false\n')).toBe(1);
});

test('names that are not UTF-8 are told apart, and a backslash in a name is no other name', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	installed(site, 'odd', '1', { 'odd/__init__.py': '', 'odd/a\\b.txt': '' });
	const names = [0xe9, 0xe8].map((byte) => Buffer.concat([Buffer.from(`${run.folder}/data-`), Buffer.from([byte])]));
	for (const name of names) writeFileSync(name, 'x');
	run.use('read', join(site, 'odd/a\\b.txt'), { cell: 1 });
	for (const name of names) run.use('read', name, { cell: 1 });
	const judged = await run.judge();
	expect(judged.software()).toEqual(['odd 1']);
	expect(judged.document().data.map((one) => one.relative)).toEqual(['data-\\xe8', 'data-\\xe9']);
});
