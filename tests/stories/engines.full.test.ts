import { expect, test } from 'vitest';
import { makePlace } from './cellar.ts';
import { auditEngines, faultsOf } from './engines.ts';

test.each([5, 10])('200 tasks of every engine on %i workers: none in a wrong task, none lost', async (workers) => {
	using place = makePlace();
	const run = await auditEngines(place, { names: 'all', tasks: 200, workers });
	expect(faultsOf(run)).toEqual([]);
	expect(run.document.warnings).toEqual([]);
});
