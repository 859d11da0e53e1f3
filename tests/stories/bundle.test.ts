import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readTables } from '../../core/src/store/index.ts';
import { makePlace, type ErrorDocument } from './cellar.ts';
import { bundleThere, makeHost, poolOfTwo, workerThere } from './elsewhere.ts';
import { openRun } from './open-run.ts';

test('a host that has nothing reports by a bundle: into the run’s folder where it sees that, and else into one that is brought back', async () => {
	using place = makePlace();
	await using opened = await openRun(place);
	const { run, end } = opened;
	const bundle = join(place.folder, 'made bundle');
	const made = await place.cellar(['worker', 'bundle', '-o', bundle, '--run', 'latest', '--json']);
	expect([made.code, made.stderr]).toEqual([0, '']);
	expect(made.json<{ run: string; bytes: number }>().run).toBe(run.split('/').at(-1));
	const host = makeHost(place, 'n17');
	writeFileSync(join(host.work, 'pool.py'), poolOfTwo);
	for (const n of [0, 1]) writeFileSync(join(host.work, `${n}.txt`), `${n}`);
	expect(host.run(['sh', '-c', 'command -v node strace']), 'there is neither').toMatchObject({ code: 127, stdout: '' });

	const command = [host.python, 'pool.py'];
	const binds = { [bundleThere]: bundle };
	const shared = host.run([workerThere, '--', ...command], { binds: { ...binds, [run]: run } });
	expect(shared).toEqual({ code: 0, stdout: '0 1\n', stderr: '' });
	expect(readdirSync(host.work)).not.toContain('cellar-report');
	const env = { LD_LIBRARY_PATH: '/nowhere', LD_PRELOAD: '', HOME: '/work', TOKEN: 'x y' };
	const environmentOf = (first: readonly string[]) =>
		host
			.run([...first, 'env'], { binds, env })
			.stdout.split('\n')
			.toSorted();
	expect(environmentOf([workerThere, '--']), 'the worker has the environment that it would have').toEqual(environmentOf([]));
	expect(host.run([workerThere, '--', 'sh', '-c', 'read x <0.txt; exit 7'], { binds, uid: 4321 })).toMatchObject({ code: 7 });

	const document = await end();
	expect(document.warnings).toEqual([]);
	expect(document.workers.map(({ log }) => log)).toEqual(Array(document.workers.length).fill(expect.stringMatching(/^n17-/)));
	const { facts } = await readTables(run);
	expect(facts.tasks.map(({ engine, function: name }) => `${engine} ${name}`)).toEqual(['pool task', 'pool task']);
	expect(
		facts.accesses.filter(({ path, how }) => /^\/work\/[01]\.txt$/.test(path) && how === 'read').map((one) => one.task !== null),
	).toEqual([true, true]);
	expect(facts.accesses.filter(({ path }) => path.startsWith('/opt'))).toEqual([]);

	const report = join(host.work, `cellar-report-${run.split('/').at(-1)}`);
	const names = readdirSync(join(report, 'workers'));
	expect([names.length, readdirSync(join(report, 'logs'))], 'facts come back, not logs').toEqual([2, []]);
	const added = await place.cellar(['worker', 'add', 'latest', report, '--json']);
	expect(added.json<{ added: { name: string; host: string }[] }>().added).toEqual(
		names.map((name) => ({ name, host: 'n17', folder: report, heard: null })),
	);
	const now = (await readTables(run)).facts;
	expect(now.accesses.filter(({ path }) => path === '/work/0.txt')).toHaveLength(2);
	const again = await place.cellar(['worker', 'add', 'latest', report, '--json']);
	expect(again.json<{ added: unknown[]; known: unknown[] }>()).toMatchObject({
		added: [],
		known: names.map((name) => ({ name })),
	});
	expect((await readTables(run)).facts).toEqual(now);
});

test('what is there is not replaced by a bundle, and what cannot be is said', async () => {
	using place = makePlace();
	const asked = async (words: readonly string[], env = {}) => {
		const said = await place.cellar(['worker', 'bundle', '--json', ...words], { env });
		return [said.code, said.json<ErrorDocument>().error.code];
	};
	mkdirSync(join(place.folder, 'full'));
	writeFileSync(join(place.folder, 'full/mine'), '');
	expect(await asked(['-o', 'full'])).toEqual([2, 'CELLAR_USAGE']);
	expect(await asked(['-o', 'no/where'])).toEqual([2, 'CELLAR_NO_SUCH_FILE']);
	expect(await asked(['-o', 'b', '--run', 'latest'])).toEqual([2, 'CELLAR_NO_SUCH_RUN']);
	expect(await asked(['-o', 'b'], { PATH: '/nowhere' })).toEqual([4, 'CELLAR_NO_TRACER']);
	expect(await asked([])).toEqual([2, 'CELLAR_USAGE']);
	expect(readFileSync(join(place.folder, 'full/mine'), 'utf8')).toBe('');
	expect([existsSync(join(place.folder, 'b')), readdirSync(place.folder)]).toEqual([false, ['full']]);
});
