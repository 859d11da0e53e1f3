import {
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
import { basename, join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { closure, parseSelector } from '../../core/src/dependencies/index.ts';
import { createWalker } from '../../core/src/dependencies/closure/walk.ts';
import { cell, folder, record } from './facts.ts';
import { checkPlain, environment, packed, sha } from './packed.ts';

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
