import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Comparison, Dependencies } from '../../core/src/model/index.ts';
import { makePlace, pythonOf, type Place } from '../stories/cellar.ts';
import { readers } from './some.ts';

// Asks the package index that this machine's pip is set to, as the set-up does.

let place: Place;
let notebook: string;
let recorded: string;

beforeAll(async () => {
	place = makePlace();
	notebook = place.copy('pandas-helper/pandas-helper.ipynb');
	recorded = await audited(pythonOf('stories'));
}, 300_000);
afterAll(() => place[Symbol.dispose]());

async function audited(python: string): Promise<string> {
	const said = await place.cellar(['audit', notebook, '--python', python, '--json']);
	expect(said.code, said.stderr).toBe(0);
	return said.json().run;
}

async function exported(...words: readonly string[]): Promise<string> {
	const said = await place.cellar(['deps', recorded, ...words]);
	expect(said.code, said.stderr).toBe(0);
	return said.stdout;
}

/** A new environment with nothing in it but what pip makes of one file. */
function environmentOf(name: string, file: string, text: string, options: readonly string[]): string {
	const folder = join(place.folder, name);
	const path = join(place.folder, file);
	writeFileSync(path, text);
	execFileSync(pythonOf('stories'), ['-m', 'venv', '--without-pip', folder]);
	const python = join(folder, 'bin', 'python');
	execFileSync(readers, ['-m', 'pip', '--python', python, 'install', '--no-input', '-q', ...options, '-r', path]);
	return python;
}

async function expectSame(python: string): Promise<void> {
	const other = await audited(python);
	const said = await place.cellar(['verify', recorded, other, '--json']);
	expect(said.json<Comparison>().verdict, said.stdout).toBe('same');
	const software = async (run: string) =>
		(await place.cellar(['deps', run, '--json']))
			.json<Dependencies>()
			.software.filter(({ ecosystem }) => ecosystem === 'pypi')
			.map(({ name, version }) => `${name} ${version}`);
	// setuptools lies in an environment that pip was put into, and opens a file of its own at every start.
	expect(await software(other)).toEqual(await software(recorded));
}

test('an environment that pip makes of requirements.txt alone, by hashes, gives the same outputs with the same packages', async () => {
	const text = await exported('--format', 'requirements', '--resolve');
	await expectSame(environmentOf('by-requirements', 'requirements.txt', text, ['--no-deps', '--require-hashes']));
}, 600_000);

test('an environment that pip makes of pylock.toml alone gives the same outputs with the same packages', async () => {
	const text = await exported('--format', 'pylock', '--resolve');
	await expectSame(environmentOf('by-pylock', 'pylock.toml', text, ['--no-deps']));
}, 600_000);

test('the same part of the same run gives the same file each time', async () => {
	for (const format of ['requirements', 'conda', 'poncho', 'cyclonedx']) {
		const once = await exported('--format', format, '--for', 'cell:3');
		expect(await exported('--format', format, '--for', 'cell:3')).toBe(once);
		expect(once).toContain('pandas');
	}
}, 300_000);

test('with --json it is one document, and each thing that is not in the file is told there and on stderr', async () => {
	const said = await place.cellar(['deps', recorded, '--format', 'poncho', '--json']);
	const document = said.json<{ as: string; text: string; remarks: { name: string; held: boolean }[] }>();
	expect(document).toMatchObject({ format: 1, run: recorded, for: 'run', as: 'poncho' });
	expect(JSON.parse(document.text)).toHaveProperty('conda.dependencies');
	expect(document.remarks).toContainEqual(expect.objectContaining({ name: 'weather', held: false }));
	expect(said.stderr).toMatch(/weather.*CELLAR_NOT_IN_FORMAT/);
}, 600_000);
