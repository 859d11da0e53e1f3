import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { Dependencies } from '../../core/src/model/index.ts';
import { readTables } from '../../core/src/store/index.ts';
import { makePlace, pythonOf, type ErrorDocument } from './cellar.ts';
import { inlineNotebook } from './inline.ts';

test('a project’s rules are kept in the run, judge its parts later, and are named', { timeout: 600_000 }, async () => {
	using place = makePlace();
	const notebook = inlineNotebook(place, 'ruled.ipynb', [
		`print(len(open('scratch/part.csv').read()), len(open('lab.key').read()))`,
		`print(len(open('stations.csv').read()))`,
	]);
	const folder = dirname(notebook);
	mkdirSync(join(folder, 'scratch'));
	for (const name of ['scratch/part.csv', 'lab.key', 'stations.csv']) writeFileSync(join(folder, name), 'some text\n');
	writeFileSync(
		join(folder, 'cellar.toml'),
		'secrets = ["*.key"]\n[[rule]]\npath = "scratch/**"\nas = "temporary"\nreason = "step 1 makes it"\n',
	);
	const audited = await place.cellar(['audit', notebook, '--python', pythonOf('stories'), '--json']);
	expect(audited.code, audited.stderr).toBe(0);
	// What it says now is of the next run.
	rmSync(join(folder, 'cellar.toml'));

	const { data, setAside } = (await place.cellar(['deps', '--for', 'cell:1', '--json'])).json<Dependencies>();
	expect(data).toEqual([]);
	expect(setAside.filter((item) => item.reason.startsWith('cellar.toml'))).toEqual([
		{ path: join(folder, 'lab.key'), as: 'secret', reason: 'cellar.toml: *.key: a secret; never stored, hashed or packed' },
		{ path: join(folder, 'scratch/part.csv'), as: 'temporary', reason: 'cellar.toml: scratch/**: step 1 makes it' },
	]);
	const whole = (await place.cellar(['deps', '--json'])).json<Dependencies>();
	expect(whole.data.map((item) => item.relative)).toEqual(['stations.csv']);
	const explained = await place.cellar(['explain', join(folder, 'scratch/part.csv')]);
	expect(explained.stdout).toContain('cellar.toml: scratch/**: step 1 makes it');
	const { files } = await readTables(audited.json().directory);
	expect(files.find((file) => file.path === join(folder, 'lab.key'))).toMatchObject({
		...{ sha256Before: null, sha256After: null, blobBefore: null, blobAfter: null, whyNoBlob: 'secret' },
	});
});

test('a broken cellar.toml ends in exit 5 before anything runs', { timeout: 600_000 }, async () => {
	using place = makePlace();
	const notebook = inlineNotebook(place, 'never.ipynb', [`open('ran', 'w').close()`]);
	writeFileSync(join(dirname(notebook), 'cellar.toml'), '[[rule]]\npath = "a"\nas = "nothing"\n');
	const said = await place.cellar(['audit', notebook, '--python', pythonOf('stories'), '--json']);
	expect(said.code).toBe(5);
	expect(said.json<ErrorDocument>().error).toMatchObject({
		code: 'CELLAR_RULES_BROKEN',
		where: `${join(dirname(notebook), 'cellar.toml')}, rule 1 as`,
	});
	expect(existsSync(join(dirname(notebook), 'ran'))).toBe(false);
	expect(existsSync(join(place.home, 'runs')) ? readdirSync(join(place.home, 'runs')) : []).toEqual([]);
});
