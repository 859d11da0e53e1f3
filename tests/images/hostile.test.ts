import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CellarError } from '../../core/src/model/index.ts';
import { extractImage, openImage, readRecord } from '../../core/src/images/index.ts';
import { failureOf, folder, smallDisk } from '../store/some.ts';
import { layoutAround, packed, rawEntry, rawHeader, rawPax, rawTar, sha256, treeOf, write } from './some.ts';

type Layer = Buffer | { bytes: Buffer; diffId?: string; mediaType?: string; holds?: string };

/** Unpacks layers that were made by hand, in a place with something beside it that must not be touched. */
async function unpack(...layers: readonly Layer[]) {
	const place = folder();
	mkdirSync(join(place, 'outside'));
	writeFileSync(join(place, 'outside', 'precious'), 'precious');
	const image = layoutAround(
		join(place, 'image'),
		layers.map((layer) => (Buffer.isBuffer(layer) ? { bytes: layer } : layer)),
	);
	mkdirSync(join(place, 'into'));
	const into = join(place, 'into', 'root');
	return { place, into, image: await openImage(image) };
}

/** That these layers are refused by the name of an entry, and that nothing is written anywhere. */
async function refused(code: string, ...layers: readonly Layer[]): Promise<string> {
	const { place, into, image } = await unpack(...layers);
	const before = treeOf(place);
	const failure = await failureOf(extractImage(image, into));
	expect(failure).toMatchObject({ code, exitCode: 5 });
	expect(treeOf(place)).toEqual(before);
	return failure.message;
}

const hostile = (...entries: Buffer[]) =>
	refused('CELLAR_IMAGE_HOSTILE', rawTar(rawEntry({ name: 'honest', content: 'x' }), ...entries));

describe('an entry that would be written outside its root is refused by its name, and nothing is written', () => {
	for (const [what, name] of [
		['climbs out', '../../etc/x'],
		['climbs out from within', 'a/../../x'],
		['climbs and comes back', 'a/../b'],
		['is absolute', '/etc/x'],
		['has an empty part', 'a//b'],
		['has a dot for a part', 'a/./b'],
		['ends in dots', 'a/..'],
	] as const) {
		test(`it ${what}: ${name}`, async () => {
			expect(await hostile(rawEntry({ name, content: 'evil' }))).toContain(`"${name}"`);
			expect(await hostile(rawEntry({ name: `${name}/`, type: '5' }))).toContain('no image of Cellar holds');
			expect(await hostile(rawEntry({ name, type: '2', target: 'x' }))).toContain('no image of Cellar holds');
		});
	}

	test('it has no name', async () => {
		expect(await hostile(rawEntry({ name: '' }))).toContain('has no name');
	});

	test('it says so by a pax header, a prefix, or a long name of GNU', async () => {
		expect(await hostile(rawPax({ path: '../../x' }), rawEntry({ name: 'x' }))).toContain('leaves the root');
		expect(await hostile(rawPax({ path: 'a\0b' }), rawEntry({ name: 'x' }))).toContain('NUL');
		expect(await hostile(rawEntry({ name: 'x', prefix: '..' }))).toContain('leaves the root');
		expect(
			await hostile(rawEntry({ name: '././@LongLink', type: 'L', content: '../../x\0' }), rawEntry({ name: 'x' })),
		).toContain('leaves the root');
		expect(await hostile(rawPax({ path: 'x' }, 'g'), rawEntry({ name: 'y' }))).toContain('for all entries at once');
	});
});

describe('nothing is written through a link', () => {
	const link = (target: string, name = 'a') => rawEntry({ name, type: '2', target });

	test('of the same layer', async () => {
		expect(await hostile(link('/etc'), rawEntry({ name: 'a/x', content: 'evil' }))).toContain(
			'goes through "a", which is a link',
		);
		expect(await hostile(link('outside'), rawEntry({ name: 'a/b/c', type: '5' }))).toContain('goes through "a"');
		expect(await hostile(link('.'), rawEntry({ name: 'a/x', type: '2', target: 'y' }))).toContain('goes through "a"');
	});

	test('of a layer below', async () => {
		const first = rawTar(link('../outside'));
		expect(await refused('CELLAR_IMAGE_HOSTILE', first, rawTar(rawEntry({ name: 'a/x' })))).toContain('layer 2');
	});

	test('that comes after what lies below it', async () => {
		expect(await hostile(rawEntry({ name: 'a/x' }), link('../outside'))).toContain('comes twice');
	});

	test('that is put in the place of a file or a folder, or the other way round', async () => {
		expect(await hostile(link('../outside/precious'), rawEntry({ name: 'a', content: 'evil' }))).toContain('comes twice');
		expect(await hostile(rawEntry({ name: 'a/', type: '5' }), link('../outside'))).toContain('comes twice');
		expect(await hostile(link('../outside'), rawEntry({ name: 'a/', type: '5' }))).toContain('comes twice');
		expect(await hostile(rawEntry({ name: 'b' }), rawEntry({ name: './b' }))).toContain('comes twice');
	});

	test('nor through a file', async () => {
		expect(await hostile(rawEntry({ name: 'a' }), rawEntry({ name: 'a/x' }))).toContain('which is a file');
	});
});

test('a hard link may only be one more name of a file that the image itself holds', async () => {
	const hard = (target: string) => rawEntry({ name: 'h', type: '1', target });
	expect(await hostile(hard('/etc/passwd'))).toContain('outside the image');
	expect(await hostile(hard('../outside/precious'))).toContain('outside the image');
	expect(await hostile(hard('nothing'))).toContain('no file of the image');
	expect(await hostile(rawEntry({ name: 'l', type: '2', target: '/etc/passwd' }), hard('l'))).toContain('no file of the image');
	expect(await hostile(hard('later'), rawEntry({ name: 'later' }))).toContain('no file of the image');
	const { into, image } = await unpack(rawTar(rawEntry({ name: 'a/file', content: 'text' }), hard('./a/file')));
	await extractImage(image, into);
	expect(readFileSync(join(into, 'h'), 'utf8')).toBe('text');
});

test('devices, pipes, sparse files and unknown kinds are refused', async () => {
	for (const type of ['3', '4', '6', 'S', '7', 'V', 'Z']) expect(await hostile(rawEntry({ name: 'n', type }))).toContain('"n" ');
	expect(await hostile(rawPax({ 'GNU.sparse.major': '1' }), rawEntry({ name: 'n' }))).toContain('has holes');
	expect(await hostile(rawEntry({ name: 'd/', type: '5', content: 'x' }))).toContain('a directory with content');
	expect(await hostile(rawEntry({ name: 'l', type: '2', target: '' }))).toContain('a link to no possible path');
});

test('entries that remove what another layer holds are refused', async () => {
	for (const name of ['.wh.honest', 'a/.wh..wh..opq'])
		expect(await hostile(rawEntry({ name }))).toContain('removes what another layer holds');
});

test('absurd sizes and names are refused before anything is written', async () => {
	const cut = (header: Buffer) => refused('CELLAR_IMAGE_BROKEN', rawTar(header));
	await cut(rawHeader({ name: 'x', size: 1 << 30 }));
	await cut(rawHeader({ name: 'x', size: '77777777777\0' }));
	await cut(rawHeader({ name: 'x', size: Buffer.from([0x80, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]) }));
	await cut(
		rawHeader({ name: 'x', size: Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]) }),
	);
	await cut(rawHeader({ name: 'x', size: '-1' }));
	await cut(rawHeader({ name: 'x', sum: 1 }));
	await cut(rawHeader({ name: 'x', magic: 'other' }));
	await cut(Buffer.concat([rawPax({ size: '-5' }), rawHeader({ name: 'x' })]));
	expect(await hostile(rawHeader({ name: 'x', type: 'x', size: 1 << 30 }))).toContain('absurdly long header');
	expect(await hostile(rawPax({ path: 'x'.repeat(256) }), rawEntry({ name: 'x' }))).toContain('absurdly long name');
	expect(await hostile(rawPax({ path: 'x/'.repeat(2500) }), rawEntry({ name: 'x' }))).toContain('absurdly long name');
});

test('what goes on behind its end, or does not end, is refused', async () => {
	expect(
		await refused('CELLAR_IMAGE_HOSTILE', Buffer.concat([rawTar(rawEntry({ name: 'a' })), rawEntry({ name: 'b' })])),
	).toContain('goes on behind its end');
	await refused('CELLAR_IMAGE_BROKEN', rawEntry({ name: 'a', content: 'x' }));
	await refused('CELLAR_IMAGE_BROKEN', Buffer.concat([rawEntry({ name: 'a' }), Buffer.alloc(512)]));
	await refused('CELLAR_IMAGE_BROKEN', Buffer.alloc(0));
	await refused('CELLAR_IMAGE_BROKEN', rawTar(rawPax({ path: 'x' })));
});

test('a link may lead anywhere as long as it is only written, and no bit gives a program another’s rights', async () => {
	const { into, image, place } = await unpack(
		rawTar(
			rawEntry({ name: './', type: '5' }),
			rawEntry({ name: './etc/localtime', type: '2', target: '/usr/share/zoneinfo/UTC' }),
			rawEntry({ name: 'up', type: '2', target: '../../outside' }),
			rawEntry({ name: 'su', mode: 0o6755, content: 'x' }),
			rawEntry({ name: 'shut/', type: '5', mode: 0 }),
			rawEntry({ name: 'shut/in', mode: 0 }),
		),
	);
	await extractImage(image, into);
	const tree = treeOf(into);
	expect(tree['etc/localtime']).toMatchObject({ kind: 'link', content: '/usr/share/zoneinfo/UTC' });
	expect(tree['up']).toMatchObject({ kind: 'link', content: '../../outside' });
	expect(tree['su']!.mode).toBe(0o755);
	expect(tree['shut']!.mode).toBe(0o700);
	expect(tree['shut/in']!.mode).toBe(0o400);
	expect(readdirSync(join(place, 'outside'))).toEqual(['precious']);
});

test('the record layer is not trusted any more than the others', async () => {
	const { place, into, image } = await unpack({ bytes: rawTar(rawEntry({ name: '../../x' })), holds: 'record' });
	const before = treeOf(place);
	expect(await failureOf(readRecord(image, into))).toMatchObject({ code: 'CELLAR_IMAGE_HOSTILE' });
	expect(treeOf(place)).toEqual(before);
});

const gzip = 'application/vnd.oci.image.layer.v1.tar+gzip';

test('a compressed layer is read, and its hostile entries are refused just the same', async () => {
	const tar = rawTar(rawEntry({ name: 'a/b', content: 'x'.repeat(100_000) }), rawEntry({ name: 'c', content: 'y' }));
	const { into, image } = await unpack({ bytes: gzipSync(tar), diffId: sha256(tar), mediaType: gzip });
	await extractImage(image, into);
	expect(readFileSync(join(into, 'a/b'), 'utf8')).toBe('x'.repeat(100_000));
	expect(readFileSync(join(into, 'c'), 'utf8')).toBe('y');
	const evil = rawTar(rawEntry({ name: 'a', content: 'x' }), rawEntry({ name: '../x' }));
	await refused('CELLAR_IMAGE_HOSTILE', { bytes: gzipSync(evil), diffId: sha256(evil), mediaType: gzip });
	await refused('CELLAR_IMAGE_BROKEN', { bytes: gzipSync(tar), diffId: sha256('another'), mediaType: gzip });
	await refused('CELLAR_IMAGE_BROKEN', { bytes: gzipSync(tar).subarray(0, 100), diffId: sha256(tar), mediaType: gzip });
	await refused('CELLAR_IMAGE_BROKEN', { bytes: Buffer.from('no gzip'), diffId: sha256(tar), mediaType: gzip });
});

test('a small layer that becomes larger than the disk is noticed before anything is written', async () => {
	// 40 MB of zeros, which gzip makes 40 KB of.
	const disk = smallDisk(8 << 20);
	const tar = Buffer.concat([rawHeader({ name: 'bomb', size: 40 << 20 }), Buffer.alloc((40 << 20) + 1024)]);
	const { image } = await unpack({ bytes: gzipSync(tar, { level: 1 }), diffId: sha256(tar), mediaType: gzip });
	expect(await failureOf(extractImage(image, join(disk, 'root')))).toMatchObject({ code: 'CELLAR_DISK_FULL' });
	expect(readdirSync(disk)).toEqual([]);
});

test('whatever bytes a layer is made of, nothing is written outside, and a refusal leaves nothing inside', async () => {
	const parts = fc.constantFrom('..', '.', '', 'a', 'b', 'l', 'é', 'a'.repeat(120), '.wh.a');
	const name = fc.array(parts, { minLength: 1, maxLength: 4 }).map((all) => all.join('/'));
	const entry = fc
		.record({
			name,
			type: fc.constantFrom('0', '0', '5', '2', '1', '3', 'x'),
			target: name,
			content: fc.string({ maxLength: 20 }),
			pax: fc.boolean(),
		})
		.map(({ name: path, type, target, content, pax }) => {
			const own = rawEntry({ name: path.slice(-100), type, target, content: type === '0' ? content : '' });
			return pax ? Buffer.concat([rawPax({ path, linkpath: target }), own]) : own;
		});
	const layer = fc.array(entry, { maxLength: 6 }).map((entries) => rawTar(...entries));
	let [taken, refusals] = [0, 0];
	await fc.assert(
		fc.asyncProperty(fc.array(layer, { minLength: 1, maxLength: 2 }), async (layers) => {
			const { place, into, image } = await unpack(...layers);
			const before = treeOf(place);
			const outcome = await extractImage(image, into).catch((error: unknown) => error);
			if (outcome === undefined) {
				taken += 1;
				const inside = Object.keys(treeOf(place)).filter((path) => !path.startsWith('into/root'));
				expect(inside.toSorted()).toEqual(Object.keys(before).toSorted());
			} else {
				refusals += 1;
				expect(outcome).toBeInstanceOf(CellarError);
				expect(treeOf(place)).toEqual(before);
			}
			expect(readFileSync(join(place, 'outside/precious'), 'utf8')).toBe('precious');
		}),
		{ numRuns: 300 },
	);
	expect(taken).toBeGreaterThan(10);
	expect(refusals).toBeGreaterThan(10);
});

test('an image that is cut at any byte is refused, and nothing is written', async () => {
	const place = folder();
	await write(join(place, 'x.oci.tar'), [
		packed('/bin/sh', { layer: 'userland', bytes: 'x'.repeat(3000), mode: 0o755 }),
		packed('/data/ü.csv', { bytes: 'y'.repeat(700) }),
		packed('/record', { layer: 'record', bytes: '{}' }),
	]);
	const whole = readFileSync(join(place, 'x.oci.tar'));
	const cut = join(place, 'cut.oci.tar');
	await fc.assert(
		fc.asyncProperty(
			fc.oneof(fc.nat(whole.length - 1), fc.integer({ min: whole.length - 2000, max: whole.length - 1 })),
			async (length) => {
				writeFileSync(cut, whole.subarray(0, length));
				const failure = await failureOf(openImage(cut).then((image) => extractImage(image, join(place, 'root'))));
				expect(failure).toMatchObject({ code: 'CELLAR_IMAGE_BROKEN', exitCode: 5 });
				expect(existsSync(join(place, 'root'))).toBe(false);
			},
		),
		{ numRuns: 300 },
	);
	expect(readdirSync(place).toSorted()).toEqual(['cut.oci.tar', 'x.oci.tar']);
});

test('an image of which any one bit is turned is refused, or is the same image', async () => {
	const place = folder();
	await write(join(place, 'x.oci.tar'), [packed('/a', { bytes: 'x'.repeat(300) }), packed('/b', { kind: 'link', target: 'a' })]);
	const whole = readFileSync(join(place, 'x.oci.tar'));
	const { digest } = await openImage(join(place, 'x.oci.tar'));
	const turned = join(place, 'turned.oci.tar');
	await fc.assert(
		fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(7), async (at, bit) => {
			const bytes = Buffer.from(whole);
			bytes[at]! ^= 1 << bit;
			writeFileSync(turned, bytes);
			const outcome = await openImage(turned).catch((error: unknown) => error);
			// Nothing vouches for the bytes between the blobs; what is said of the image is the same.
			if (outcome instanceof Error) expect(outcome).toMatchObject({ code: expect.stringMatching(/^CELLAR_IMAGE_/) });
			else expect(outcome).toMatchObject({ digest });
		}),
		{ numRuns: 300 },
	);
});
