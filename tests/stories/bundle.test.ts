import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readTables } from '../../core/src/store/index.ts';
import { makePlace } from './cellar.ts';
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
	expect(readdirSync(host.work).toSorted()).toEqual(['0.txt', '1.txt', 'pool.py']);
	const env = { LD_LIBRARY_PATH: '/nowhere', LD_PRELOAD: '', HOME: '/job', TOKEN: 'x y' };
	const printsAndExits = (first: readonly string[]) => {
		const said = host.run([...first, 'sh', '-c', 'env; read x <0.txt; exit 7'], { binds, env, uid: 4321 });
		return [said.code, said.stderr, said.stdout.split('\n').toSorted()];
	};
	expect(printsAndExits([workerThere, '--']), 'the worker has the environment that it would have').toEqual(printsAndExits([]));

	const document = await end();
	expect(document.warnings).toEqual([]);
	expect(document.workers.map(({ log }) => log)).toEqual(Array(document.workers.length).fill(expect.stringMatching(/^n17-/)));
	const { facts } = await readTables(run);
	expect(facts.tasks.map(({ engine, function: name }) => `${engine} ${name}`)).toEqual(['pool task', 'pool task']);
	expect(
		facts.accesses.filter(({ path, how }) => /^\/job\/[01]\.txt$/.test(path) && how === 'read').map((one) => one.task !== null),
	).toEqual([true, true]);
	expect(facts.accesses.filter(({ path }) => path.startsWith('/opt'))).toEqual([]);

	const report = join(host.work, `cellar-report-${run.split('/').at(-1)}`);
	const [name] = readdirSync(join(report, 'workers'));
	expect(readdirSync(join(report, 'logs')), 'facts come back, not logs').toEqual([]);
	const added = await place.cellar(['worker', 'add', 'latest', report, '--json']);
	expect(added.json()).toMatchObject({
		added: [{ name, host: 'n17', folder: report, heard: null }],
		known: [],
		open: [],
		silent: [],
	});
	const now = (await readTables(run)).facts;
	expect(now.accesses.filter(({ path }) => path === '/job/0.txt').map(({ log }) => log)).toContain(name);
});
