import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import {
	chmodSync,
	copyFileSync,
	existsSync,
	lstatSync,
	mkdirSync,
	readFileSync,
	readdirSync,
	realpathSync,
	rmSync,
	statSync,
	symlinkSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { closure, parseSelector, type Closure } from '../../core/src/dependencies/index.ts';
import { createWalker } from '../../core/src/dependencies/closure/walk.ts';
import type { PackedPath } from '../../core/src/model/index.ts';
import { cell, folder, installed, record, type Judged, type Recorder } from './facts.ts';
import { ask, pythonOf } from './venv.ts';

async function packed(
	judged: Judged,
	o: { without?: string[]; with?: string[] } = {},
): Promise<Closure & { at(path: string): PackedPath | undefined }> {
	const found = await closure(judged.judgement, judged.files, { without: o.without ?? [], with: o.with ?? [] });
	return { ...found, at: (path) => found.paths.find((one) => one.path === path) };
}

const sha = (text: string) => createHash('sha256').update(text).digest('hex');

/** Every folder above a packed path must be one, or nobody can unpack it. */
function checkPlain(paths: readonly PackedPath[]): void {
	const kinds = new Map(paths.map((one) => [one.path, one.kind]));
	expect(kinds.size).toBe(paths.length);
	for (const { path } of paths) {
		for (let above = dirname(path); above !== '/'; above = dirname(above))
			expect([path, kinds.get(above) ?? 'directory']).toEqual([path, 'directory']);
	}
}

test('inputs go in with what they must still be, outputs stay out, the folder that the run writes into is there', async () => {
	const run = record();
	run.given('data/in.csv');
	mkdirSync(join(run.folder, 'out'));
	// Made long before the run.
	run.made('out/result.csv');
	run.use('read', 'data/in.csv', { cell: 1 });
	run.use('truncate', 'out/result.csv', { cell: 1 });
	const judged = await run.judge([], { started: new Date(Date.now() + 5000).toISOString() });
	const image = await packed(judged);
	const input = join(run.folder, 'data/in.csv');
	expect(image.at(input)).toMatchObject({
		kind: 'file',
		layer: 'code and data',
		source: { from: 'path' },
		expected: { size: 5, sha256: sha('given') },
		reason: 'input',
	});
	expect(image.at(join(run.folder, 'out/result.csv'))).toBeUndefined();
	expect(image.at(join(run.folder, 'out'))).toMatchObject({ kind: 'directory', mode: 0o755 });
	expect(image.leftOut).toEqual([]);
	checkPlain(image.paths);
});

test('a first state that the store kept is packed from there; one that was lost is said to be', async () => {
	const run = record();
	run.given('kept.csv', 'after');
	run.given('lost.csv', 'after');
	for (const name of ['kept.csv', 'lost.csv']) {
		run.use('read', name);
		run.use('truncate', name);
	}
	const judged = await run.judge();
	const files = new Map(judged.files);
	const kept = join(run.folder, 'kept.csv');
	files.set(kept, { ...files.get(kept)!, sha256Before: sha('before'), blobBefore: sha('before') });
	const image = await closure(judged.judgement, files, { without: [], with: [] });
	expect(image.paths.find((one) => one.path === kept)).toMatchObject({ source: { from: 'blob', sha256: sha('before') } });
	expect(image.leftOut).toEqual([
		{ path: join(run.folder, 'lost.csv'), reason: expect.stringContaining('first state was not kept'), lost: true },
	]);
});

test('an input that is gone is packed from the store, and without it the image’s writer is told what is missing', async () => {
	const run = record();
	for (const name of ['kept.csv', 'gone.csv']) run.use('read', run.given(name));
	const judged = await run.judge();
	const files = new Map(judged.files);
	const kept = join(run.folder, 'kept.csv');
	files.set(kept, { ...files.get(kept)!, blobBefore: sha('given') });
	for (const name of ['kept.csv', 'gone.csv']) rmSync(join(run.folder, name));
	const image = await closure(judged.judgement, files, { without: [], with: [] });
	expect(image.paths.find((one) => one.path === kept)?.source).toEqual({ from: 'blob', sha256: sha('given') });
	expect(image.paths.find((one) => one.path.endsWith('gone.csv'))).toMatchObject({
		source: { from: 'path' },
		expected: { sha256: sha('given') },
	});
});

test('every link on the way to a file goes in as it is, with what it leads to, and no file lies below a link', async () => {
	const run = record();
	const far = folder();
	mkdirSync(join(far, 'deep'));
	writeFileSync(join(far, 'deep/data.csv'), 'x');
	symlinkSync(far, join(run.folder, 'shelf'));
	symlinkSync('deep/../deep', join(far, 'again'));
	symlinkSync('shelf/again/data.csv', join(run.folder, 'short.csv'));
	run.use('read', 'short.csv', { cell: 1 });
	const image = await packed(await run.judge());
	expect(image.at(join(run.folder, 'short.csv'))).toMatchObject({ kind: 'link', target: 'shelf/again/data.csv' });
	expect(image.at(join(run.folder, 'shelf'))).toMatchObject({ kind: 'link', target: far });
	expect(image.at(join(far, 'again'))).toMatchObject({ kind: 'link', target: 'deep/../deep' });
	expect(image.at(join(far, 'deep/data.csv'))).toMatchObject({ kind: 'file', expected: { size: 1, sha256: sha('x') } });
	checkPlain(image.paths);
});

test('a way through any links ends where the kernel of the system says', () => {
	const place = folder();
	const names = ['a', 'b', 'c', 'd'];
	mkdirSync(join(place, 'real/inner'), { recursive: true });
	writeFileSync(join(place, 'real/inner/file'), '');
	const target = fc
		.array(fc.constantFrom('..', '.', 'real', 'inner', 'file', ...names), { minLength: 1, maxLength: 4 })
		.map((parts) => parts.join('/'));
	fc.assert(
		fc.property(
			fc.array(target, { minLength: 4, maxLength: 4 }),
			fc.array(fc.constantFrom('..', 'real', 'inner', 'file', ...names), { maxLength: 5 }),
			(targets, asked) => {
				for (const [at, name] of names.entries()) {
					rmSync(join(place, name), { force: true });
					symlinkSync(targets[at]!, join(place, name));
				}
				const path = [place, ...asked].join('/');
				const way = createWalker().walk(path);
				const truth = existsSync(path) ? realpathSync.native(path) : null;
				expect(way.end?.path ?? null).toBe(truth);
				for (const step of way.steps) expect(step.kind === 'link').toBe(lstatSync(step.path).isSymbolicLink());
			},
		),
		{ numRuns: 300 },
	);
});

test('links that lead in a circle end nowhere', async () => {
	const run = record();
	symlinkSync('two', join(run.folder, 'one'));
	symlinkSync('one', join(run.folder, 'two'));
	run.use('stat', 'one');
	const image = await packed(await run.judge());
	expect(image.paths.filter((one) => one.kind === 'file' && one.path.startsWith(run.folder))).toEqual([]);
	checkPlain(image.paths);
});

function environment(run: Recorder): string {
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	installed(
		site,
		'used',
		'1',
		{ 'used/__init__.py': '', 'used/lazy.py': '', 'used/data.csv': 'a' },
		{ requires: ['helper-dist', 'absent'] },
	);
	installed(site, 'helper-dist', '2', { 'helper_dist.py': '' }, { requires: ['deep'] });
	installed(site, 'deep', '3', { 'deep.py': '' });
	installed(site, 'scanned', '4', { 'scanned.py': '' }, { extra: { 'entry_points.txt': '[x]' } });
	installed(site, 'untouched', '5', { 'untouched.py': '' });
	run.use('read', join(site, 'used/__init__.py'), { cell: 1 });
	run.use('read', join(site, 'scanned-4.dist-info/entry_points.txt'), { cell: 1 });
	run.use('stat', join(site, 'untouched.py'), { cell: 1 });
	return site;
}

test('what was used is packed whole with what it requires; of what was scanned, the metadata; of the rest, nothing', async () => {
	const run = record();
	const site = environment(run);
	const image = await packed(await run.judge());
	const inSite = image.paths
		.filter((one) => one.kind === 'file' && one.path.startsWith(site))
		.map((one) => one.path.slice(site.length + 1));
	expect(inSite).toEqual([
		'deep-3.dist-info/METADATA',
		'deep-3.dist-info/RECORD',
		'deep.py',
		'helper_dist-2.dist-info/METADATA',
		'helper_dist-2.dist-info/RECORD',
		'helper_dist.py',
		'scanned-4.dist-info/METADATA',
		'scanned-4.dist-info/RECORD',
		'scanned-4.dist-info/entry_points.txt',
		'used-1.dist-info/METADATA',
		'used-1.dist-info/RECORD',
		'used/__init__.py',
		'used/data.csv',
		'used/lazy.py',
	]);
	expect(new Set(image.paths.filter((one) => one.path.startsWith(site) && one.kind === 'file').map((one) => one.layer))).toEqual(
		new Set(['distributions']),
	);
	expect(image.required.map((one) => [one.name, one.version, one.why, one.reason, one.files])).toEqual([
		['deep', '3', ['required'], 'required by helper-dist 2', 3],
		['helper-dist', '2', ['required'], 'required by used 1', 3],
	]);
	expect(image.leftOut).toEqual([
		{ path: 'absent', reason: 'required by used 1, and not installed where the run was', lost: false },
	]);
	expect(image.at(join(site, 'deep.py'))?.reason).toBe('deep 3, required by helper-dist 2');
});

test('a file of a package that changed after the run is held against its RECORD', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	const hash = `sha256=${createHash('sha256').update('as installed').digest('base64url')}`;
	installed(site, 'used', '1', { 'used.py': '', 'lazy.py': 'as installed' }, { record: `used.py,,\nlazy.py,${hash},12\n` });
	run.use('read', join(site, 'used.py'));
	const before = await run.judge([], { started: new Date(Date.now() + 60_000).toISOString() });
	expect((await packed(before)).at(join(site, 'lazy.py'))?.expected).toBeNull();
	const after = await run.judge([], { started: new Date(Date.now() - 60_000).toISOString() });
	expect((await packed(after)).at(join(site, 'lazy.py'))?.expected).toEqual({
		size: 12,
		sha256: sha('as installed'),
		mtime: null,
	});
});

test('bytecode goes in with its source, where the run used it', async () => {
	const run = record();
	const site = environment(run);
	for (const name of [
		'used/__pycache__/__init__.cpython-311.pyc',
		'used/__pycache__/lazy.cpython-311.pyc',
		'used/__pycache__/gone.cpython-311.pyc',
	]) {
		run.given(join(site, name));
	}
	run.use('read', join(site, 'used/__pycache__/__init__.cpython-311.pyc'));
	run.use('read', join(site, 'used/__pycache__/gone.cpython-311.pyc'));
	const image = await packed(await run.judge());
	expect(image.paths.filter((one) => one.path.endsWith('.pyc')).map((one) => one.path.slice(site.length + 1))).toEqual([
		'used/__pycache__/__init__.cpython-311.pyc',
	]);
});

test('a real interpreter goes in with its library and all that its modules load, and nothing is missing', async () => {
	const python = ask<{ library: string; program: string }>(
		pythonOf('kernel'),
		'import json, os, sys; print(json.dumps(dict(library=os.path.realpath(os.path.dirname(os.__file__)), program=os.path.realpath(sys.executable))))',
	);
	const run = record();
	run.exec(pythonOf('kernel'), ['python', '-m', 'ipykernel_launcher']);
	run.use('read', join(dirname(dirname(pythonOf('kernel'))), 'pyvenv.cfg'));
	run.use('read', join(python.library, 'json/__init__.py'));
	const image = await packed(await run.judge());
	expect(image.at(python.program)).toMatchObject({ kind: 'file', layer: 'userland' });
	expect(image.at(pythonOf('kernel'))).toMatchObject({ kind: 'link' });
	for (const name of ['os.py', 'json/decoder.py', 'encodings/utf_8.py', 'traceback.py'])
		expect([name, image.at(join(python.library, name))?.kind]).toEqual([name, 'file']);
	for (const name of ['test/__init__.py', 'idlelib/__init__.py', 'ensurepip/__init__.py', 'tkinter/test/__init__.py'])
		expect([name, image.at(join(python.library, name))]).toEqual([name, undefined]);
	expect(image.paths.filter((one) => one.path.startsWith(join(python.library, 'site-packages')))).toEqual([]);
	const paths = new Set(image.paths.map((one) => one.path));
	const modules = image.paths.filter((one) => one.path.includes('/lib-dynload/')).map((one) => one.path);
	expect(modules.length).toBeGreaterThan(20);
	const isPacked = (path: string) => paths.has(join(realpathSync(dirname(path)), basename(path)));
	for (const file of [python.program, ...modules]) {
		const said = execFileSync('ldd', [file], { encoding: 'utf8' });
		const loaded = [...said.matchAll(/(?:=> |^\s+)(\/\S+) \(/gm)].map((match) => match[1]!);
		expect([file, loaded.filter((path) => !isPacked(path))]).toEqual([file, []]);
	}
	expect(image.leftOut).toEqual([]);
	checkPlain(image.paths);
});

/** Puts packed paths below a folder, as an image that was unpacked. */
function unpacked(paths: readonly PackedPath[]): string {
	const root = folder();
	for (const one of paths) {
		const place = join(root, one.path);
		mkdirSync(one.kind === 'directory' ? place : dirname(place), { recursive: true });
		if (one.kind === 'link') symlinkSync(one.target!, place);
		if (one.kind !== 'file') continue;
		if (one.source.from === 'bytes') writeFileSync(place, one.source.bytes);
		else copyFileSync(one.path, place);
		chmodSync(place, (one.mode & 0o111) === 0 ? 0o644 : 0o755);
	}
	return root;
}

const importAll = `import importlib, json, sys, warnings
warnings.simplefilter('ignore')
def fails(name):
    try: importlib.import_module(name)
    except BaseException as error: return True
skip = ('antigravity', 'this', 'idlelib', 'lib2to3', 'ensurepip', 'turtledemo', 'test')
print(json.dumps([name for name in sorted(sys.stdlib_module_names) if name not in skip and not name.startswith(('_test', '_xx')) and fails(name)]))`;

for (const [whose, python] of [
	['the kernel', pythonOf('kernel')],
	['Debian', '/usr/bin/python3'],
] as const) {
	test(`where there is nothing but what was packed, the Python of ${whose} imports all that it imports here`, async () => {
		const run = record();
		run.exec(python, ['python']);
		run.use('stat', join(dirname(dirname(python)), 'pyvenv.cfg'));
		run.use('read', ask<string>(python, 'import json; print(json.dumps(json.__file__))'), { cell: 1 });
		const root = unpacked((await packed(await run.judge())).paths);
		const inside = ['--unshare-all', '--bind', root, '/', '--proc', '/proc', '--dev', '/dev', python, '-I', '-c', importAll];
		const said = execFileSync('bwrap', inside, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
		expect(JSON.parse(said)).toEqual(ask(python, importAll));
	});
}

test('Debian’s Python and the packages for it go in whole, by dpkg’s lists', async () => {
	const run = record();
	const packages = '/usr/lib/python3/dist-packages';
	const library = ask<string>('/usr/bin/python3', 'import json, os; print(json.dumps(os.path.dirname(os.__file__)))');
	// A machine may have no packages for it, but always its library.
	const some = (existsSync(packages) ? readdirSync(packages) : [])
		.map((name) => join(packages, name, '__init__.py'))
		.find(existsSync);
	const used = [join(library, 'json/decoder.py'), ...(some === undefined ? [] : [some])];
	run.exec('/usr/bin/python3', ['python3']);
	for (const path of used) run.use('read', path, { cell: 1 });
	const paths = new Set((await packed(await run.judge())).paths.map((one) => one.path));
	const isCode = (path: string) =>
		path.startsWith('/usr/lib/python3') && !/\/(tests?|idlelib|lib2to3|idle_test|config-[^/]*)\//.test(path);
	for (const path of used) {
		const owner = execFileSync('dpkg', ['-S', path], { encoding: 'utf8' }).split(': ')[0]!;
		const files = execFileSync('dpkg', ['-L', owner], { encoding: 'utf8' }).split('\n').filter(isCode);
		const code = files.filter((file) => lstatSync(file).isFile());
		expect([owner, code.length > 0, code.filter((file) => !paths.has(file))]).toEqual([owner, true, []]);
	}
});

test('an image for a part of a run holds what that part used and what came before the first cell', async () => {
	const run = record();
	for (const name of ['start.csv', 'one.csv', 'two.csv', 'worker.csv']) run.given(name);
	run.use('read', 'start.csv');
	run.use('read', 'one.csv', { cell: 1 });
	const process = run.fork('w1', { cell: 1 });
	run.use('read', 'worker.csv', { cell: 1, worker: 'w1', process });
	run.use('read', 'two.csv', { cell: 2 });
	const judged = await run.judge();
	const names = async (text: string) => {
		const selector = parseSelector(text, judged.judgement.run);
		const found = await closure(judged.judgement, judged.files, { without: [], with: [], selector });
		return found.paths.filter((one) => one.path.endsWith('.csv')).map((one) => basename(one.path));
	};
	expect(await names('worker:w1')).toEqual(['one.csv', 'start.csv', 'worker.csv']);
	expect(await names('cell:2')).toEqual(['start.csv', 'two.csv']);
	expect(await names('run')).toEqual(['one.csv', 'start.csv', 'two.csv', 'worker.csv']);
});

test('a program goes in with its loader and libraries, a script with what its first line starts', async () => {
	const run = record();
	const script = run.given('tool.sh', '#!/usr/bin/env -S bash -e\necho\n');
	chmodSync(script, 0o755);
	run.exec(script, ['./tool.sh'], { cell: 1 });
	run.exec('/bin/ls', ['ls'], { cell: 1 });
	const image = await packed(await run.judge([], { circumstances: { environment: { PATH: '/nowhere:/usr/bin:/bin' } } }));
	for (const path of ['/usr/bin/ls', '/usr/bin/env', '/usr/bin/bash', script]) {
		expect([path, image.at(path)?.kind]).toEqual([path, 'file']);
	}
	const loader = /\[Requesting program interpreter: ([^\]]*)\]/.exec(
		execFileSync('readelf', ['-lW', '/bin/ls'], { encoding: 'utf8' }),
	)![1]!;
	expect(image.at(realpathSync(loader))?.kind).toBe('file');
	checkPlain(image.paths);
});

test('a folder whose names were read brings the files in it; too many are named and left out', async () => {
	const run = record();
	for (const name of ['a.csv', 'b.csv', 'sub/deep.csv']) run.given(`data/${name}`);
	run.use('list', 'data', { cell: 1 });
	const image = await packed(await run.judge());
	const inData = image.paths
		.filter((one) => one.path.startsWith(join(run.folder, 'data')))
		.map((one) => [one.path.slice(run.folder.length + 1), one.kind]);
	expect(inData).toEqual([
		['data', 'directory'],
		['data/a.csv', 'file'],
		['data/b.csv', 'file'],
		['data/sub', 'directory'],
	]);
	const many = record();
	for (let at = 0; at < 5001; at++) many.given(`data/${at}.txt`, '');
	many.use('list', 'data', { cell: 1 });
	const large = await packed(await many.judge());
	expect(large.leftOut).toEqual([
		{ path: join(many.folder, 'data'), reason: expect.stringContaining('5001 files in it'), lost: false },
	]);
	expect(large.paths.filter((one) => one.path.startsWith(join(many.folder, 'data/')))).toEqual([]);
});

test('passwd and group are written anew with the one user; of the machine’s own interfaces nothing is packed', async () => {
	const run = record();
	for (const path of [
		'/etc/passwd',
		'/etc/group',
		'/etc/hosts',
		'/etc/machine-id',
		'/proc/cpuinfo',
		'/dev/null',
		'/etc/ld.so.cache',
	])
		run.use('read', path);
	const image = await packed(await run.judge());
	const text = (path: string) => {
		const source = image.at(path)?.source;
		return source?.from === 'bytes' ? source.bytes.toString() : null;
	};
	expect(text('/etc/passwd')).toBe(
		`root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\nada:x:1000:1000:ada:${run.home}:/bin/sh\n`,
	);
	expect(text('/etc/group')).toBe('root:x:0:\nnogroup:x:65534:\nada:x:1000:\n');
	expect(text('/etc/hosts')).toContain('127.0.1.1\tengine');
	expect(image.paths.filter((one) => /^\/(proc|sys|dev|run)(\/|$)/.test(one.path))).toEqual([]);
	expect(image.at('/etc/ld.so.cache')?.kind).toBe('file');
	expect(image.at('/etc/machine-id')).toBeUndefined();
	for (const path of [run.home, run.folder, '/tmp']) expect(image.at(path)?.kind).toBe('directory');
	for (const name of ['bin', 'lib', 'sbin'].filter((one) => lstatSync(`/${one}`).isSymbolicLink()))
		expect(image.at(`/${name}`)?.kind).toBe('link');
});

test('a cache that was there and was read goes in as it was, one that the run made or changed does not', async () => {
	const run = record();
	const there = run.given(join(run.home, '.cache/matplotlib/fontlist-v1.json'), '{}');
	utimesSync(there, new Date(2020, 1), new Date(2020, 1));
	const made = run.made(join(run.home, '.cache/matplotlib/tex.cache'));
	const changed = run.given(join(run.home, '.cache/jedi/x'));
	run.use('read', there);
	run.use('create', made);
	run.use('read', made);
	run.use('read', changed);
	run.use('truncate', changed);
	const image = await packed(await run.judge());
	expect(image.at(there)?.reason).toContain('cache');
	expect([image.at(made), image.at(changed)]).toEqual([undefined, undefined]);
	expect(image.leftOut.map((one) => one.path)).toEqual([changed]);
});

test('--without takes a file or a folder out and says so, --with puts one in', async () => {
	const run = record();
	const site = environment(run);
	run.use('read', run.given('in.csv'));
	run.given('extra/a.txt');
	const judged = await run.judge();
	const image = await packed(judged, {
		without: [join(site, 'used'), join(run.folder, 'in.csv')],
		with: [join(run.folder, 'extra')],
	});
	expect(image.at(join(run.folder, 'in.csv'))).toBeUndefined();
	expect(image.leftOut.filter((one) => one.reason === 'left out by --without').map((one) => one.path)).toEqual([
		join(run.folder, 'in.csv'),
		join(site, 'used/__init__.py'),
		join(site, 'used/data.csv'),
		join(site, 'used/lazy.py'),
	]);
	expect(image.at(join(run.folder, 'extra/a.txt'))?.reason).toBe('asked for by --with');
	const nothing = join(run.folder, 'nothing');
	expect((await packed(judged, { with: [nothing] })).leftOut).toContainEqual({
		path: nothing,
		reason: 'asked for by --with, and not there',
		lost: false,
	});
});

test('own modules go in as they were, from the store where it kept them', async () => {
	const run = record();
	const path = run.given('helper.py', 'x = 1');
	run.use('missing', '__pycache__/helper.cpython-311.pyc', { cell: 1 });
	run.use('read', 'helper.py', { cell: 1 });
	const judged = await run.judge([cell(1, { modules: ['helper'] })]);
	const files = new Map(judged.files);
	files.set(path, { ...files.get(path)!, blobBefore: sha('x = 1') });
	writeFileSync(path, 'x = 2');
	const image = await closure(judged.judgement, files, { without: [], with: [] });
	expect(image.paths.find((one) => one.path === path)).toMatchObject({
		source: { from: 'blob', sha256: sha('x = 1') },
		expected: { size: 5, sha256: sha('x = 1') },
		layer: 'code and data',
	});
});

test('the same run gives the same paths in the same order, whatever order its facts came in', async () => {
	const run = record();
	const site = environment(run);
	for (const name of readdirSync(site)) if (statSync(join(site, name)).isFile()) run.use('stat', join(site, name));
	const judged = await run.judge();
	const one = await packed(judged);
	const other = await packed(await run.judge());
	expect(other.paths).toEqual(one.paths);
	expect(one.paths.map((each) => each.path)).toEqual(one.paths.map((each) => each.path).toSorted());
	expect(readFileSync(join(site, 'deep.py'), 'utf8')).toBe('');
});
