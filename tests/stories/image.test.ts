import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Comparison, Dependencies } from '../../core/src/model/index.ts';
import { makePlace, pythonOf, type ErrorDocument, type Place, type RunsDocument } from './cellar.ts';

let place: Place;
let notebook: string;
let run: string;
let image: string;

beforeAll(async () => {
	place = makePlace();
	notebook = place.copy('pandas-helper/pandas-helper.ipynb');
	const audited = await place.cellar(['audit', notebook, '--python', pythonOf('stories'), '--json']);
	run = audited.json().run;
	image = join(place.folder, 'story.oci.tar');
	const packed = await place.cellar(['pack', '-o', image, '--json']);
	expect(packed.code, packed.stderr).toBe(0);
}, 600_000);
afterAll(() => place[Symbol.dispose]());

const digestOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

test(
	'a notebook is repeated from its image alone, with its data gone, and every cell is the same',
	{ timeout: 600_000 },
	async () => {
		const elsewhere = join(place.folder, 'elsewhere');
		cpSync(image, join(elsewhere, 'story.oci.tar'), { recursive: true });
		const data = join(dirname(notebook), 'data');
		cpSync(data, `${data}.kept`, { recursive: true });
		rmSync(data, { recursive: true });
		try {
			const said = await place.cellar(['repeat', join(elsewhere, 'story.oci.tar'), '--json'], {
				env: { CELLAR_HOME: join(elsewhere, 'home') },
			});
			expect(said.code, said.stderr).toBe(0);
			const document = said.json<Comparison>();
			expect(document.verdict).toBe('same');
			expect(document.a).toBe(run);
			expect(document.cells.map((cell) => cell.verdict)).toEqual(document.cells.map(() => 'same'));
			expect(document.sandbox).toEqual({ name: 'bwrap', network: false, workers: null });
			const runs = (
				await place.cellar(['runs', '--json'], { env: { CELLAR_HOME: join(elsewhere, 'home') } })
			).json<RunsDocument>().runs;
			expect(runs).toMatchObject([{ run: document.b, repeatOf: run, status: 'finished' }]);
		} finally {
			cpSync(`${data}.kept`, data, { recursive: true });
		}
	},
);

test('the same run gives the same image, byte for byte', { timeout: 600_000 }, async () => {
	const again = join(place.folder, 'again.oci.tar');
	expect((await place.cellar(['pack', run, '-o', again])).code).toBe(0);
	expect(digestOf(again)).toBe(digestOf(image));
	rmSync(again);
});

test('what has changed since the run is refused, with its name, and nothing is left', { timeout: 600_000 }, async () => {
	const path = join(dirname(notebook), 'data', 'readings.csv');
	const before = readFileSync(path);
	const helper = join(dirname(notebook), 'weather.py');
	const source = readFileSync(helper);
	writeFileSync(helper, `${source.toString()}\n# changed\n`);
	try {
		const target = join(place.folder, 'changed.oci.tar');
		const said = await place.cellar(['pack', run, '-o', target, '--json']);
		// The helper's first state is in the blob store, so the image could still be made of it; what is not kept must fit.
		if (said.code !== 0) {
			expect(said.code).toBe(5);
			expect(said.json<ErrorDocument>().error.code).toBe('CELLAR_CHANGED_SINCE');
			expect(existsSync(target)).toBe(false);
		} else expect(digestOf(target)).toBe(digestOf(image));
	} finally {
		writeFileSync(helper, source);
		writeFileSync(path, before);
	}
});

test('an image cut in half is broken: exit 5, and no run is made of it', { timeout: 600_000 }, async () => {
	const half = join(place.folder, 'half.oci.tar');
	cpSync(image, half);
	truncateSync(half, Math.floor(statSync(image).size / 2));
	const before = (await place.cellar(['runs', '--json'])).stdout;
	const said = await place.cellar(['repeat', half, '--json']);
	expect(said.code).toBe(5);
	expect(said.json<ErrorDocument>().error.code).toBe('CELLAR_IMAGE_BROKEN');
	expect((await place.cellar(['runs', '--json'])).stdout).toBe(before);
	rmSync(half);
});

/** A tar of one entry, written by hand: no writer of ours makes such names. */
function tarOf(name: string, type: '0' | '2', link: string, content: string): Buffer {
	const header = Buffer.alloc(512);
	header.write(name, 0, 'latin1');
	header.write('0000644\0', 100);
	header.write('0000000\0', 108);
	header.write('0000000\0', 116);
	header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
	header.write('00000000000\0', 136);
	header.write('        ', 148);
	header.write(type, 156);
	header.write(link, 157, 'latin1');
	header.write('ustar\u000000', 257);
	const sum = header.reduce((total, byte) => total + byte, 0);
	header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
	return Buffer.concat([header, Buffer.from(content), Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

/** The image as a layout folder, with a further layer of the given entries, every digest as it should be. */
function withLayer(entries: Buffer): string {
	const folder = join(place.folder, 'hostile');
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(join(folder, 'blobs', 'sha256'), { recursive: true });
	const put = (bytes: Buffer) => {
		const hex = createHash('sha256').update(bytes).digest('hex');
		writeFileSync(join(folder, 'blobs', 'sha256', hex), bytes);
		return { digest: `sha256:${hex}`, size: bytes.length };
	};
	const layer = put(Buffer.concat([entries, Buffer.alloc(1024)]));
	const config = put(
		Buffer.from(
			JSON.stringify({
				architecture: 'amd64',
				os: 'linux',
				config: { Labels: { 'org.cellar.format': '1' } },
				rootfs: { type: 'layers', diff_ids: [layer.digest] },
			}),
		),
	);
	const manifest = put(
		Buffer.from(
			JSON.stringify({
				schemaVersion: 2,
				mediaType: 'application/vnd.oci.image.manifest.v1+json',
				config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
				layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer }],
			}),
		),
	);
	writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
	const index = { schemaVersion: 2, manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest }] };
	writeFileSync(join(folder, 'index.json'), JSON.stringify(index));
	return folder;
}

const hostile: readonly [string, Buffer][] = [
	['a name that climbs out', tarOf('../../../../../../tmp/cellar-hostile', '0', '', 'x')],
	[
		'an absolute name through a link out of the root',
		Buffer.concat([tarOf('out', '2', '/tmp', ''), tarOf('out/cellar-hostile', '0', '', 'x')]),
	],
];
for (const [what, entries] of hostile) {
	test(`an image with ${what} is hostile: exit 5, and nothing is written outside`, { timeout: 300_000 }, async () => {
		const said = await place.cellar(['repeat', withLayer(entries), '--json']);
		expect(said.code).toBe(5);
		expect(said.json<ErrorDocument>().error.code).toBe('CELLAR_IMAGE_HOSTILE');
		expect(existsSync('/tmp/cellar-hostile')).toBe(false);
		const roots = join(place.home, 'roots');
		expect(existsSync(roots) ? readdirSync(roots) : []).toEqual([]);
	});
}

test(
	'another file in place of an input changes the cells that use it, and the verdict says so',
	{ timeout: 600_000 },
	async () => {
		const inputs = (await place.cellar(['deps', run, '--json']))
			.json<Dependencies>()
			.data.filter((item) => item.role === 'input' && item.kind === 'file');
		const input = inputs.find((item) => item.path.endsWith('readings.csv'))!;
		const other = join(place.folder, 'other.csv');
		const [head = '', ...rows] = readFileSync(input.path, 'utf8').split('\n');
		writeFileSync(other, [head, ...rows.map((row) => row.replaceAll('1', '3'))].join('\n'));
		const said = await place.cellar(['repeat', image, '--input', `${input.path}=${other}`, '--json']);
		expect(said.code).toBe(1);
		const changed = said
			.json<Comparison>()
			.cells.filter((cell) => cell.verdict !== 'same')
			.map((cell) => cell.number);
		expect(Math.min(...changed)).toBeGreaterThanOrEqual(Math.min(...input.cells));

		const refused = await place.cellar(['repeat', image, '--input', `never-read.csv=${other}`, '--json']);
		expect(refused.code).toBe(2);
	},
);
