import {
	appendFileSync,
	mkdirSync,
	readFileSync,
	readdirSync,
	statSync,
	symlinkSync,
	unlinkSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeName, layers, type PackedPath } from '../../core/src/model/index.ts';
import { extractImage, imageDigestOf, openImage, readRecord } from '../../core/src/images/index.ts';
import { failureOf, folder, smallDisk } from '../store/some.ts';
import { packed, sha256, treeOf, write, type Thing } from './some.ts';

/** The mtime of everything in an image. */
const imageTime = Date.UTC(2000, 0, 1) / 1000;

const someName = fc
	.uint8Array({ minLength: 1, maxLength: 255 })
	.filter((bytes) => !bytes.includes(0) && !bytes.includes(0x2f))
	.map((bytes) => Buffer.from(bytes).toString('latin1'))
	.filter((name) => name !== '.' && name !== '..' && !name.startsWith('.wh.') && !name.endsWith('.pyc'));
const plainName = fc.stringMatching(/^[a-z0-9_-]{1,40}$/);
const someContent = fc.uint8Array({ maxLength: 2000 });

interface Leaf {
	readonly kind: 'file' | 'directory' | 'link';
	readonly content: Uint8Array;
	readonly executable: boolean;
	readonly layer: PackedPath['layer'];
}
const leaf: fc.Arbitrary<Leaf> = fc.record({
	kind: fc.constantFrom('file', 'file', 'directory', 'link'),
	content: someContent,
	executable: fc.boolean(),
	layer: fc.constantFrom(...layers),
});

/** Paths of at most five names each, none below another unless that is a folder. */
const someTree = fc
	.array(fc.tuple(fc.array(fc.oneof(plainName, someName), { minLength: 1, maxLength: 5 }), leaf), { maxLength: 25 })
	.map((found) => {
		const tree = new Map<string, Leaf>();
		const folders = new Set<string>();
		for (const [names, what] of found) {
			const path = names.join('/');
			const above = names.slice(1).map((_, at) => names.slice(0, at + 1).join('/'));
			const blocked = above.some((name) => (tree.get(name)?.kind ?? 'directory') !== 'directory');
			if (blocked || tree.has(path) || (folders.has(path) && what.kind !== 'directory')) continue;
			tree.set(path, what);
			for (const name of above) folders.add(name);
		}
		return { tree, folders };
	});

function packedOf(tree: ReadonlyMap<string, Leaf>): PackedPath[] {
	return [...tree].map(([path, { kind, content, executable, layer }]) =>
		packed(encodeName(Buffer.from(`/${path}`, 'latin1')), {
			kind,
			layer,
			bytes: content,
			mode: executable ? 0o4751 : 0o640,
			target: kind === 'link' ? encodeName(linkText(content)) : null,
		}),
	);
}

function linkText(content: Uint8Array): Buffer {
	return Buffer.from(`x${Buffer.from(content).toString('latin1').replaceAll('\0', '')}`, 'latin1');
}

/** What the tree is once it is packed and unpacked. */
function thingsOf({ tree, folders }: { tree: ReadonlyMap<string, Leaf>; folders: ReadonlySet<string> }): Record<string, Thing> {
	const things: Record<string, Thing> = {};
	const put = (path: string, kind: Thing['kind'], mode: number, content: Buffer) => {
		things[encodeName(Buffer.from(path, 'latin1'))] = { kind, mode, mtime: imageTime, content: content.toString('latin1') };
	};
	for (const path of folders) put(path, 'directory', 0o755, Buffer.alloc(0));
	for (const [path, { kind, content, executable }] of tree) {
		if (kind === 'file') put(path, kind, executable ? 0o755 : 0o644, Buffer.from(content));
		if (kind === 'link') put(path, kind, 0o777, linkText(content));
		if (kind === 'directory') put(path, kind, 0o755, Buffer.alloc(0));
	}
	return things;
}

test('a tree that is packed and unpacked is the same tree, whatever bytes its names are', async () => {
	const place = folder();
	let n = 0;
	await fc.assert(
		fc.asyncProperty(someTree, fc.boolean(), async (made, asTar) => {
			n += 1;
			const target = join(place, `${n}${asTar ? '.oci.tar' : ''}`);
			await write(target, packedOf(made.tree));
			await extractImage(await openImage(target), join(place, `${n}-root`));
			expect(treeOf(join(place, `${n}-root`))).toEqual(thingsOf(made));
		}),
		{ numRuns: 100 },
	);
});

test('the same paths give the same image, in whatever order they come, as a folder and as a tar file', async () => {
	const place = folder();
	let n = 0;
	await fc.assert(
		fc.asyncProperty(someTree, fc.infiniteStream(fc.nat()), async ({ tree }, numbers) => {
			n += 1;
			const paths = packedOf(tree);
			const shuffled = paths.map((path) => [numbers.next().value, path] as const).toSorted(([a], [b]) => a - b);
			const first = await write(join(place, `${n}a.oci.tar`), paths);
			await write(
				join(place, `${n}b.oci.tar`),
				shuffled.map(([, path]) => path),
			);
			const third = await write(join(place, `${n}c`), paths);
			expect(readFileSync(join(place, `${n}a.oci.tar`)).equals(readFileSync(join(place, `${n}b.oci.tar`)))).toBe(true);
			expect(third.digest).toBe(first.digest);
			expect(await imageDigestOf(join(place, `${n}c`))).toBe(first.digest);
			expect(await imageDigestOf(join(place, `${n}b.oci.tar`))).toBe(first.digest);
		}),
		{ numRuns: 30 },
	);
});

test('layers come in the order of the model, those that hold nothing are left out, and what is told of them is so', async () => {
	const target = join(folder(), 'x.oci.tar');
	const steps: { what: string; done: number; of: number }[] = [];
	const written = await write(
		target,
		[
			packed('/record/run.json', { layer: 'record', bytes: '{}' }),
			packed('/bin/sh', { layer: 'userland', bytes: 'x'.repeat(9_000_000), mode: 0o755 }),
		],
		{ labels: { 'org.cellar.run': '20260301-093000-abcd' }, onStep: (step) => void steps.push(step) },
	);
	expect(written.layers.map((layer) => layer.holds)).toEqual(['userland', 'record']);
	expect(written.leftOut).toEqual([]);
	const image = await openImage(target);
	expect(image).toMatchObject({ digest: written.digest, bytes: written.bytes, os: 'linux', layers: written.layers });
	expect(image.labels).toEqual({
		'org.cellar.format': '1',
		'org.cellar.layers': 'userland,record',
		'org.cellar.run': '20260301-093000-abcd',
	});
	expect(steps.length).toBeGreaterThan(2);
	expect(steps.map((step) => step.what)).toEqual(expect.arrayContaining(['packing userland', 'packing record']));
	expect(steps.at(-1)!.done).toBe(steps.at(-1)!.of);
});

test('the record is read alone', async () => {
	const place = folder();
	await write(join(place, 'x.oci.tar'), [
		packed('/.cellar/run.json', { layer: 'record', bytes: '{}' }),
		packed('/home/ada/data.csv', { bytes: '1,2' }),
	]);
	await readRecord(await openImage(join(place, 'x.oci.tar')), join(place, 'record'));
	expect(Object.keys(treeOf(join(place, 'record')))).toEqual(['.cellar', '.cellar/run.json']);
	await write(join(place, 'y.oci.tar'), [packed('/home/ada/data.csv')]);
	expect(await failureOf(readRecord(await openImage(join(place, 'y.oci.tar')), join(place, 'none')))).toMatchObject({
		code: 'CELLAR_IMAGE_BROKEN',
	});
});

test('files come from where they lie, from the blob store, or from bytes, and are packed whole at any size', async () => {
	const place = folder();
	const large = Buffer.from(Array.from({ length: 9_500_001 }, (_, at) => at * 7 + (at >> 11)));
	writeFileSync(join(place, 'large'), large);
	writeFileSync(join(place, 'blob'), 'first state');
	const expected = { size: large.length, sha256: sha256(large).slice(7), mtime: null };
	await write(
		join(place, 'x.oci.tar'),
		[
			packed(join(place, 'large'), { source: { from: 'path' }, expected }),
			packed('/in.csv', {
				source: { from: 'blob', sha256: sha256('first state').slice(7) },
				expected: { size: 11, sha256: null, mtime: 5 },
			}),
			...[0, 1, 511, 512, 513].map((size) => packed(`/size/${size}`, { bytes: 'y'.repeat(size) })),
		],
		{ blobPath: (sha) => (sha === sha256('first state').slice(7) ? join(place, 'blob') : '/nowhere') },
	);
	await extractImage(await openImage(join(place, 'x.oci.tar')), join(place, 'root'));
	expect(readFileSync(join(place, 'root', place, 'large')).equals(large)).toBe(true);
	expect(readFileSync(join(place, 'root/in.csv'), 'utf8')).toBe('first state');
	for (const size of [0, 1, 511, 512, 513]) expect(readFileSync(join(place, `root/size/${size}`), 'utf8')).toBe('y'.repeat(size));
});

test('what has changed since the run is refused with the whole list, and nothing is written', async () => {
	const place = folder();
	const source = { from: 'path' } as const;
	const names = ['gone', 'shorter', 'other', 'touched', 'same'];
	for (const name of names) writeFileSync(join(place, name), 'as it was');
	const seen = (name: string, sha: boolean) => {
		const state = statSync(join(place, name));
		return packed(join(place, name), {
			source,
			expected: { size: state.size, sha256: sha ? sha256('as it was').slice(7) : null, mtime: state.mtimeMs },
		});
	};
	const paths = [seen('gone', true), seen('shorter', true), seen('touched', false), seen('same', true)];
	const content = [seen('other', true), seen('same', true)];
	unlinkSync(join(place, 'gone'));
	writeFileSync(join(place, 'shorter'), 'short');
	writeFileSync(join(place, 'other'), 'as it IS!');
	for (const name of ['touched', 'same']) utimesSync(join(place, name), 5, 5);
	const failure = await failureOf(write(join(place, 'x.oci.tar'), paths));
	expect(failure).toMatchObject({ code: 'CELLAR_CHANGED_SINCE', exitCode: 5 });
	expect(failure.message.split('\n')).toEqual([
		'3 files changed since the run:',
		`  ${place}/gone is gone`,
		`  ${place}/shorter has 5 bytes instead of 9`,
		`  ${place}/touched was written to`,
	]);
	const other = await failureOf(write(join(place, 'x.oci.tar'), content));
	expect(other.message).toBe(`a file changed since the run:\n  ${place}/other has other content`);
	expect(readdirSync(place).toSorted()).toEqual(['other', 'same', 'shorter', 'touched']);
});

test('a blob that is not what its name says is refused', async () => {
	const place = folder();
	writeFileSync(join(place, 'blob'), 'harmed on the disk');
	const path = packed('/in.csv', { source: { from: 'blob', sha256: sha256('as it was put').slice(7) } });
	const failure = await failureOf(write(join(place, 'x'), [path], { blobPath: () => join(place, 'blob') }));
	expect(failure).toMatchObject({ code: 'CELLAR_CHANGED_SINCE', exitCode: 5 });
	expect(failure.message).toContain('/in.csv has other content');
	const gone = await failureOf(write(join(place, 'x'), [path], { blobPath: () => join(place, 'removed') }));
	expect(gone.message).toContain('/in.csv is not in the blob store any more');
});

test('a file that grows or shrinks while it is packed is refused', async () => {
	const place = folder();
	const [victim, target] = [join(place, 'victim'), join(place, 'x.oci.tar')];
	for (const change of [() => appendFileSync(victim, 'more'), () => writeFileSync(victim, 'less')]) {
		writeFileSync(victim, Buffer.alloc(12 << 20, 1));
		let changed = false;
		const failure = await failureOf(
			write(target, [packed(victim, { source: { from: 'path' } })], {
				onStep() {
					if (!changed) change();
					changed = true;
				},
			}),
		);
		expect(failure.message).toBe(`a file changed since the run:\n  ${victim} changed while it was packed`);
		expect(readdirSync(place)).toEqual(['victim']);
	}
});

test('paths that contradict each other, and paths that no image can hold, are told and never guessed at', async () => {
	const target = join(folder(), 'x.oci.tar');
	for (const paths of [
		[packed('/a', { kind: 'link', target: 'b' }), packed('/a/x')],
		[packed('/a'), packed('/a/b/c')],
		[packed('/a', { bytes: '1' }), packed('/a', { bytes: '2' })],
		[packed('relative')],
		[packed('/a/../b')],
		[packed('/a//b')],
		[packed('/a', { kind: 'link', target: null })],
	]) {
		expect(await failureOf(write(target, paths))).toMatchObject({ code: 'CELLAR_INTERNAL' });
	}
	const written = await write(target, [
		packed('/a'),
		packed('/a'),
		packed('/', { kind: 'directory' }),
		packed('/data/.wh.a'),
		packed('/.wh..wh..opq/b'),
	]);
	expect(written.leftOut.map(({ path }) => path)).toEqual(['/.wh..wh..opq/b', '/data/.wh.a']);
});

test('an image replaces an image, and nothing else', async () => {
	const place = folder();
	const target = { tar: join(place, 'x.oci.tar'), folder: join(place, 'x') };
	for (const path of Object.values(target)) {
		await write(path, [packed('/a', { bytes: '1' })]);
		const { digest } = await write(path, [packed('/a', { bytes: '2' })]);
		expect((await openImage(path)).digest).toBe(digest);
	}
	expect(readdirSync(place).toSorted()).toEqual(['x', 'x.oci.tar']);
	mkdirSync(join(place, 'photos'));
	await write(join(place, 'photos'), [packed('/a')]);
	mkdirSync(join(place, 'more'));
	writeFileSync(join(place, 'more', 'holiday.jpg'), '');
	mkdirSync(join(place, 'folder.tar'));
	symlinkSync('x', join(place, 'link'));
	for (const name of ['more', 'folder.tar', 'link']) {
		expect(await failureOf(write(join(place, name), [packed('/a')]))).toMatchObject({ code: 'CELLAR_USAGE', exitCode: 2 });
	}
	expect(await failureOf(write(join(place, 'no/such/x.oci.tar'), [packed('/a')]))).toMatchObject({ code: 'CELLAR_NO_SUCH_FILE' });
});

test('a full disk: nothing half is left, and the image that was there stays', async () => {
	const place = smallDisk(8 << 20);
	const paths = [packed('/large', { bytes: Buffer.alloc(16 << 20) })];
	for (const name of ['x.oci.tar', 'x']) {
		const { digest } = await write(join(place, name), [packed('/a')]);
		expect(await failureOf(write(join(place, name), paths))).toMatchObject({ code: 'CELLAR_DISK_FULL', exitCode: 4 });
		expect(await imageDigestOf(join(place, name))).toBe(digest);
	}
	expect(readdirSync(place).toSorted()).toEqual(['x', 'x.oci.tar']);
});

test('a root that does not fit on the disk is refused before anything is written', async () => {
	const place = folder();
	await write(join(place, 'x'), [packed('/large', { bytes: Buffer.alloc(16 << 20) })]);
	const small = smallDisk(8 << 20);
	const failure = await failureOf(extractImage(await openImage(join(place, 'x')), join(small, 'root')));
	expect(failure).toMatchObject({ code: 'CELLAR_DISK_FULL', exitCode: 4 });
	expect(readdirSync(small)).toEqual([]);
});

test('a root is unpacked into a new or an empty folder, and into nothing else', async () => {
	const place = folder();
	await write(join(place, 'x'), [packed('/a', { bytes: '1' })]);
	const image = await openImage(join(place, 'x'));
	mkdirSync(join(place, 'empty'));
	await extractImage(image, join(place, 'empty'));
	expect(Object.keys(treeOf(join(place, 'empty')))).toEqual(['a']);
	writeFileSync(join(place, 'file'), '');
	for (const name of ['empty', 'file']) {
		expect(await failureOf(extractImage(image, join(place, name)))).toMatchObject({ code: 'CELLAR_USAGE', exitCode: 2 });
	}
	expect(await failureOf(extractImage(image, join(place, 'no/such')))).toMatchObject({
		code: 'CELLAR_NO_SUCH_FILE',
		exitCode: 2,
	});
});
