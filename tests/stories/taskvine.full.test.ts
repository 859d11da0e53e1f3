import { expect, test } from 'vitest';
import { makePlace } from './cellar.ts';
import { auditTaskVine, faultsOf, type Kind } from './taskvine.ts';

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

test('what only tasks import is the workers’ alone', async () => {
	using place = makePlace();
	await auditTaskVine(place, { kind: 'python', tasks: 40, workers: 5 });
	const said = await place.cellar(['deps', '--json']);
	const { software } = said.json<{
		readonly software: readonly { readonly name: string; readonly manager: boolean; readonly tasks: readonly string[] }[];
	}>();
	expect(software.filter(({ name }) => name === 'sortedcontainers')).toMatchObject([{ manager: false, tasks: ['8', '28'] }]);
});
