import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { imageDigestOf, openImage, type Image } from '../../core/src/images/index.ts';
import { failureOf, folder } from '../store/some.ts';
import { layoutAround, packed, rawEntry, rawTar, write } from './some.ts';

async function someImage(): Promise<{ path: string; image: Image; blob: (digest: string) => string }> {
	const path = join(folder(), 'image');
	await write(path, [packed('/bin/sh', { layer: 'userland', bytes: 'x'.repeat(2000) }), packed('/data', { bytes: 'y' })]);
	return { path, image: await openImage(path), blob: (digest) => join(path, 'blobs/sha256', digest.slice(7)) };
}

test('a blob that is cut in half, changed or missing is refused by its name', async () => {
	for (const harm of [
		(file: string) => truncateSync(file, statSync(file).size >> 1),
		(file: string) => {
			const bytes = readFileSync(file);
			bytes[bytes.length >> 1]! ^= 1;
			writeFileSync(file, bytes);
		},
		unlinkSync,
		(file: string) => {
			unlinkSync(file);
			execFileSync('mkfifo', [file]);
		},
	]) {
		for (const which of [0, 1]) {
			const { path, image, blob } = await someImage();
			const { digest } = image.layers[which]!;
			harm(blob(digest));
			const failure = await failureOf(openImage(path));
			expect(failure).toMatchObject({ code: 'CELLAR_IMAGE_BROKEN', exitCode: 5 });
			expect(failure.message).toContain(`layer ${which + 1} (${digest})`);
		}
		const { path, image, blob } = await someImage();
		harm(blob(image.digest));
		expect((await failureOf(openImage(path))).message).toContain(`the manifest (${image.digest})`);
	}
});

test('what is no image of Cellar is told from one, each with its reason', async () => {
	const place = folder();
	const message = async (path: string) => {
		const failure = await failureOf(openImage(path));
		expect(failure).toMatchObject({ code: 'CELLAR_IMAGE_BROKEN', exitCode: 5 });
		expect(await failureOf(openImage(path).then(() => imageDigestOf(path)))).toMatchObject({ exitCode: 5 });
		return failure.message;
	};
	mkdirSync(join(place, 'empty'));
	expect(await message(join(place, 'empty'))).toContain('is no OCI image');
	writeFileSync(join(place, 'text'), 'not a tar file, but long enough for one header of it'.repeat(40));
	expect(await message(join(place, 'text'))).toContain('no tar header at byte 0');
	writeFileSync(join(place, 'nothing'), '');
	expect(await message(join(place, 'nothing'))).toContain('was cut');
	writeFileSync(join(place, 'other.tar'), rawTar(rawEntry({ name: 'etc/passwd', content: 'x' })));
	expect(await message(join(place, 'other.tar'))).toContain('is no OCI image');
	writeFileSync(join(place, 'x.tar.gz'), gzipSync(rawTar()));
	expect(await message(join(place, 'x.tar.gz'))).toContain('compressed as a whole');
	const tar = rawTar(rawEntry({ name: 'a' }));
	const around = (name: string, change: Parameters<typeof layoutAround>[2], layers = [{ bytes: tar }]) =>
		layoutAround(join(place, name), layers, change);
	expect(await message(around('foreign', { labels: null }))).toContain('an image that Cellar did not make');
	expect(await message(around('label', { labels: { 'org.cellar.format': 'x' } }))).toContain('its format is "x"');
	expect(await message(around('layout', { layout: '{"imageLayoutVersion":"2.0.0"}' }))).toContain('oci-layout');
	expect(await message(around('index', { index: { manifests: [] } }))).toContain('holds 0 images');
	expect(await message(around('index2', { index: { manifests: 'x' } }))).toContain('index.json');
	expect(
		await message(around('index3', { index: { manifests: [{ mediaType: 'm', digest: 'sha256:../../x', size: 1 }] } })),
	).toContain('not a sha256 digest');
	expect(await message(around('schema', { manifest: { schemaVersion: 1 } }))).toContain('the manifest');
	expect(await message(around('layers', { manifest: { layers: [] } }))).toContain('has 0 layers');
	expect(await failureOf(openImage(join(place, 'nowhere')))).toMatchObject({ code: 'CELLAR_NO_SUCH_FILE', exitCode: 2 });
});

test('an image of a newer format is refused as such', async () => {
	const path = layoutAround(join(folder(), 'x'), [{ bytes: rawTar() }], { labels: { 'org.cellar.format': '2' } });
	expect(await failureOf(openImage(path))).toMatchObject({ code: 'CELLAR_IMAGE_TOO_NEW', exitCode: 5 });
});

test('a layer that is compressed by zstd is refused with the way to change it', async () => {
	const mediaType = 'application/vnd.oci.image.layer.v1.tar+zstd';
	const failure = await failureOf(openImage(layoutAround(join(folder(), 'x'), [{ bytes: rawTar(), mediaType }])));
	expect(failure).toMatchObject({ code: 'CELLAR_IMAGE_BROKEN', exitCode: 5 });
	expect(failure.hint).toContain('skopeo copy');
});

test('a layer other than the configuration speaks of is refused', async () => {
	const path = layoutAround(join(folder(), 'x'), [{ bytes: rawTar(), diffId: `sha256:${'0'.repeat(64)}` }]);
	expect((await failureOf(openImage(path))).message).toContain('another layer 1');
});

test('a tar file that holds a blob twice is refused: which of them is meant would depend on the reader', async () => {
	const place = folder();
	await write(join(place, 'x'), [packed('/a')]);
	const files = readdirSync(join(place, 'x'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
	const entries = files.map((file) => {
		const path = join(file.parentPath, file.name);
		return rawEntry({ name: path.slice(place.length + 3), content: readFileSync(path) });
	});
	writeFileSync(join(place, 'good.tar'), rawTar(...entries));
	expect((await openImage(join(place, 'good.tar'))).digest).toBe(await imageDigestOf(join(place, 'x')));
	writeFileSync(join(place, 'twice.tar'), rawTar(...entries, entries[0]!));
	expect((await failureOf(openImage(join(place, 'twice.tar')))).message).toContain('twice');
});
