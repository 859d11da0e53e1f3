import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Comparison } from '../../core/src/model/index.ts';
import { makePlace } from './cellar.ts';
import { keepsTaskVine, vineNotebook } from './repeated-workers.ts';

test('workers that Cellar started are started again beside the manager, as many as asked for, and everything is the same', async () => {
	using place = makePlace();
	const { words, env } = vineNotebook(place, 6, 2);
	const audited = await place.cellar([...words, ...keepsTaskVine], { env });
	expect(audited.code, audited.stderr).toBe(0);
	expect(audited.json().workers).toHaveLength(2);
	const image = join(place.folder, 'vine.oci.tar');
	expect(await place.cellar(['pack', '-o', image])).toMatchObject({ code: 0 });
	renameSync(join(place.folder, 'data'), join(place.folder, 'away'));

	const repeated = await place.cellar(['repeat', image, '--workers', '3', '--json']);
	expect(repeated.code, repeated.stderr).toBe(0);
	const comparison = repeated.json<Comparison & { readonly warnings: readonly object[] }>();
	const sandbox = { network: false, workers: { engine: 'taskvine', count: 3 } };
	expect(comparison).toMatchObject({ verdict: 'same', sandbox, warnings: [] });
	expect(comparison.cells.map(({ verdict }) => verdict)).toEqual(['same', 'same', 'same']);
	expect(comparison.files.map(({ verdict }) => verdict)).toEqual(Array.from({ length: 6 }, () => 'same'));
});
