import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Comparison, Dependencies } from '../../core/src/model/index.ts';
import { channel, goOn, makePrefix, type Prefix } from '../conda/prefix.ts';
import { read } from '../exports/some.ts';
import { makePlace, type Place } from './cellar.ts';
import { inlineNotebook } from './inline.ts';

let place: Place;
let conda: Prefix;
let run: string;
beforeAll(async () => {
	place = makePlace();
	conda = makePrefix(join(place.folder, 'conda'), { kernel: true });
	const notebook = inlineNotebook(place, 'conda.ipynb', [
		'import itertools, json, sys\nimport tinymod, loose, tinyext\nprint(tinymod.__version__, loose.value)',
		"print(open(sys.prefix + '/share/tiny/table.csv').read(), open(sys.prefix + '/lib/libtiny.so', 'rb').read()[:4])",
		'import lazydep, traitlets\nprint(lazydep.__version__, traitlets.__version__)',
	]);
	const audited = await place.cellar(['audit', notebook, '--python', conda.python, '--json']);
	expect(audited.code, audited.stderr).toBe(0);
	run = audited.json().run;
}, 600_000);
afterAll(() => place[Symbol.dispose](), 600_000);

/** A package as conda and as the channel have it. */
interface Package {
	readonly name: string;
	readonly version: string;
	readonly build: string;
	readonly url: string;
	readonly md5: string;
	readonly sha256: string;
}

/** What conda says that a prefix has. */
function packagesOf({ prefix }: Prefix): readonly Package[] {
	const folder = join(prefix, 'conda-meta');
	const documents = readdirSync(folder).filter((name) => name.endsWith('.json'));
	const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Package; // rattler wrote it
	return documents
		.map(read)
		.map(({ name, version, build, url, md5, sha256 }) => ({ name, version, build, url, md5, sha256 }))
		.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

test('what --format conda writes is solved to the very packages of the environment, though the channel has newer ones', async () => {
	goOn(join(place.folder, 'conda'));
	const had = packagesOf(conda);
	const names = had.map(({ name }) => name);
	expect(names).toEqual(['lazydep', 'libtiny', 'loose', 'python', 'tinyext', 'tinymod', 'traitlets']);
	const newest = channel<Package[]>('solve', conda.channel, ...names);
	expect(newest.map(({ url }) => url).filter((url) => had.some((one) => one.url === url))).toEqual([]);

	const written = await place.cellar(['deps', run, '--format', 'conda']);
	expect(written.code, written.stderr).toBe(0);
	const environment = read<{ channels: string[]; dependencies: (string | { pip: string[] })[] }>(
		'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))',
		written.stdout,
	);
	expect(environment.channels).toEqual([conda.channel]);
	const specs = environment.dependencies.filter((one) => typeof one === 'string');
	const solved = channel<Package[]>('solve', ...environment.channels, ...specs);
	expect(solved.filter(({ name }) => name !== 'pip')).toEqual(had);

	// poncho hands the same to conda, and takes what stands before any of `!~=<>` for a package's name.
	const poncho = (await place.cellar(['deps', run, '--format', 'poncho'])).json<{ conda: unknown }>();
	expect(poncho).toEqual({ conda: { channels: environment.channels, dependencies: environment.dependencies } });
	expect(specs.map((spec) => spec.replace(/[!~=<>].*$/, ''))).toEqual([...names, 'pip'].toSorted());

	// pip itself is conda's to install, and what pip installed is listed for it, by the versions that are there.
	expect(specs.filter((spec) => /^pip\b/.test(spec))).toEqual(['pip']);
	const { software } = (await place.cellar(['deps', run, '--json'])).json<Dependencies>();
	const asked = environment.dependencies.flatMap((one) => (typeof one === 'string' ? [] : one.pip));
	expect(asked.map((one) => one.split('==')[0])).toEqual(
		software.filter(({ ecosystem }) => ecosystem === 'pypi').map(({ name }) => name),
	);
	expect(asked.length).toBeGreaterThan(10);
	const there = versionsIn(conda);
	expect(asked.map((one) => one.split('==')).filter(([name, version]) => there.get(name!.toLowerCase()) !== version)).toEqual([]);
});

test('what --format conda-explicit writes are the very archives of the environment, by their hashes', async () => {
	const written = await place.cellar(['deps', run, '--format', 'conda-explicit']);
	expect(written.code, written.stderr).toBe(0);
	const file = join(place.folder, 'explicit.txt');
	writeFileSync(file, written.stdout);
	const { platform, archives } = channel<{ platform: string; archives: { url: string; written: string; md5: string }[] }>(
		'explicit',
		file,
	);
	expect(platform).toBe('linux-64');
	expect(archives).toEqual(packagesOf(conda).map(({ url, md5 }) => ({ url, written: md5, md5 })));
});

test('a notebook of a conda environment is repeated without it, and needs the same again', async () => {
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
		['tinyext', true],
		['tinymod', true],
		['traitlets', true],
	]);
	expect(first.find((one) => one.name === 'ipykernel')).toMatchObject({ ecosystem: 'pypi', direct: false });
	expect(first.filter((one) => one.ecosystem === 'interpreter')).toEqual([]);
	expect(await software(comparison.b)).toEqual(first);
}, 600_000);

/** What is installed there by its metadata, as pip sees it. */
function versionsIn({ python, site }: Prefix): ReadonlyMap<string, string> {
	const code = `
import importlib.metadata, json, sys
found = importlib.metadata.distributions(path=[sys.argv[1]])
print(json.dumps([[one.metadata['Name'].lower(), one.version] for one in found]))`;
	return new Map(JSON.parse(execFileSync(python, ['-c', code, site], { encoding: 'utf8' })) as [string, string][]); // as it prints
}
