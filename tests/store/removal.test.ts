import { cpSync, existsSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { noFacts, type FileFact, type OutputFact } from '../../core/src/model/index.ts';
import {
	createRun,
	listRuns,
	openBlobs,
	removeRun,
	sweepBlobs,
	writeTables,
	type RunFolder,
} from '../../core/src/store/index.ts';
import { failureOf, folder, someRun } from './some.ts';

/** A finished run that refers to blobs by a journalled input, a file of its tables and an output. */
async function runWith(
	home: string,
	blobs: { input?: string; before?: string; after?: string; output?: string },
): Promise<RunFolder> {
	const store = openBlobs(home);
	const put = async (content: string | undefined) => (content === undefined ? null : store.putBytes(Buffer.from(content)));
	const made = await createRun(home, someRun());
	const input = await put(blobs.input);
	if (input) await made.append({ event: 'input', path: '/in', sha256: input, kept: true, existedBefore: true });
	const file: FileFact = {
		path: '/file',
		realPath: '/file',
		kind: 'file',
		size: 1,
		mode: 0o644,
		mtime: 0,
		existedBefore: true,
		sha256Before: null,
		sha256After: null,
		blobBefore: await put(blobs.before),
		blobAfter: await put(blobs.after),
		whyNoBlob: null,
	};
	const blob = await put(blobs.output);
	const output: OutputFact = {
		cell: 1,
		output: 0,
		kind: 'stream',
		media: 'text/plain',
		name: 'stdout',
		bytes: 1,
		sha256: blob ?? '',
		blob,
	};
	await writeTables(made.directory, {
		facts: noFacts,
		files: [file],
		outputs: [output],
	});
	await made.append({ event: 'end', status: 'finished', at: '2026-03-01T09:31:00.000Z' });
	await made.finish();
	return made;
}

/** The contents that a store still holds, of those that a test may have put there. */
async function left(home: string, ...contents: string[]): Promise<string[]> {
	const kept = new Set(readdirSync(join(home, 'blobs', 'sha256'), { recursive: true }).map((name) => String(name).slice(3)));
	const elsewhere = openBlobs(folder());
	const found: string[] = [];
	for (const content of contents) if (kept.has(await elsewhere.putBytes(Buffer.from(content)))) found.push(content);
	return found;
}

test('a removed run takes the blobs that only it refers to', async () => {
	const home = folder();
	const first = await runWith(home, { input: 'a', before: 'b', after: 'c', output: 'd' });
	const second = await runWith(home, { input: 'a', before: 'c', after: 'x', output: 'y' });
	expect(await removeRun(home, first.id)).toEqual({ blobs: 2, bytes: 2, keptBecause: null });
	expect((await listRuns(home)).map((run) => run.run)).toEqual([second.id]);
	expect(await left(home, 'a', 'b', 'c', 'd', 'x', 'y')).toEqual(['a', 'c', 'x', 'y']);
	expect(readdirSync(join(home, 'runs'))).toEqual([second.id]);
});

test('the inputs of a run that died are referred to by its journal', async () => {
	const home = folder();
	const done = await runWith(home, { input: 'a' });
	const died = await createRun(home, someRun());
	await died.append({
		event: 'input',
		path: '/in',
		sha256: await openBlobs(home).putBytes(Buffer.from('b')),
		kept: true,
		existedBefore: true,
	});
	await died[Symbol.asyncDispose]();
	await removeRun(home, done.id);
	expect(await left(home, 'a', 'b')).toEqual(['b']);
});

test('a run that is going on is not removed, and what was kept since it began is not swept', async () => {
	const home = folder();
	const old = await runWith(home, { after: 'of the old run' });
	const blobs = openBlobs(home);
	const aged = await blobs.putBytes(Buffer.from('aged'));
	utimesSync(blobs.path(aged), 1, 1);
	await using going = await createRun(home, someRun({ started: new Date(Date.now() - 60_000).toISOString() }));
	await blobs.putBytes(Buffer.from('not yet in a table'));
	expect(await failureOf(removeRun(home, going.id))).toMatchObject({ code: 'CELLAR_RUN_IN_USE', exitCode: 2 });
	const removed = await removeRun(home, old.id);
	expect(removed).toMatchObject({ blobs: 1, keptBecause: expect.stringContaining('going on') });
	expect(await left(home, 'of the old run', 'not yet in a table', 'aged')).toEqual(['of the old run', 'not yet in a table']);
	await going[Symbol.asyncDispose]();
	expect(await sweepBlobs(home)).toMatchObject({ blobs: 2, keptBecause: null });
});

test('where a run cannot be read no blob is removed', async () => {
	const home = folder();
	const first = await runWith(home, { input: 'a' });
	const second = await runWith(home, { input: 'b' });
	writeFileSync(join(second.directory, 'outputs.parquet'), 'broken');
	expect(await removeRun(home, first.id)).toMatchObject({ blobs: 0, keptBecause: expect.stringContaining(second.id) });
	expect(await left(home, 'a', 'b')).toEqual(['a', 'b']);
	writeFileSync(join(second.directory, 'run.json'), '{"format":9}');
	expect(await sweepBlobs(home)).toMatchObject({ blobs: 0, keptBecause: expect.stringContaining('format 9') });
	await removeRun(home, second.id);
	expect(await left(home, 'a', 'b')).toEqual([]);
});

test('of a run that is only linked the link goes, and the folder stays', async () => {
	const home = folder();
	const made = await runWith(home, { input: 'a' });
	const elsewhere = join(folder(), 'copy');
	cpSync(made.directory, elsewhere, { recursive: true });
	rmSync(made.directory, { recursive: true });
	symlinkSync(elsewhere, made.directory);
	await removeRun(home, made.id);
	expect(existsSync(join(elsewhere, 'run.json'))).toBe(true);
	expect(await listRuns(home)).toEqual([]);
});

test('what was cut short long ago is cleared away, what is young may be somebody else’s', async () => {
	const home = folder();
	const made = await runWith(home, { input: 'a' });
	const runs = join(home, 'runs');
	for (const path of [
		'runs/.20260101-000000-0000.new',
		'runs/.20260101-000000-0001.new',
		'blobs/tmp/old',
		'blobs/tmp/young',
		'runs/.x.removed',
	]) {
		writeFileSync(join(home, path), '');
	}
	utimesSync(join(runs, '.20260101-000000-0000.new'), 1, 1);
	utimesSync(join(home, 'blobs/tmp/old'), 1, 1);
	await sweepBlobs(home);
	expect(readdirSync(runs).toSorted()).toEqual(['.20260101-000000-0001.new', made.id]);
	expect(readdirSync(join(home, 'blobs/tmp'))).toEqual(['young']);
});

test('a run that is not there cannot be removed, nor can anything beside the runs', async () => {
	const home = folder();
	await runWith(home, {});
	for (const id of ['20200101-000000-0000', '..', '']) {
		expect(await failureOf(removeRun(home, id))).toMatchObject({ code: 'CELLAR_NO_SUCH_RUN', exitCode: 2 });
	}
	expect(await listRuns(home)).toHaveLength(1);
});
