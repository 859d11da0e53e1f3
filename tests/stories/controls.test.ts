import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Comparison, Dependencies } from '../../core/src/model/index.ts';
import { makePlace, pythonOf, type Place } from './cellar.ts';

/** The cells of controls.ipynb; the second code cell is the one that the parameters were injected as. */
const cells = { parameters: 2, number: 3, picture: 4, table: 5, output: 6, library: 7 };

let place: Place;
let notebook: string;
let recorded: string;

beforeAll(async () => {
	place = makePlace();
	notebook = place.copy('controls/controls.ipynb');
	recorded = await audited({});
}, 600_000);
afterAll(() => place[Symbol.dispose]());

/** One version of a library that the notebook imports, as pip would leave it. */
function library(version: string, answer: string): string {
	const site = join(place.folder, `tinylib-${version}`);
	const info = join(site, `tinylib-${version}.dist-info`);
	mkdirSync(info, { recursive: true });
	writeFileSync(join(site, 'tinylib.py'), `__version__ = '${version}'\n\n\ndef answer():\n    return ${answer}\n`);
	writeFileSync(join(info, 'METADATA'), `Metadata-Version: 2.1\nName: tinylib\nVersion: ${version}\n`);
	writeFileSync(join(info, 'INSTALLER'), 'pip\n');
	writeFileSync(
		join(info, 'RECORD'),
		`tinylib.py,,\ntinylib-${version}.dist-info/METADATA,,\ntinylib-${version}.dist-info/RECORD,,\n`,
	);
	return site;
}

async function audited(change: Record<string, string>, site = library('1.0', "'forty-two'")): Promise<string> {
	const parameters = Object.entries({ number: '1.5', pixel: '0', rows: '3', shown: 'True', ...change }).flatMap(
		([name, value]) => ['--param', `${name}=${value}`],
	);
	const said = await place.cellar([
		'audit',
		notebook,
		'--python',
		pythonOf('stories'),
		'--env',
		`PYTHONPATH=${site}`,
		'--json',
		...parameters,
	]);
	expect(said.code, said.stderr).toBe(0);
	return said.json().run;
}

async function differing(
	other: string,
	options: readonly string[] = [],
): Promise<{ code: number | null; verdict: string; cells: number[] }> {
	const said = await place.cellar(['verify', recorded, other, '--json', ...options]);
	const document = said.json<Comparison>();
	const changed = document.cells.filter((cell) => cell.verdict !== 'same');
	return { code: said.code, verdict: document.verdict, cells: changed.map((cell) => cell.number) };
}

test('the same notebook run again is the same in every cell, with no mask needed', async () => {
	const said = await place.cellar(['verify', recorded, await audited({}), '--json']);
	expect(said.code).toBe(0);
	const outputs = said.json<Comparison>().cells.flatMap((cell) => cell.outputs);
	expect(outputs.map((output) => output.reason)).toEqual(outputs.map(() => null));
}, 600_000);

test('one changed pixel differs, in its cell alone', async () => {
	expect(await differing(await audited({ pixel: '1' }))).toEqual({ code: 1, verdict: 'differs', cells: [cells.picture] });
}, 600_000);

test('a number changed by 1e-6 differs, in its cell alone, and is close where the tolerance allows it', async () => {
	const other = await audited({ number: '1.500001' });
	expect(await differing(other)).toEqual({ code: 1, verdict: 'differs', cells: [cells.number] });
	expect(await differing(other, ['--rtol', '1e-5'])).toEqual({ code: 0, verdict: 'close', cells: [cells.number] });
}, 600_000);

test('one more row of a table differs, in its cell alone', async () => {
	expect(await differing(await audited({ rows: '4' }))).toEqual({ code: 1, verdict: 'differs', cells: [cells.table] });
}, 600_000);

test('an output that is not there any more differs, in its cell alone', async () => {
	expect(await differing(await audited({ shown: 'False' }))).toEqual({ code: 1, verdict: 'differs', cells: [cells.output] });
}, 600_000);

test('another version of a library differs, in the cell that uses it alone', async () => {
	const other = await audited({}, library('2.0', "'forty-three'"));
	expect(await differing(other)).toEqual({ code: 1, verdict: 'differs', cells: [cells.library] });
	const software = (await place.cellar(['deps', other, '--json'])).json<Dependencies>().software;
	expect(software).toContainEqual(
		expect.objectContaining({ name: 'tinylib', version: '2.0', direct: true, cells: [cells.library] }),
	);
}, 600_000);
