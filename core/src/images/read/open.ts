import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import * as v from 'valibot';
import { CellarError, layers as layerNames, type Layer } from '../../model/index.ts';
import {
	configSchema,
	formatLabel,
	indexFile,
	indexSchema,
	layersLabel,
	layoutFile,
	layoutSchema,
	manifestSchema,
	mediaTypes,
	type Descriptor,
} from '../format.ts';
import { broken } from '../tar/entries.ts';
import { openBytes, type Place } from '../tar/stream.ts';
import { findBlob, openLayout, type Layout } from './layout.ts';

/** An image that was opened: every blob of it has the hash and the length that it should have. */
export interface Image {
	readonly path: string;
	/** The manifest's, `sha256:…`: what tells one image from another. */
	readonly digest: string;
	/** All blobs together. */
	readonly bytes: number;
	readonly labels: Readonly<Record<string, string>>;
	readonly architecture: string;
	readonly os: string;
	/** From the bottom up. */
	readonly layers: readonly ImageLayer[];
}

export interface ImageLayer {
	readonly digest: string;
	readonly bytes: number;
	/** Null for a layer that Cellar did not write. */
	readonly holds: Layer | null;
	readonly compressed: boolean;
	/** The digest of the layer when it is not compressed. */
	readonly diffId: string;
	/** Where its bytes are. */
	readonly place: Place;
}

/**
 * Opens an image of Cellar, a layout folder or a tar file of one, and checks every blob against its digest.
 *
 * @throws CellarError CELLAR_NO_SUCH_FILE; CELLAR_IMAGE_BROKEN with the blob that is cut, changed or missing, or why it is
 *   no image of Cellar; CELLAR_IMAGE_TOO_NEW
 */
export async function openImage(path: string): Promise<Image> {
	const layout = await openLayout(path);
	const { descriptor, manifest } = await readManifest(layout, path);
	const config = await readJson(layout, path, manifest.config, 'the configuration', configSchema);
	const labels = config.config?.Labels ?? {};
	checkFormat(labels[formatLabel], path);
	if (config.rootfs.diff_ids.length !== manifest.layers.length) {
		throw broken(path, `has ${manifest.layers.length} layers, and its configuration speaks of ${config.rootfs.diff_ids.length}`);
	}
	const held = (labels[layersLabel] ?? '').split(',');
	const layers: ImageLayer[] = [];
	for (const [at, layer] of manifest.layers.entries()) {
		const what = `layer ${at + 1}`;
		const diffId = config.rootfs.diff_ids[at]!;
		const compressed = isCompressed(layer, path, what);
		const place = await checkedBlob(layout, path, layer, what);
		if (!compressed && diffId !== layer.digest) throw broken(path, `has another ${what} than its configuration speaks of`);
		const holds = layerNames.find((name) => name === held[at]) ?? null;
		layers.push({ digest: layer.digest, bytes: layer.size, holds, compressed, diffId, place });
	}
	const bytes = layers.reduce((sum, layer) => sum + layer.bytes, descriptor.size + manifest.config.size);
	return {
		path: layout.path,
		digest: descriptor.digest,
		bytes,
		labels,
		architecture: config.architecture,
		os: config.os,
		layers,
	};
}

/**
 * The digest of an image, `sha256:…`, by its index alone.
 *
 * @throws CellarError CELLAR_NO_SUCH_FILE, CELLAR_IMAGE_BROKEN
 */
export async function imageDigestOf(path: string): Promise<string> {
	return (await readIndex(await openLayout(path), path)).digest;
}

async function readIndex(layout: Layout, path: string): Promise<Descriptor> {
	parse(await readFile(layout.find(layoutFile), path, layoutFile), path, layoutFile, layoutSchema);
	const index = parse(await readFile(layout.find(indexFile), path, indexFile), path, indexFile, indexSchema);
	const [descriptor, ...others] = index.manifests;
	if (descriptor === undefined || others.length > 0) {
		throw broken(path, `holds ${index.manifests.length} images, and an image of Cellar is one alone`);
	}
	if (descriptor.mediaType !== mediaTypes.manifest) throw broken(path, `holds no image but ${descriptor.mediaType}`);
	return descriptor;
}

async function readManifest(
	layout: Layout,
	path: string,
): Promise<{ descriptor: Descriptor; manifest: v.InferOutput<typeof manifestSchema> }> {
	const descriptor = await readIndex(layout, path);
	return { descriptor, manifest: await readJson(layout, path, descriptor, 'the manifest', manifestSchema) };
}

function checkFormat(label: string | undefined, path: string): void {
	if (label === undefined) {
		throw broken(path, `is an image that Cellar did not make: it has no label ${formatLabel}`);
	}
	if (!/^[1-9]\d{0,5}$/.test(label)) throw broken(path, `says that its format is "${label}"`);
	if (Number(label) > 1) {
		throw new CellarError('CELLAR_IMAGE_TOO_NEW', `${path} is of format ${label}; this Cellar reads format 1`, {
			where: path,
			hint: 'use the Cellar that made it, or a newer one',
		});
	}
}

function isCompressed(layer: Descriptor, path: string, what: string): boolean {
	if (layer.mediaType === mediaTypes.layer) return false;
	if (layer.mediaType === mediaTypes.gzipLayer) return true;
	throw new CellarError('CELLAR_IMAGE_BROKEN', `${path} has a ${what} of a kind that cannot be read here: ${layer.mediaType}`, {
		where: path,
		hint: 'skopeo copy --dest-compress-format gzip oci:HERE oci:THERE makes one that can',
	});
}

/** Where a blob lies, once its length and its hash are what they should be. */
async function checkedBlob(layout: Layout, path: string, blob: Descriptor, what: string): Promise<Place> {
	const place = findBlob(layout, blob.digest);
	const name = `${what} (${blob.digest})`;
	if (place === null) throw broken(path, `lacks ${name}`);
	if (place.size !== blob.size) throw broken(path, `has ${place.size} of the ${blob.size} bytes of ${name}`);
	const hash = createHash('sha256');
	await using stream = openBytes(place, name);
	for (let left = place.size; left > 0;) {
		const length = Math.min(left, 64 << 20);
		await stream.each(length, (bytes) => void hash.update(bytes));
		await turn();
		left -= length;
	}
	if (`sha256:${hash.digest('hex')}` !== blob.digest) throw broken(path, `has other bytes in ${name} than its digest says`);
	return place;
}

async function readJson<S extends v.GenericSchema>(
	layout: Layout,
	path: string,
	blob: Descriptor,
	what: string,
	schema: S,
): Promise<v.InferOutput<S>> {
	if (blob.size > largestJson) throw broken(path, `has ${blob.size} bytes in ${what}, which is absurd`);
	return parse(await readFile(await checkedBlob(layout, path, blob, what), path, what), path, what, schema);
}

/** What no index, manifest or configuration comes near. */
const largestJson = 4 << 20;

async function readFile(place: Place | null, path: string, what: string): Promise<string> {
	if (place === null) throw broken(path, `lacks ${what}`);
	if (place.size > largestJson) throw broken(path, `has ${place.size} bytes in ${what}, which is absurd`);
	await using stream = openBytes(place, what);
	return (await stream.take(place.size))?.toString('utf8') ?? '';
}

function parse<S extends v.GenericSchema>(text: string, path: string, what: string, schema: S): v.InferOutput<S> {
	const result = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
	if (result.success) return result.output;
	const [issue] = result.issues;
	const at = v.getDotPath(issue);
	throw broken(path, `has ${what} that is not as it should be: ${at === null ? '' : `${at}: `}${issue.message}`);
}
