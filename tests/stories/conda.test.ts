import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Comparison, Dependencies } from '../../core/src/model/index.ts';
import { makePrefix, type Prefix } from '../conda/prefix.ts';
import { makePlace, type Place } from './cellar.ts';
import { inlineNotebook } from './inline.ts';

let place: Place;
let conda: Prefix;
beforeAll(() => {
	place = makePlace();
	conda = makePrefix(join(place.folder, 'conda'), { kernel: true });
}, 600_000);
afterAll(() => place[Symbol.dispose](), 600_000);

test('a notebook of a conda environment is repeated without it, and needs the same again', async () => {
	const notebook = inlineNotebook(place, 'conda.ipynb', [
		'import itertools, json, sys\nimport tinymod, loose\nprint(tinymod.__version__, loose.value)',
		"print(open(sys.prefix + '/share/tiny/table.csv').read(), open(sys.prefix + '/lib/libtiny.so', 'rb').read()[:4])",
		'import lazydep, traitlets\nprint(lazydep.__version__, traitlets.__version__)',
	]);
	const audited = await place.cellar(['audit', notebook, '--python', conda.python, '--json']);
	expect(audited.code, audited.stderr).toBe(0);
	const { run } = audited.json();
	const image = join(place.folder, 'conda.oci.tar');
	const packed = await place.cellar(['pack', run, '-o', image, '--json']);
	expect(packed.code, packed.stderr).toBe(0);
	renameSync(conda.prefix, `${conda.prefix}.away`);
	const repeated = await place.cellar(['repeat', image, '--audit', '--json']);
	expect(repeated.code, repeated.stderr).toBe(0);
	const comparison = repeated.json<Comparison>();
	expect(comparison).toMatchObject({ verdict: 'same', sandbox: { network: false } });

	const software = async (which: string) => {
		const document = (await place.cellar(['deps', which, '--json'])).json<Dependencies>();
		expect(document.unknown).toEqual([]);
		return document.software
			.filter((one) => one.ecosystem !== 'deb')
			.map(({ name, version, ecosystem, direct, cells, origin }) => ({ name, version, ecosystem, direct, cells, origin }));
	};
	const first = await software(run);
	expect(first.filter((one) => one.ecosystem === 'conda').map((one) => [one.name, one.direct])).toEqual([
		['lazydep', true],
		['libtiny', false],
		['loose', true],
		['python', true],
		['tinymod', true],
		['traitlets', true],
	]);
	expect(first.find((one) => one.name === 'ipykernel')).toMatchObject({ ecosystem: 'pypi', direct: false });
	expect(first.filter((one) => one.ecosystem === 'interpreter')).toEqual([]);
	expect(await software(comparison.b)).toEqual(first);
}, 600_000);
