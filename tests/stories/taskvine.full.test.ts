import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makePlace } from './cellar.ts';
import { auditCells, auditTaskVine, faultsOf, taskvine, type Kind } from './taskvine.ts';

const kinds: readonly Kind[] = ['command', 'python', 'fork', 'direct', 'mini'];

test.each(kinds.flatMap((kind) => [5, 10].map((workers) => [kind, workers] as const)))(
	'200 tasks of TaskVine’s (%s) on %i workers: none in a wrong task, none lost, every file by the manager’s name',
	async (kind, workers) => {
		using place = makePlace();
		const run = await auditTaskVine(place, { kind, tasks: 200, workers });
		expect(faultsOf(run)).toEqual([]);
		expect(run.document.warnings).toEqual([]);
		expect(run.document.workers).toHaveLength(workers);
	},
);

test.each(kinds)(
	'a worker that is killed half way (%s): its tasks run again, and the attempt that counted is told',
	async (kind) => {
		using place = makePlace();
		const run = await auditTaskVine(place, { kind, tasks: 200, workers: 5, kill: true });
		expect(faultsOf(run)).toEqual([]);
		expect(run.document.workers).toHaveLength(5);
		const again = run.tables.facts.tasks.filter(({ attempts }) => attempts.length > 1);
		for (const { attempts } of again) expect(attempts.map(({ counted }) => counted)).toEqual([false, true]);
		expect(again.length).toBeGreaterThan(0);
	},
);

test('workers of a real factory are audited as those that the notebook starts', async () => {
	using place = makePlace();
	const run = await auditTaskVine(place, { kind: 'command', tasks: 200, workers: 5, factory: true });
	expect(faultsOf(run)).toEqual([]);
	expect(run.document.workers.length).toBeGreaterThanOrEqual(5);
});

test('what only tasks import is the workers’ alone, and the worker itself is software', async () => {
	using place = makePlace();
	await auditTaskVine(place, { kind: 'python', tasks: 40, workers: 5 });
	const said = await place.cellar(['deps', '--json']);
	const { software, data } = said.json<{
		readonly software: readonly {
			readonly name: string;
			readonly manager: boolean;
			readonly workers: readonly string[];
			readonly tasks: readonly string[];
		}[];
		readonly data: readonly { readonly path: string; readonly workers: readonly string[] }[];
	}>();
	expect(software.filter(({ name }) => name === 'sortedcontainers')).toMatchObject([{ manager: false, tasks: ['8', '28'] }]);

	// No package owns this TaskVine: its worker, and what that needs, are software all the same, and no data.
	const local = software
		.filter(({ name }) => /^(vine_worker|libssl|libz)\b/.test(name))
		.map(({ name, workers }) => [name, workers.length]);
	expect(local).toContainEqual(['vine_worker', 5]);
	expect(local.filter(([name]) => name !== 'vine_worker')).toEqual([
		['libssl.so.3', 5],
		[expect.stringMatching(/^libz\.so\.1/), 5],
	]);
	expect(data.filter(({ path, workers }) => workers.length > 0 && path.startsWith(taskvine))).toEqual([]);
});

test('folders that are sent, linked, handed on by another worker and given back are the manager’s; what is changed at a worker is not', async () => {
	using place = makePlace();
	mkdirSync(join(place.folder, 'given/sub'), { recursive: true });
	for (const name of ['a', 'sub/b']) writeFileSync(join(place.folder, 'given', name), name);
	const run = await auditCells(place, 2, [
		`
given, between = m.declare_file('given', cache=True), m.declare_temp()
t = vine.Task('mkdir o; cat x/a x/sub/b > o/r; cp o/r t')
t.add_input(given, 'x'); t.add_output(m.declare_file('made'), 'o'); t.add_output(between, 't')
t.set_cores(1); m.submit(t); done()`,
		`
for name, linked in [('y', True), ('z', False)]:
    t = vine.Task(f'cat {name}/a t; sleep 1; echo x >> own')
    t.add_input(given, name, mount_symlink=linked); t.add_input(between, 't'); t.add_input(m.declare_file('given/a'), 'own')
    t.set_cores(1); m.submit(t)
done()`,
	]);
	const { names, tasks, accesses } = run.tables.facts;
	const told = names
		.filter(({ task }) => task !== null)
		.map(({ task, path, as }) => [task, path.replace(`${place.folder}/`, ''), as]);
	expect(told.filter(([, , as]) => as !== 'own')).toEqual([
		['1', 'made', 'o'],
		['1', 'made/r', 'o/r'],
		['1', 'given/a', 'x/a'],
		['1', 'given/sub/b', 'x/sub/b'],
		['2', 'given/a', 'y/a'],
		['3', 'given/a', 'z/a'],
	]);
	// The two that ran side by side had it from different workers' caches, of which one was filled by the other.
	expect(new Set(tasks.slice(1).map(({ attempts }) => attempts[0]!.worker)).size).toBe(2);
	expect(run.document.warnings.map(({ code }) => code)).toEqual(['CELLAR_INPUT_WRITTEN']);
	const written = accesses.filter(
		({ path, how, worker }) => path === join(place.folder, 'given/a') && how === 'append' && worker !== null,
	);
	expect(written).toEqual([]);
});

test.each([
	['command', 5],
	['python', 5],
	['fork', 10],
] as const)(
	'--engine taskvine: 200 tasks of kind %s on %i workers that Cellar starts, each with a log of its own',
	async (kind, workers) => {
		using place = makePlace();
		const run = await auditTaskVine(place, { kind, tasks: 200, workers, apart: 'engine' });
		expect(faultsOf(run)).toEqual([]);
		expect(run.document.workers.map(({ engine }) => engine)).toEqual(Array(workers).fill('taskvine'));
		expect(run.document.warnings).toEqual([]);
		expect(new Set(run.tables.facts.accesses.map(({ log }) => log)).size).toBe(workers + 1);
	},
);

test.each(['factory', 'bundle'] as const)(
	'workers of a factory beside the notebook, each started by cellar worker or by a bundle of it (%s), report into its run',
	async (apart) => {
		using place = makePlace();
		const run = await auditTaskVine(place, { kind: 'python', tasks: 200, workers: 5, apart });
		expect(faultsOf(run)).toEqual([]);
		expect(run.document.workers.map(({ engine }) => engine)).toEqual(Array(5).fill('taskvine'));
		expect(new Set(run.tables.facts.accesses.map(({ log }) => log)).size).toBe(6);
	},
);
