import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
	chmodSync,
	copyFileSync,
	existsSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	realpathSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { PackedPath } from '../../core/src/model/index.ts';
import { folder, installed, record } from './facts.ts';
import { checkPlain, environment, packed, sha } from './packed.ts';
import { ask, pythonOf } from './venv.ts';

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
