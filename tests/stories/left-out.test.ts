import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makePlace, pythonOf, type AuditDocument, type ErrorDocument, type Place, isFull } from './cellar.ts';
import { inlineNotebook } from './inline.ts';
import { repeatWithout, type RepeatDocument } from './left-out.ts';

const cells = [
	`import json\nprint('begun')`,
	`
with open('data/numbers.json') as file:
    numbers = json.load(file)
numbers`,
	`import sums\nsums.total(numbers)`,
	`
import colorsys
colorsys.rgb_to_hls(1, 0, 0)`,
	`
try:
    print(open('data/wish.txt').read())
except FileNotFoundError:
    print('no wish')`,
	`!head -c 5 data/wish.txt`,
];

let place: Place;
let audited: AuditDocument;
let folder: string;
let image: string;

beforeAll(async () => {
	place = makePlace();
	const notebook = inlineNotebook(place, 'sums.ipynb', cells);
	folder = dirname(notebook);
	mkdirSync(join(folder, 'data'));
	writeFileSync(join(folder, 'data', 'numbers.json'), '[1, 2, 3]\n');
	writeFileSync(join(folder, 'data', 'wish.txt'), 'peace\n');
	writeFileSync(join(folder, 'sums.py'), 'def total(numbers):\n    return sum(numbers)\n');
	audited = (await place.cellar(['audit', notebook, '--python', pythonOf('stories'), '--json'])).json();
	expect(audited.status).toBe('finished');
	image = join(place.folder, 'whole');
	const packed = await place.cellar(['pack', '-o', image, '--json']);
	expect(packed.code, packed.stderr).toBe(0);
}, 600_000);
afterAll(() => place[Symbol.dispose]());

/** Where the standard library of the run's Python lies. */
function standard(name: string): string {
	const print = 'import sysconfig; print(sysconfig.get_path("stdlib"))';
	return join(execFileSync(pythonOf('stories'), ['-c', print], { encoding: 'utf8' }).trim(), name);
}

const named: readonly [string, () => string, Awaited<ReturnType<typeof repeatWithout>>, number | null][] = [
	['an input', () => join(folder, 'data', 'numbers.json'), 'fails', 2],
	['what Python needs to start', () => standard('encodings/__init__.py'), 'cannot start', null],
	['a module of the standard library', () => standard('colorsys.py'), 'fails', 4],
	[
		'the interpreter itself',
		() => execFileSync('realpath', [pythonOf('stories')], { encoding: 'utf8' }).trim(),
		'cannot start',
		null,
	],
];

for (const [what, path, outcome, cell] of isFull ? named : named.slice(0, 1)) {
	test(
		`${what} that was left out is named with ${cell === null ? 'start-up' : `cell ${cell}`}`,
		{ timeout: 300_000 },
		async () => {
			expect(await repeatWithout(place, audited.run, path())).toBe(outcome);
		},
	);
}

test(
	'a whole folder may be left out; a path at which the image would hold nothing is refused',
	{ timeout: 300_000 },
	async () => {
		const without = join(place.folder, 'folder.oci.tar');
		const packed = await place.cellar(['pack', audited.run, '-o', without, '--without', 'data', '--json'], { cwd: folder });
		expect(packed.json<{ leftOut: { path: string }[] }>().leftOut.map((one) => one.path)).toEqual(
			expect.arrayContaining(['numbers.json', 'wish.txt'].map((name) => join(folder, 'data', name))),
		);
		const said = await place.cellar(['repeat', without, '--json']);
		expect(said.json<RepeatDocument>().absent).toEqual([
			{ path: join(folder, 'data'), cell: 2, used: true, reason: 'left out of the image by --without' },
		]);
		const refused = await place.cellar(['pack', audited.run, '-o', without, '--without', 'dta', '--json'], { cwd: folder });
		expect(refused.code).toBe(2);
		expect(refused.json<ErrorDocument>().error).toMatchObject({
			code: 'CELLAR_USAGE',
			where: `--without ${join(folder, 'dta')}`,
		});
	},
);

interface Descriptor {
	digest: string;
	size: number;
}

/** Copies an archive without some of its entries; prints whether there were any. */
const withoutEntries = `
import sys, tarfile
source, target, *holes = sys.argv[1:]
found = False
with tarfile.open(source) as old, tarfile.open(target, 'w', format=tarfile.PAX_FORMAT) as new:
    for entry in old:
        if '/' + entry.name.strip('./') in holes:
            found = True
        else:
            new.addfile(entry, old.extractfile(entry) if entry.isreg() else None)
print(found)
`;

/** An image as a folder, with some files taken out of its layers and every digest as it should be. */
function withHoles(from: string, to: string, holes: readonly string[]): void {
	cpSync(from, to, { recursive: true });
	const blob = (digest: string) => join(to, 'blobs', digest.replace(':', '/'));
	const read = <T>(path: string) => JSON.parse(readFileSync(path, 'utf8')) as T; // documents that the image room wrote
	const put = (bytes: Buffer) => {
		const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
		writeFileSync(blob(digest), bytes);
		return { digest, size: bytes.length };
	};
	const index = read<{ manifests: Descriptor[] }>(join(to, 'index.json'));
	const manifest = read<{ config: Descriptor; layers: Descriptor[] }>(blob(index.manifests[0]!.digest));
	const config = read<{ rootfs: { diff_ids: string[] } }>(blob(manifest.config.digest));
	manifest.layers.forEach((layer, at) => {
		const copy = join(to, 'layer.tar');
		const words = ['-c', withoutEntries, blob(layer.digest), copy, ...holes];
		if (execFileSync(pythonOf('stories'), words, { encoding: 'utf8' }).trim() !== 'True') return;
		Object.assign(layer, put(readFileSync(copy)));
		config.rootfs.diff_ids[at] = layer.digest;
	});
	Object.assign(manifest.config, put(Buffer.from(JSON.stringify(config))));
	Object.assign(index.manifests[0]!, put(Buffer.from(JSON.stringify(manifest))));
	writeFileSync(join(to, 'index.json'), JSON.stringify(index));
}

test('what the image lacks without anybody’s wish is named where the repeat misses it', { timeout: 600_000 }, async () => {
	const broken = join(place.folder, 'holes');
	const colours = standard('colorsys.py');
	withHoles(image, broken, [colours]);
	const said = await place.cellar(['repeat', broken, '--json', '--progress', 'plain']);
	expect(said.code, said.stderr).toBe(1);
	expect(said.json<RepeatDocument>().absent, said.stderr).toEqual([{ path: colours, cell: 4, used: true, reason: 'not packed' }]);
	expect(said.stderr).toContain(`cellar pack --with ${colours} packs it`);
});

test('a cell may hide that it misses a file, and a command may only mutter', { timeout: 600_000 }, async () => {
	const broken = join(place.folder, 'muttered');
	const wish = join(folder, 'data', 'wish.txt');
	withHoles(image, broken, [wish]);
	for (const options of [[], ['--audit']]) {
		const said = await place.cellar(['repeat', broken, '--json', ...options]);
		expect(said.json<RepeatDocument>().absent, said.stderr).toEqual([{ path: wish, cell: 5, used: true, reason: 'not packed' }]);
	}
});
