import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rules } from '../../core/src/dependencies/data/rules.ts';
import { cell, clone, folder, installed, record } from './facts.ts';

const sha = (text: string) => createHash('sha256').update(text).digest('hex');

test('what is read is an input, what is written an output, what is written and read again an intermediate', async () => {
	const run = record();
	run.given('in.csv');
	run.made('out.csv');
	run.made('step.csv');
	run.use('read', 'in.csv', { cell: 1 });
	run.use('truncate', 'out.csv', { cell: 1 });
	run.use('truncate', 'step.csv', { cell: 1 });
	run.use('read', 'step.csv', { cell: 2 });
	const document = (await run.judge()).document();
	expect(document.data.map((one) => [one.relative, one.role, one.cells])).toEqual([
		['in.csv', 'input', [1]],
		['out.csv', 'output', [1]],
		['step.csv', 'intermediate', [1, 2]],
	]);
	expect(document.data[0]).toMatchObject({ bytes: 5, sha256: sha('given'), kind: 'file' });
});

test('what was there and is changed is updated, unless it was written anew without being read', async () => {
	const run = record();
	for (const name of ['read-then-written', 'added-to', 'written-into', 'written-anew']) run.given(`${name}.csv`);
	run.use('read', 'read-then-written.csv');
	run.use('truncate', 'read-then-written.csv');
	run.use('append', 'added-to.csv');
	run.use('write', 'written-into.csv');
	run.use('truncate', 'written-anew.csv');
	const judged = await run.judge();
	const roles = ['read-then-written', 'added-to', 'written-into', 'written-anew'].map((name) => judged.verdict(`${name}.csv`));
	expect(roles).toEqual(['updated', 'updated', 'updated', 'output']);
});

test('a log that the run made itself is no update, though it was opened for append', async () => {
	const run = record();
	run.made('run.log');
	run.use('append', 'run.log');
	expect((await run.judge()).verdict('run.log')).toBe('output');
});

test('a file opened for reading and writing is an input if it was left as it was, by its time or by its content', async () => {
	const run = record();
	const old = run.given('old.db', 'same');
	utimesSync(old, new Date(2020, 1), new Date(2020, 1));
	run.given('touched.db', 'same');
	run.saved('touched.db', sha('same'));
	run.given('changed.db', 'after');
	run.saved('changed.db', sha('before'));
	run.given('unsaved.db', 'after');
	run.made('fresh.db');
	for (const name of ['old', 'touched', 'changed', 'unsaved', 'fresh']) {
		// The time says nothing of these: they were written to while the run went on.
		if (name !== 'old') utimesSync(join(run.folder, `${name}.db`), new Date(Date.now() + 60_000), new Date(Date.now() + 60_000));
		run.use('readwrite', `${name}.db`, { cell: 1 });
	}
	const judged = await run.judge();
	expect(['old', 'touched', 'changed', 'unsaved', 'fresh'].map((name) => judged.verdict(`${name}.db`))).toEqual([
		'input',
		'input',
		'updated',
		'updated',
		'output',
	]);
});

test('a database that a later cell opens as if to write is read there if it had changed for the last time before that cell began', async () => {
	const run = record();
	const began = Date.now();
	const at = (seconds: number) => new Date(began + seconds * 1000);
	for (const [name, changed] of [
		['only made', 1],
		['read later', 1],
		['changed later', 7],
		['changed again, then read', 7],
	] as const) {
		const path = run.made(name);
		run.use('readwrite', name, { cell: 1 });
		if (name !== 'only made') run.use('readwrite', name, { cell: 2 });
		if (name.startsWith('changed again')) run.use('readwrite', name, { cell: 3 });
		utimesSync(path, at(changed), at(changed));
	}
	// By `cp -p` a file gets a time from before the run.
	const copied = run.made('copied');
	run.use('readwrite', 'copied', { cell: 2 });
	utimesSync(copied, at(-1000), at(-1000));
	const cells = [0, 5, 10].map((seconds, index) => ({
		...{ number: index + 1, id: null, status: 'finished' as const, seconds: 1, executionCount: index + 1 },
		...{ executions: [index + 1], began: at(seconds).toISOString() },
	}));
	const judged = await run.judge([], { cells });
	const names = ['only made', 'read later', 'changed later', 'changed again, then read', 'copied'];
	expect(names.map((name) => judged.verdict(name))).toEqual(['output', 'intermediate', 'output', 'intermediate', 'output']);
});

test('a rename folds into its target at once: what was written under the first name is the second’s', async () => {
	const run = record();
	run.made('result.csv');
	run.use('create', 'result.csv.x7f3', { cell: 3 });
	run.change('rename', 'result.csv.x7f3', 'result.csv', { cell: 3 });
	run.given('counts.json', '{}');
	run.use('read', 'counts.json', { cell: 1 });
	run.use('create', 'counts.json.part', { cell: 4 });
	run.change('rename', 'counts.json.part', 'counts.json', { cell: 4 });
	const judged = await run.judge();
	expect(judged.document().data.map((one) => [one.relative, one.role, one.cells])).toEqual([
		['counts.json', 'updated', [1, 4]],
		['result.csv', 'output', [3]],
	]);
	expect(judged.verdict('result.csv.x7f3')).toBe('temporary');
	expect(judged.judgement.verdicts.get(join(run.folder, 'result.csv.x7f3'))?.reason).toContain(join(run.folder, 'result.csv'));
});

test('a name that is used again and again before each rename counts for each of its targets', async () => {
	const run = record();
	for (const name of ['a', 'b', 'c']) {
		run.made(`${name}.bin`);
		run.use('create', 'next.tmp', { cell: 1 });
		run.change('rename', 'next.tmp', `${name}.bin`, { cell: 1 });
	}
	expect((await run.judge()).document().data.map((one) => [one.relative, one.role])).toEqual([
		['a.bin', 'output'],
		['b.bin', 'output'],
		['c.bin', 'output'],
	]);
});

test('the rename of a folder is one of all that lies in it: a download is no input', async () => {
	const run = record();
	run.made('model/weights.bin');
	run.use('create', 'model.incomplete', { cell: 1 });
	run.use('create', 'model.incomplete/weights.bin', { cell: 1 });
	run.change('rename', 'model.incomplete', 'model', { cell: 1 });
	run.use('read', 'model/weights.bin', { cell: 2 });
	const judged = await run.judge();
	expect(judged.document().data.map((one) => [one.relative, one.role, one.cells])).toEqual([
		['model/weights.bin', 'intermediate', [1, 2]],
	]);
});

test('a file that was there and is moved away is an input, and where it went an output', async () => {
	const run = record();
	run.made('archive/in.csv');
	run.use('stat', 'in.csv');
	run.change('rename', 'in.csv', 'archive/in.csv', { cell: 2 });
	const judged = await run.judge();
	expect([judged.verdict('in.csv'), judged.verdict('archive/in.csv')]).toEqual(['input', 'output']);
});

test('what is made and removed is temporary where it was never read, an intermediate where it was', async () => {
	const run = record();
	for (const name of ['unread.bin', 'read.bin']) run.use('create', name, { cell: 1 });
	run.use('read', 'read.bin', { cell: 1 });
	for (const name of ['unread.bin', 'read.bin']) run.change('remove', null, name, { cell: 1 });
	const judged = await run.judge();
	expect([judged.verdict('unread.bin'), judged.verdict('read.bin')]).toEqual(['temporary', 'intermediate']);
});

test('an input that the run removes was read all the same; an old output that it removes before writing it again is an output', async () => {
	const run = record();
	run.use('read', 'consumed.csv');
	run.change('remove', null, 'consumed.csv');
	run.given('plot.png');
	run.change('remove', null, 'plot.png');
	run.use('create', 'plot.png');
	const judged = await run.judge();
	expect([judged.verdict('consumed.csv'), judged.verdict('plot.png')]).toEqual(['input', 'output']);
});

test('names that programs make up below a folder for temporary files are temporary; a name that a user chose there is data', async () => {
	const run = record();
	const names = ['/tmp/tmpab12cd_9/part.bin', '/tmp/Rtmpa1b2c3/x', '/tmp/pymp-abc/listener', '/dev/shm/psm_1234'];
	for (const name of names) run.use('create', name, { cell: 1 });
	for (const name of names) run.use('read', name, { cell: 1 });
	run.use('create', '/tmp/results-of-mine.csv', { cell: 1 });
	run.use('read', '/tmp/tmpzz99zz99/given.csv', { cell: 1 });
	// What an earlier cluster left there, which this one cleared away.
	run.use('read', '/tmp/dask-scratch-space/worker-ab12cd_9/storage', { cell: 1 });
	run.use('read', '/tmp/dask-scratch-space.csv', { cell: 1 });
	const judged = await run.judge();
	expect(names.map((name) => judged.verdict(name))).toEqual(names.map(() => 'temporary'));
	const inputs = ['/tmp/dask-scratch-space.csv', '/tmp/tmpzz99zz99/given.csv'];
	expect(judged.document().data.flatMap((one) => (one.role === 'input' ? [one.path] : []))).toEqual(inputs);
});

test('a notebook that lies below such a name itself has outputs beside it', async () => {
	const place = join(folder(), '..', `tmp${Math.random().toString(36).slice(2, 10).padEnd(8, '0')}`);
	mkdirSync(place);
	try {
		const run = record({ folder: place });
		run.made('out.csv');
		run.use('create', 'out.csv');
		expect((await run.judge()).verdict('out.csv')).toBe('output');
	} finally {
		rmSync(place, { recursive: true });
	}
});

test('companions of a database are temporary while it is in use, and belong to it where they stay', async () => {
	const run = record();
	run.made('a.sqlite');
	run.made('b.sqlite-wal');
	run.given('given.sqlite-wal');
	for (const name of ['a.sqlite', 'a.sqlite-journal', 'b.sqlite-wal', 'file.lock', 'data.csv.part']) run.use('create', name);
	for (const name of ['a.sqlite-journal', 'data.csv.part']) run.change('remove', null, name);
	run.use('read', 'given.sqlite-wal');
	run.given('uv.lock', 'version = 1');
	run.use('read', 'uv.lock');
	const judged = await run.judge();
	const names = ['a.sqlite', 'a.sqlite-journal', 'b.sqlite-wal', 'file.lock', 'data.csv.part', 'given.sqlite-wal', 'uv.lock'];
	expect(names.map((name) => judged.verdict(name))).toEqual([
		'output',
		'temporary',
		'output',
		'temporary',
		'temporary',
		'input',
		'input',
	]);
});

test('what lies in the home folder: settings, caches that tools make again, and data that was downloaded', async () => {
	const run = record();
	const kinds: Record<string, string> = {
		'.config/matplotlib/matplotlibrc': 'configuration',
		'.astropy/config/astropy.cfg': 'configuration',
		'.aws/config': 'configuration',
		'.condarc': 'configuration',
		'.cache/matplotlib/fontlist-v390.json': 'cache',
		'.cache/fontconfig/x.cache-7': 'cache',
		'.cache/pooch/photo.jpg': 'input',
		'.cache/huggingface/hub/models/weights.bin': 'input',
		'.cache/mylab/table.csv': 'input',
		'.keras/datasets/mnist.npz': 'input',
		'nltk_data/corpora/words.zip': 'input',
		'.local/share/mylab/map.tif': 'input',
		'.mylab/stations.csv': 'input',
		'.ipython/profile_default/history.sqlite': 'runtime',
		'.ipython/profile_default/ipython_config.py': 'configuration',
		'.local/share/jupyter/runtime/kernel-1.json': 'runtime',
		'Documents/notes.txt': 'input',
	};
	for (const name of Object.keys(kinds)) run.use('read', run.given(join(run.home, name)));
	const judged = await run.judge();
	expect(Object.fromEntries(Object.keys(kinds).map((name) => [name, judged.verdict(join(run.home, name))]))).toEqual(kinds);
});

test('what a run first writes below ~/.cache is a cache, but what it downloaded there is needed without a network', async () => {
	const run = record();
	for (const name of ['.cache/somelib/compiled.bin', '.cache/pooch/photo.jpg']) {
		const path = run.made(join(run.home, name));
		run.use('create', path, { cell: 1 });
		run.use('read', path, { cell: 2 });
	}
	const judged = await run.judge();
	expect(judged.verdict(join(run.home, '.cache/somelib/compiled.bin'))).toBe('cache');
	expect(judged.document().data).toMatchObject([
		{ path: join(run.home, '.cache/pooch/photo.jpg'), role: 'input', cells: [1, 2] },
	]);
});

test('a folder that says so by CACHEDIR.TAG is a cache, and so is what joblib remembers and numba compiled', async () => {
	const run = record();
	run.given('jcache/CACHEDIR.TAG');
	run.given('memo/joblib/f/func_code.py');
	for (const name of ['jcache/deep/x.bin', 'memo/joblib/f/abc/output.pkl', '__pycache__/nb.f-1.py311.nbi']) {
		run.use('read', run.given(name));
	}
	const judged = await run.judge();
	for (const name of ['jcache/deep/x.bin', 'memo/joblib/f/abc/output.pkl', '__pycache__/nb.f-1.py311.nbi']) {
		expect([name, judged.verdict(name)]).toEqual([name, 'cache']);
	}
});

test('an environment that has a CACHEDIR.TAG at its root is software: owners are asked before', async () => {
	const run = record();
	const site = join(run.folder, 'env/lib/python3.11/site-packages');
	installed(site, 'tool', '1', { 'tool.py': '' });
	run.given('env/CACHEDIR.TAG');
	run.use('read', join(site, 'tool.py'));
	expect((await run.judge()).software()).toEqual(['tool 1']);
});

test('folders of tools are set aside, settings beside a notebook are inputs', async () => {
	const run = record();
	for (const name of ['.git/HEAD', '.ipynb_checkpoints/a.ipynb', 'settings.toml', 'params.yaml', 'matplotlibrc'])
		run.use('read', run.given(name));
	const judged = await run.judge();
	const names = ['.git/HEAD', '.ipynb_checkpoints/a.ipynb', 'settings.toml', 'params.yaml', 'matplotlibrc'];
	expect(names.map((name) => judged.verdict(name))).toEqual(['tool folder', 'tool folder', 'input', 'input', 'configuration']);
});

test('a folder whose names were read is data, by the hash of the names that it had before the run', async () => {
	const run = record();
	for (const name of ['b.csv', 'a.csv']) run.given(`data/${name}`);
	run.use('list', 'data', { cell: 1 });
	run.made('data/made.csv');
	run.use('truncate', 'data/made.csv', { cell: 2 });
	run.use('read', 'data/gone.csv', { cell: 2 });
	run.change('remove', null, 'data/gone.csv', { cell: 2 });
	const listing = (await run.judge()).document().data.find((one) => one.kind === 'listing');
	expect(listing).toMatchObject({
		relative: 'data',
		role: 'input',
		bytes: null,
		cells: [1],
		sha256: sha('a.csv\nb.csv\ngone.csv\n'),
	});
});

test('a folder in which Python looks for modules is data only if a cell’s own code reads names', async () => {
	const listed = async (lists: boolean) => {
		const run = record();
		run.given('helper.py');
		run.use('list', '.', { cell: 1 });
		return (await run.judge([cell(1, { lists })])).document().data.length;
	};
	expect([await listed(false), await listed(true)]).toEqual([0, 1]);
});

test('a folder that the run made is no data, though its names were read', async () => {
	const run = record();
	mkdirSync(join(run.folder, 'out'));
	run.use('create', 'out');
	run.use('list', 'out');
	expect((await run.judge()).document().data).toEqual([]);
});

test('the names in a working folder are no data where only imports read them', async () => {
	const run = record();
	run.given('results/a.csv');
	run.given('parts/b.csv');
	for (const folder of ['results', 'parts']) {
		run.use('stat', folder, { cell: 1 });
		run.use('list', folder, { cell: folder === 'results' ? 2 : 3 });
	}
	const judged = await run.judge([cell(2, { modules: ['json'] }), cell(3, { lists: true })], {
		circumstances: { checks: false },
	});
	expect([judged.verdict('results'), judged.verdict('parts')]).toEqual(['looked at', 'input']);
});

test('where Python looks for modules, the names in a folder are no data to a cell that lists another one', async () => {
	const told = async (names: Parameters<typeof cell>[1]) => {
		const run = record();
		run.given('data/parts/a.csv');
		run.use('list', '.', { cell: 1 });
		run.use('list', 'data/parts', { cell: 1 });
		return (await run.judge([cell(1, names)])).document().data.map((one) => one.path.slice(run.folder.length));
	};
	expect(await told({ lists: true, listed: ['data/parts/'] })).toEqual(['/data/parts']);
	expect(await told({ lists: true, listed: [''] })).toEqual(['', '/data/parts']);
	expect(await told({ lists: true })).toEqual(['', '/data/parts']);
});

test('data behind a link is named as it was asked for, with what the link leads to', async () => {
	const run = record();
	const elsewhere = join(folder(), 'big.csv');
	writeFileSync(elsewhere, 'far');
	symlinkSync(elsewhere, join(run.folder, 'here.csv'));
	run.use('read', 'here.csv', { cell: 1 });
	const [one, ...rest] = (await run.judge()).document().data;
	expect(rest).toEqual([]);
	expect(one).toMatchObject({
		relative: 'here.csv',
		bytes: 3,
		sha256: sha('far'),
		reason: `read by the run; a link to ${elsewhere}`,
	});
});

test('a file that was only looked at is no data, one that is not there is missing if checks were recorded', async () => {
	const run = record();
	run.given('seen.csv');
	run.use('stat', 'seen.csv', { cell: 1 });
	run.use('missing', 'optional.cfg', { cell: 2 });
	run.use('missing', '/opt/nothing/x.so', { cell: 2 });
	const judged = await run.judge();
	expect(judged.verdict('seen.csv')).toBe('looked at');
	expect(judged.document().data).toEqual([]);
	expect(judged.document().missing).toMatchObject([{ path: join(run.folder, 'optional.cfg'), cells: [2] }]);
	expect((await run.judge([], { circumstances: { checks: false } })).document().missing).toBeNull();
});

test('the connection file, marks and sockets are the kernel’s own business', async () => {
	const run = record();
	const connection = run.given('/tmp/cellar-test-x/kernel-1.json'.replace('/tmp', folder()));
	run.use('read', connection);
	run.use('missing', '/.cellar/other/begin/cell/1');
	const judged = await run.judge([], { circumstances: { connectionFile: connection } });
	expect(judged.verdict(connection)).toBe('runtime');
	expect(judged.document().missing).toEqual([]);
});

test('a program of the user’s own, a module that was imported, a script that %run ran: software of the kind local', async () => {
	const run = record();
	run.given('count.sh', '#!/bin/sh\n');
	run.given('pack/__init__.py');
	run.given('pack/deep.py');
	run.given('other.py');
	run.given('notes.py', 'only text');
	run.exec('./count.sh', ['./count.sh'], { cell: 1 });
	for (const name of ['pack/__init__.py', 'pack/deep.py']) {
		run.use('missing', name.replace(/(\w+)\.py$/, '__pycache__/$1.cpython-311.pyc'), { cell: 2 });
		run.use('read', name, { cell: 2 });
	}
	run.use('read', 'other.py', { cell: 3 });
	run.use('read', 'notes.py', { cell: 4 });
	const judged = await run.judge([
		cell(1, { commands: ['./count.sh'] }),
		cell(2, { modules: ['pack.deep'] }),
		cell(3, { runs: ['other.py'] }),
	]);
	expect(judged.document().software.map((one) => [one.name, one.ecosystem, one.files, one.direct, one.cells])).toEqual([
		['count.sh', 'local', 1, true, [1]],
		['other.py', 'local', 1, true, [3]],
		['pack', 'local', 2, true, [2]],
	]);
	expect(judged.verdict('notes.py')).toBe('input');
});

test('what %run ran is found where the working folder was another by then', async () => {
	const run = record();
	run.given('steps/first.py');
	run.given('data/first.py', 'only text');
	run.use('read', 'data/first.py', { cell: 1 });
	run.use('read', 'steps/first.py', { cell: 2 });
	const judged = await run.judge([cell(2, { runs: ['../first.py'] })]);
	expect([judged.rule('steps/first.py'), judged.verdict('data/first.py')]).toEqual(['own module', 'input']);
	expect(judged.document().software.map((one) => [one.name, one.direct, one.cells])).toEqual([['first.py', true, [2]]]);
});

test('a module that a cell writes and another imports is an intermediate: the repeat writes it again', async () => {
	const run = record();
	run.made('gen.py');
	run.use('truncate', 'gen.py', { cell: 1 });
	run.use('missing', '__pycache__/gen.cpython-311.pyc', { cell: 2 });
	run.use('read', 'gen.py', { cell: 2 });
	expect((await run.judge()).verdict('gen.py')).toBe('intermediate');
});

test('files that IPython runs at its start are the user’s own modules', async () => {
	const run = record();
	const path = run.given(join(run.home, '.ipython/profile_default/startup/00-mine.py'));
	run.use('read', path);
	const judged = await run.judge();
	expect(judged.verdict(path)).toBe('software');
	expect(judged.judgement.verdicts.get(path)?.reason).toBe('IPython runs it before the first cell');
});

/** The names of the rules in their order; the project's own stand once, though there is one for each verdict. */
const ruleNames = rules.map((rule) => rule.name).filter((name, at, all) => name !== 'cellar.toml' || all[at - 1] !== name);

test('every rule has a name of its own, and no path is without a verdict', async () => {
	expect(new Set(ruleNames).size).toBe(ruleNames.length);
	const run = record();
	for (const how of [
		'read',
		'write',
		'append',
		'truncate',
		'create',
		'readwrite',
		'execute',
		'list',
		'stat',
		'missing',
	] as const) {
		run.use(how, `by-${how}`);
		run.use(how, run.given(`there-${how}`));
	}
	const judged = await run.judge();
	expect([...judged.judgement.verdicts.values()].filter((one) => one.verdict === 'unknown')).toEqual([]);
	expect(judged.judgement.verdicts.size).toBe(20);
});

test('docs/dependencies.md names every rule, in the order in which they are asked', () => {
	const page = readFileSync(join(clone, 'docs/dependencies.md'), 'utf8');
	const source = join(clone, 'core/src/dependencies/owners');
	const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
	const code = files.map((name) => readFileSync(join(source, name), 'utf8'));
	const inCode = code.flatMap((text) =>
		[...text.matchAll(/\brule: (?:counts \? )?'([^']+)'|system\('([^']+)'/g)].map((match) => match[1] ?? match[2]!),
	);
	const [first = '', second = ''] = page.split('## Second question');
	const named = (text: string) => [...text.matchAll(/^\|[^|]*\| `([^`]+)` \|/gm)].map((match) => match[1]!);
	expect(named(second)).toEqual(ruleNames);
	expect(new Set(inCode.filter((name) => !named(first).includes(name)))).toEqual(new Set());
	expect(inCode.length).toBeGreaterThan(10);
});
