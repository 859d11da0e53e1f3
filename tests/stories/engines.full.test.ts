import { expect, test } from 'vitest';
import { agentFolder } from '../../core/src/workers/index.ts';
import { makePlace } from './cellar.ts';
import { auditEngines, faultsOf, tracesOfAgent } from './engines.ts';

test.each([
	['pools', 5],
	['pools', 10],
	['dask', 5],
	['dask', 10],
	['parsl', 5],
	['parsl', 10],
	['ipyparallel', 5],
	['ipyparallel', 10],
	['ray', 5],
	['ray', 10],
] as const)('200 tasks of each of the %s on %i workers: none in a wrong task, none lost', async (of, workers) => {
	using place = makePlace();
	const run = await auditEngines(place, { of, names: 'all', tasks: 200, workers });
	expect(faultsOf(run)).toEqual([]);
	expect(tracesOfAgent(run)).toEqual([]);
	expect(run.document.warnings).toEqual([]);
	if (of === 'pools' || of === 'dask') return;

	// The package that only tasks use is the workers' alone, and of the agent nothing is told here either.
	for (const [who, has] of [
		['manager', false],
		['workers', true],
	] as const) {
		const told = await place.cellar(['deps', '--for', who, '--json']);
		const names = told.json<{ readonly software: readonly { readonly name: string }[] }>().software.map(({ name }) => name);
		expect([names.includes('toolz'), names.includes('python')]).toEqual([has, true]);
		expect(told.stdout).not.toContain(agentFolder);
	}
});

test.each(['parsl', 'ipyparallel'] as const)('the oldest %s that is supported: no task is wrong, and none lost', async (of) => {
	using place = makePlace();
	const run = await auditEngines(place, { of, names: 'all', tasks: 40, workers: 3, environment: 'engines-oldest' });
	expect(faultsOf(run)).toEqual([]);
	expect(tracesOfAgent(run)).toEqual([]);
	expect(run.document.warnings).toEqual([]);
	const again = run.tables.facts.tasks.filter((task) => task.function === 'fails_once');
	expect(again.map(({ attempts }) => attempts.at(-1)!.counted)).toEqual([true]);
});
