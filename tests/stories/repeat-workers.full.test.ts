import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Comparison, Dependencies } from '../../core/src/model/index.ts';
import { readRun } from '../../core/src/store/index.ts';
import { makePlace, pythonOf, type ErrorDocument, type Place } from './cellar.ts';
import { inlineNotebook } from './inline.ts';
import { keepsTaskVine, vineNotebook } from './repeated-workers.ts';

test('where the image lacks the worker’s program, the repeat says so and does not wait for tasks that nobody runs', async () => {
	using place = makePlace();
	const { words, env } = vineNotebook(place, 4, 2);
	expect(await place.cellar([...words, ...keepsTaskVine], { env })).toMatchObject({ code: 0 });
	const image = join(place.folder, 'without.oci.tar');
	const worker = `${env['CELLAR_TASKVINE']}/bin/vine_worker`;
	expect(await place.cellar(['pack', '-o', image, '--without', worker])).toMatchObject({ code: 0 });
	const refused = await place.cellar(['repeat', image, '--json']);
	expect(refused.code, refused.stderr).toBe(5);
	expect(refused.json<ErrorDocument>().error).toMatchObject({ code: 'CELLAR_IMAGE_BROKEN', where: 'vine_worker' });
});

/** A notebook with a scheduler of Dask's and no workers. */
function daskNotebook(place: Place): string {
	return inlineNotebook(place, 'dask.ipynb', [
		`
from dask.distributed import Client, LocalCluster
cluster = LocalCluster(n_workers=0, dashboard_address=':0')
client = Client(cluster)
client.wait_for_workers(2)
for n in range(10):
    with open(f'{n}.txt', 'w') as file: file.write(str(n))`,
		`
def work(n):
    import sqlite3
    with open(f'{n}.txt') as file: return int(file.read()) * 2
print(client.gather(client.map(work, range(10))))`,
		'client.close(); cluster.close()',
	]);
}

test('a traced repeat of a notebook with workers of Dask tells what they needed, as the recorded run did', async () => {
	using place = makePlace();
	const words = ['audit', daskNotebook(place), '--python', pythonOf('engines'), '--engine', 'dask', '--workers', '2', '--json'];
	const audited = await place.cellar(words);
	expect(audited.code, audited.stderr).toBe(0);
	const repeated = await place.cellar(['repeat', 'latest', '--audit', '--json']);
	expect(repeated.code, repeated.stderr).toBe(0);
	const comparison = repeated.json<Comparison>();
	expect(comparison).toMatchObject({ verdict: 'same', sandbox: { workers: { engine: 'dask', count: 2 } } });

	const { workers, warnings } = await readRun(join(place.home, 'runs', comparison.b));
	expect(warnings).toEqual([]);
	expect(workers.map(({ id, engine }) => [id, engine])).toEqual([
		['w1', 'dask'],
		['w2', 'dask'],
	]);
	const of = async (run: string) => {
		const { software, data } = (await place.cellar(['deps', run, '--for', 'workers', '--json'])).json<Dependencies>();
		return {
			software: software.flatMap(({ ecosystem, name, version }) => (ecosystem === 'pypi' ? [`${name} ${version}`] : [])),
			data: data.map(({ relative, role }) => [relative, role]),
		};
	};
	const first = await of(comparison.a);
	expect(first.software).toContain('distributed 2026.8.0');
	expect(first.data).toEqual(Array.from({ length: 10 }, (_, n) => [`${n}.txt`, 'intermediate']));
	expect(await of(comparison.b)).toEqual(first);
});

test('a number of workers for a run that had none of its own is refused before anything runs', async () => {
	using place = makePlace();
	const notebook = inlineNotebook(place, 'plain.ipynb', ['print(1)']);
	expect(await place.cellar(['audit', notebook, '--python', pythonOf('engines')])).toMatchObject({ code: 0 });
	const refused = await place.cellar(['repeat', 'latest', '--workers', '2', '--json']);
	expect(refused.code).toBe(2);
	expect(refused.json<ErrorDocument>().error.code).toBe('CELLAR_USAGE');
});
