import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { explain } from '../../core/src/dependencies/index.ts';
import { installed, record, type Judged, type Recorder } from './facts.ts';

const sha = (text: string) => createHash('sha256').update(text).digest('hex');

/** Path, kind, role and number of files of each thing in the document's data. */
function told(judged: Judged) {
	return judged
		.document()
		.data.map((one) => [
			one.relative,
			one.kind,
			one.role,
			one.members?.reduce((sum, { paths }) => sum + paths.length, 0) ?? null,
		]);
}

function readAll(run: Recorder, names: readonly string[], cell = 1) {
	for (const name of names) run.use('read', run.given(name), { cell });
}

test('a Zarr store is one dependency by its outermost mark, of the second format and of the third', async () => {
	const run = record();
	readAll(run, ['sea.zarr/.zgroup', 'sea.zarr/temp/.zarray', 'sea.zarr/temp/0.0', 'sea.zarr/temp/0.1']);
	readAll(run, ['air.zarr/zarr.json', 'air.zarr/wind/zarr.json', 'air.zarr/wind/c/0/0'], 2);
	expect(told(await run.judge())).toEqual([
		['air.zarr', 'store', 'input', 3],
		['sea.zarr', 'store', 'input', 4],
	]);
});

test('a store has the cells of all its files, their bytes together, and a hash that sha256sum gives too', async () => {
	const run = record();
	readAll(run, ['s.zarr/zarr.json', 's.zarr/c/1'], 3);
	run.use('read', run.given('s.zarr/c/0', 'zero'), { cell: 1 });
	const [store] = (await run.judge()).document().data;
	expect(store).toMatchObject({ cells: [1, 3], bytes: 14, kind: 'store', reason: 'a Zarr store, 3 files used: 3 input' });
	expect(store?.sha256).toBe(sha(`${sha('zero')}  c/0\n${sha('given')}  c/1\n${sha('given')}  zarr.json\n`));
});

test('parts below `key=value` folders climb to the folder above them all', async () => {
	const run = record();
	readAll(run, ['sales/year=2025/month=1/a-0.parquet', 'sales/year=2026/month=2/b-0.parquet']);
	readAll(run, ['out/part-00000.csv', 'out/part-00001.csv', 'out/notes.txt']);
	readAll(run, ['spark/_SUCCESS', 'spark/x.csv']);
	expect(told(await run.judge())).toEqual([
		['out', 'store', 'input', 2],
		['out/notes.txt', 'file', 'input', null],
		['sales', 'store', 'input', 2],
		['spark', 'store', 'input', 2],
	]);
});

test('a Hugging Face dataset of two splits, a shapefile, an HDF5 file with its lock and a database with its log are one each', async () => {
	const run = record();
	readAll(run, ['ds/dataset_dict.json', 'ds/train/dataset_info.json', 'ds/train/data-0.arrow', 'ds/test/data-0.arrow']);
	readAll(run, ['map/roads.shp', 'map/roads.shx', 'map/roads.dbf', 'map/roads.prj', 'map/other.dbf']);
	readAll(run, ['t.h5', 't.h5.lock', 'a.db', 'a.db-wal']);
	expect(told(await run.judge())).toEqual([
		['a.db', 'store', 'input', 2],
		['ds', 'store', 'input', 4],
		['map/other.dbf', 'file', 'input', null],
		['map/roads.shp', 'store', 'input', 4],
		['t.h5', 'store', 'input', 2],
	]);
});

test('what a store was to the run follows from its files: read, written, read again, or read and then changed', async () => {
	const run = record();
	const write = (path: string) => run.use('create', run.made(path), { cell: 1 });
	readAll(run, ['old.zarr/zarr.json', 'old.zarr/c/0']);
	write('old.zarr/c/1');
	for (const name of ['new.zarr', 'back.zarr']) {
		for (const file of ['zarr.json', 'c/0', 'c/1']) write(`${name}/${file}`);
		// The library reads what it has just written about the store.
		run.use('read', `${name}/zarr.json`, { cell: 1 });
	}
	run.use('read', 'back.zarr/c/0', { cell: 2 });
	const judged = await run.judge();
	expect(told(judged)).toEqual([
		['back.zarr', 'store', 'intermediate', 3],
		['new.zarr', 'store', 'output', 3],
		['old.zarr', 'store', 'updated', 3],
	]);
	const old = judged.document().data.find((one) => one.relative === 'old.zarr');
	expect(old?.sha256Before).toBe(sha(`${sha('given')}  c/0\n${sha('given')}  zarr.json\n`));
});

test('the names read in a store are part of it', async () => {
	const run = record();
	readAll(run, ['s.zarr/zarr.json', 's.zarr/c/0']);
	run.use('list', 's.zarr/c', { cell: 4 });
	expect((await run.judge()).document().data).toMatchObject([{ relative: 's.zarr', kind: 'store', cells: [1, 4] }]);
});

test('twenty files of one role in one folder are one dependency, nineteen are not, and the list of them is kept', async () => {
	const run = record();
	const names = Array.from({ length: 20 }, (_, at) => `many/${String(at).padStart(2, '0')}.csv`);
	readAll(run, names);
	readAll(
		run,
		names.slice(1).map((name) => name.replace('many', 'few')),
	);
	const judged = await run.judge();
	expect(told(judged).filter(([, kind]) => kind === 'store')).toEqual([['many', 'store', 'input', 20]]);
	expect(judged.document().data).toHaveLength(20);
	const store = judged.document().data.find((one) => one.kind === 'store');
	expect(store?.members).toEqual([{ role: 'input', paths: names.map((name) => join(run.folder, name)) }]);
});

test('files of one folder that other cells used are another dependency, so that each cell has its own', async () => {
	const run = record();
	const names = (first: number, count: number) => Array.from({ length: count }, (_, at) => `tiles/${first + at}.png`);
	readAll(run, names(100, 20), 1);
	readAll(run, names(200, 21), 2);
	readAll(run, names(300, 2), 3);
	const judged = await run.judge();
	const cells = judged.document().data.map((one) => [one.relative, one.kind, one.cells, one.members?.[0]?.paths.length ?? null]);
	expect(cells).toEqual([
		['tiles', 'store', [1], 20],
		['tiles', 'store', [2], 21],
		['tiles/300.png', 'file', [3], null],
		['tiles/301.png', 'file', [3], null],
	]);
});

test('the notebook’s folder and the home folder are no store, whatever lies in them', async () => {
	const run = record();
	readAll(run, ['zarr.json', 'c/0', ...Array.from({ length: 25 }, (_, at) => `part-${at}.csv`)]);
	const kinds = new Set((await run.judge()).document().data.map((one) => one.kind));
	expect(kinds).toEqual(new Set(['file']));
});

test('of a cell’s part of a store only the files that the cell used are listed, under the same name', async () => {
	const run = record();
	readAll(run, ['s.zarr/zarr.json', 's.zarr/c/0'], 1);
	readAll(run, ['s.zarr/c/1'], 2);
	const judged = await run.judge();
	expect(judged.document('cell:2').data).toMatchObject([
		{ relative: 's.zarr', members: [{ role: 'input', paths: [join(run.folder, 's.zarr/c/1')] }] },
	]);
});

test('a member is explained with the store that it belongs to, a store with its files by count', async () => {
	const run = record();
	readAll(run, ['s.zarr/zarr.json', 's.zarr/c/0', 's.zarr/c/1']);
	run.use('create', run.made('s.zarr/c/2'), { cell: 2 });
	const { judgement } = await run.judge();
	const store = join(run.folder, 's.zarr');
	expect(explain(judgement, 's.zarr/c/0')).toMatchObject({
		verdict: 'input',
		rule: 'data: input',
		reason: `read by the run; part of ${store}, a Zarr store, 4 files used`,
		store: { path: store, files: 4 },
	});
	expect(explain(judgement, 's.zarr')).toMatchObject({
		verdict: 'updated',
		rule: 'store',
		reason: 'a Zarr store, 4 files used: 3 input, 1 output',
		store: { path: store, files: 4 },
	});
});

test('data that a package carries is the package’s, and is counted with it', async () => {
	const run = record();
	const site = join(run.folder, 'venv/lib/python3.11/site-packages');
	installed(site, 'photos', '1', { 'photos/__init__.py': '', 'photos/cat.png': '', 'photos/points.csv': '', 'photos/x.so': '' });
	for (const name of ['__init__.py', 'cat.png', 'points.csv', 'x.so']) run.use('read', join(site, 'photos', name), { cell: 1 });
	const document = (await run.judge()).document();
	expect(document.data).toEqual([]);
	expect(document.software).toMatchObject([{ name: 'photos', files: 4, dataFiles: 2 }]);
});

test('of a file that was read and then written over, both states are told', async () => {
	const run = record();
	run.use('read', run.given('counts.csv', 'old'), { cell: 1 });
	run.saved('counts.csv', sha('old'));
	run.use('truncate', 'counts.csv', { cell: 2 });
	writeFileSync(join(run.folder, 'counts.csv'), 'new');
	expect((await run.judge()).document().data).toMatchObject([
		{ relative: 'counts.csv', role: 'updated', sha256: sha('new'), sha256Before: sha('old') },
	]);
});
