import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createRun, findRun, listRuns } from '../../core/src/store/index.ts';
import { failureOf, folder, someRun } from './some.ts';

/** A home with finished runs that began at these times; their ids in the same order. */
async function homeWith(
	...runs: readonly { started: string; repeatOf?: string | null }[]
): Promise<{ home: string; ids: string[] }> {
	const home = folder();
	const ids: string[] = [];
	for (const run of runs) {
		const made = await createRun(home, someRun(run));
		await made.append({ event: 'end', status: 'finished', at: run.started });
		await made.finish();
		ids.push(made.id);
	}
	return { home, ids };
}

test('runs are listed newest first, those of one second by their milliseconds', async () => {
	const { home, ids } = await homeWith(
		{ started: '2026-03-01T09:30:00.900Z' },
		{ started: '2026-03-01T09:30:00.100Z' },
		{ started: '2026-03-02T09:30:00.000Z' },
		{ started: '2025-12-31T23:59:59.999Z' },
	);
	const listed = await listRuns(home);
	expect(listed.map((run) => run.run)).toEqual([ids[2], ids[0], ids[1], ids[3]]);
	expect(listed[0]).toMatchObject({
		directory: join(home, 'runs', ids[2]!),
		notebook: '/home/ada/analysis.ipynb',
		status: 'finished',
		seconds: 0,
		cells: { total: 3, finished: 0 },
		workers: 0,
		repeatOf: null,
		problem: null,
	});
	expect(listed[0]!.bytes).toBeGreaterThan(1000);
});

test('a home without runs has none, and says how to make one', async () => {
	const home = join(folder(), 'not there');
	expect(await listRuns(home)).toEqual([]);
	expect(await failureOf(findRun(home, 'latest'))).toMatchObject({
		code: 'CELLAR_NO_SUCH_RUN',
		exitCode: 2,
		hint: 'cellar audit NOTEBOOK.ipynb makes one',
	});
});

test('latest is the newest run that is not a repeat', async () => {
	const { home, ids } = await homeWith(
		{ started: '2026-03-01T09:00:00.000Z' },
		{ started: '2026-03-01T10:00:00.100Z' },
		{ started: '2026-03-01T10:00:00.900Z' },
		{ started: '2026-03-01T11:00:00.000Z', repeatOf: '20260301-100000-0000' },
	);
	expect(await findRun(home, 'latest')).toEqual({ id: ids[2], directory: join(home, 'runs', ids[2]!) });
});

test('a run is found by its id and by any prefix that no other has', async () => {
	const { home, ids } = await homeWith({ started: '2026-03-01T09:00:00.000Z' }, { started: '2026-03-02T09:00:00.000Z' });
	for (const word of [ids[0]!, '20260301', '20260301-09']) expect((await findRun(home, word)).id).toBe(ids[0]);
	const failure = await failureOf(findRun(home, '202603'));
	expect(failure).toMatchObject({ code: 'CELLAR_AMBIGUOUS_RUN', exitCode: 2 });
	for (const id of ids) expect(failure.message).toContain(id);
});

test('a run that is not there is answered with the nearest one', async () => {
	const { home, ids } = await homeWith({ started: '2026-03-01T09:00:00.000Z' }, { started: '2024-01-01T00:00:00.000Z' });
	const failure = await failureOf(findRun(home, `${ids[0]!.slice(0, -1)}z`));
	expect(failure).toMatchObject({ code: 'CELLAR_NO_SUCH_RUN', exitCode: 2 });
	expect(failure.hint).toContain(`the nearest is ${ids[0]}`);
	expect((await failureOf(findRun(home, ''))).code).toBe('CELLAR_NO_SUCH_RUN');
});

test('a word with a slash or a suffix is a path, never an id', async () => {
	const { home } = await homeWith({ started: '2026-03-01T09:00:00.000Z' });
	for (const word of ['./latest', 'latest.run', '.']) {
		expect(['CELLAR_NO_SUCH_RUN', 'CELLAR_RUN_UNREADABLE']).toContain((await failureOf(findRun(home, word))).code);
	}
});

test('one broken run does not hide the others, and says what is wrong with it', async () => {
	const { home, ids } = await homeWith({ started: '2026-03-01T09:00:00.000Z' }, { started: '2026-03-02T09:00:00.000Z' });
	writeFileSync(join(home, 'runs', ids[1]!, 'run.json'), '{"format":1,');
	const [broken, whole] = await listRuns(home);
	expect(broken).toMatchObject({ run: ids[1], status: null, started: null, problem: { code: 'CELLAR_RUN_UNREADABLE' } });
	expect(whole).toMatchObject({ run: ids[0], status: 'finished', problem: null });
	expect((await findRun(home, 'latest')).id).toBe(ids[0]);
});

test('a run of a newer format is refused, and latest does not quietly mean the one before it', async () => {
	const { home, ids } = await homeWith({ started: '2026-03-01T09:00:00.000Z' }, { started: '2026-03-02T09:00:00.000Z' });
	writeFileSync(join(home, 'runs', ids[1]!, 'run.json'), '{"format":2,"anything":"else"}');
	expect(await failureOf(findRun(home, 'latest'))).toMatchObject({ code: 'CELLAR_RUN_TOO_NEW', exitCode: 5 });
	expect((await listRuns(home))[0]).toMatchObject({ problem: { code: 'CELLAR_RUN_TOO_NEW' } });
});

test('a run.json with a field of the wrong kind is refused by the name of the field', async () => {
	const { home, ids } = await homeWith({ started: '2026-03-01T09:00:00.000Z' });
	const directory = join(home, 'runs', ids[0]!);
	writeFileSync(join(directory, 'run.json'), JSON.stringify({ ...someRun(), run: ids[0], seconds: 'many' }));
	const failure = await failureOf(findRun(home, directory));
	expect(failure).toMatchObject({ code: 'CELLAR_RUN_UNREADABLE', exitCode: 5 });
	expect(failure.message).toContain('seconds');
});
