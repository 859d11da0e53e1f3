import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Comparison, Dependencies } from '../../core/src/model/index.ts';
import { readRun, readTables } from '../../core/src/store/index.ts';
import { makePlace, pythonOf, type ErrorDocument, type Place } from './cellar.ts';
import { inlineNotebook } from './inline.ts';

/** What a person would compare of two lists of dependencies: what, in which version, and which cells used it. */
const software = ({ software }: Dependencies) =>
	software.map(({ name, version, ecosystem, direct, cells, files }) => ({ name, version, ecosystem, direct, cells, files }));
const data = ({ data }: Dependencies) =>
	data.map(({ path, role, sha256, bytes, cells }) => ({ path, role, sha256, bytes, cells }));

let place: Place;
afterAll(() => place[Symbol.dispose]());

/** Audits a notebook, packs it, takes its folder away, and repeats it traced. */
async function auditedTwice(notebook: string, options: readonly string[] = []): Promise<{ first: string; second: Comparison }> {
	const audited = await place.cellar(['audit', notebook, '--python', pythonOf('stories'), '--json', ...options]);
	expect(audited.code, audited.stderr).toBe(0);
	const image = join(place.folder, `${audited.json().run}.oci.tar`);
	const packed = await place.cellar(['pack', audited.json().run, '-o', image, '--json']);
	expect(packed.code, packed.stderr).toBe(0);
	for (const path of away) renameSync(path, `${path}.away`);
	const repeated = await place.cellar(['repeat', image, '--audit', '--json']);
	expect(repeated.code, repeated.stderr).toBe(0);
	return { first: audited.json().run, second: repeated.json<Comparison>() };
}

/** What is taken away before the repeat. */
const away: string[] = [];

beforeAll(() => {
	place = makePlace();
});

const deps = async (run: string, part = 'run') =>
	(await place.cellar(['deps', run, '--for', part, '--json'])).json<Dependencies>();

test('a traced repeat needs what the recorded run needed, and is judged by the files that it saw', async () => {
	const notebook = place.copy('pandas-helper/pandas-helper.ipynb');
	away.splice(0, away.length, dirname(notebook));
	const { first, second } = await auditedTwice(notebook);
	expect(second).toMatchObject({ a: first, verdict: 'same', sandbox: { name: 'bwrap', network: false } });

	const [recorded, repeated] = [await deps(first), await deps(second.b)];
	expect(software(repeated)).toEqual(software(recorded));
	expect(software(repeated)).toContainEqual(expect.objectContaining({ name: 'pandas', direct: true, cells: [1, 3, 5] }));
	expect(software(repeated)).toContainEqual(expect.objectContaining({ name: 'weather', ecosystem: 'local' }));
	expect(data(repeated)).toEqual(data(recorded));
	expect(data(repeated).filter((item) => item.role === 'input').length).toBe(2);
	expect(repeated.unknown).toEqual([]);
	expect(software(await deps(second.b, 'cell:3'))).toEqual(software(await deps(first, 'cell:3')));

	const input = recorded.data.find((item) => item.path.endsWith('readings.csv'))!.path;
	const explained = await place.cellar(['explain', input, second.b, '--json']);
	expect(explained.json<object>()).toMatchObject({ verdict: 'input', rule: 'data: input', uses: [{ cell: 3, how: 'read' }] });

	// Of the sandbox's own start nothing is in the run, nor of any path of this machine's.
	const directory = join(place.home, 'runs', second.b);
	const { facts } = await readTables(directory);
	expect(facts.processes[0]).toMatchObject({ ordinal: 1, parent: null, pidInside: 2 });
	expect(facts.execs[0]).toMatchObject({ process: 1, path: pythonOf('stories') });
	expect(facts.accesses[0]).toMatchObject({ process: 1, how: 'execute', path: pythonOf('stories') });
	expect(facts.accesses.filter(({ path }) => path.startsWith(place.home) || path.endsWith('/bwrap'))).toEqual([]);
	expect(facts.doubts).toEqual([]);
	const run = await readRun(directory);
	expect(run).toMatchObject({ repeatOf: first, status: 'finished', warnings: [], circumstances: { tracer: { name: 'strace' } } });
	expect(run.circumstances.image).toMatch(/^sha256:/);
	expect(readdirSync(join(directory, 'logs'))).toEqual(['manager.strace.gz']);
	expect(readdirSync(join(place.home, 'work'))).toEqual([]);

	const packed = await place.cellar(['pack', second.b, '--json']);
	expect(packed.code).toBe(2);
	expect(packed.json<ErrorDocument>().error.hint).toContain(first);
}, 600_000);

/** One version of a library, as pip would leave it. */
function install(site: string, version: string): void {
	const info = join(site, `tinylib-${version}.dist-info`);
	mkdirSync(info, { recursive: true });
	writeFileSync(join(site, 'tinylib.py'), `def answer():\n    return 42  # ${version}\n`);
	writeFileSync(join(info, 'METADATA'), `Metadata-Version: 2.1\nName: tinylib\nVersion: ${version}\n`);
	writeFileSync(
		join(info, 'RECORD'),
		`tinylib.py,,\ntinylib-${version}.dist-info/METADATA,,\ntinylib-${version}.dist-info/RECORD,,\n`,
	);
}

test('the versions are those of the image, whatever this machine has at the same paths', async () => {
	const site = join(place.folder, 'site');
	install(site, '1.0');
	writeFileSync(join(place.folder, 'log.txt'), 'one\n');
	const notebook = inlineNotebook(place, 'tiny.ipynb', [
		'import tinylib\ntinylib.answer()',
		"with open('log.txt', 'a') as file:\n    file.write('two\\n')",
		"import os\nos.makedirs('new')\nwith open('new/out.txt', 'w') as file:\n    file.write('written')\nos.rename('new', 'out')",
	]);
	away.splice(0, away.length, site, join(place.folder, 'log.txt'), join(place.folder, 'out'));
	const { first, second } = await auditedTwice(notebook, ['--env', `PYTHONPATH=${site}`]);
	expect(second.verdict).toBe('same');
	install(site, '2.0');

	const tiny = (document: Dependencies) => document.software.find((item) => item.name === 'tinylib');
	expect(tiny(await deps(second.b))).toMatchObject({ version: '1.0', ecosystem: 'pypi', direct: true, cells: [1] });
	expect(tiny(await deps(second.b, 'cell:1'))).toMatchObject({ version: '1.0' });
	// What it wrote, changed and renamed is read off the sandbox: a first state too.
	expect(data(await deps(second.b))).toEqual(data(await deps(first)));
	expect(second.files.map(({ path, verdict }) => [path.split('/').at(-1), verdict])).toEqual([
		['log.txt', 'same'],
		['out.txt', 'same'],
	]);
	expect(readFileSync(join(place.folder, 'log.txt.away'), 'utf8')).toBe('one\ntwo\n');

	// The image may be freed; then the whole run can still be told, and of a part it is said why not.
	rmSync(join(place.home, 'roots'), { recursive: true });
	expect(tiny(await deps(second.b))).toMatchObject({ version: '1.0' });
	const gone = await place.cellar(['deps', second.b, '--for', 'cell:1', '--json']);
	expect(gone.code).toBe(5);
	expect(gone.json<ErrorDocument>().error.code).toBe('CELLAR_LOST');
}, 600_000);
