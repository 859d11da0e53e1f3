import * as v from 'valibot';

/**
 * The parts of the OCI image format that Cellar writes and reads.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md
 */
export const mediaTypes = {
	index: 'application/vnd.oci.image.index.v1+json',
	manifest: 'application/vnd.oci.image.manifest.v1+json',
	config: 'application/vnd.oci.image.config.v1+json',
	layer: 'application/vnd.oci.image.layer.v1.tar',
	gzipLayer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

/**
 * The labels with the version of what Cellar puts in an image, and with what its layers hold, from the bottom up, parted by
 * commas. Labels, because they are covered by the image's digest and outlive a copy; annotations of a layer do not when it
 * is compressed.
 */
export const formatLabel = 'org.cellar.format';
export const layersLabel = 'org.cellar.layers';
export const refName = 'org.opencontainers.image.ref.name';

/**
 * The mtime of everything in an image, in seconds: the same run is the same image. Later than 1980 in every time zone,
 * because zip files cannot hold an earlier one and programs that write them raise on it.
 */
export const imageTime = Date.UTC(2000, 0, 1) / 1000;

export const layoutFile = 'oci-layout';
export const indexFile = 'index.json';
export const blobsFolder = 'blobs/sha256';

/** The path of a blob within a layout. */
export function blobFile(digest: string): string {
	return `${blobsFolder}/${digest.slice('sha256:'.length)}`;
}

const digest = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/, 'not a sha256 digest'));
const size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const annotations = v.optional(v.nullable(v.record(v.string(), v.string())));

const descriptor = v.object({ mediaType: v.string(), digest, size, annotations });
export type Descriptor = v.InferOutput<typeof descriptor>;

export const layoutSchema = v.object({
	imageLayoutVersion: v.pipe(v.string(), v.startsWith('1.', 'not a layout of version 1')),
});

export const indexSchema = v.object({ schemaVersion: v.literal(2), manifests: v.array(descriptor) });

export const manifestSchema = v.object({ schemaVersion: v.literal(2), config: descriptor, layers: v.array(descriptor) });

export const configSchema = v.object({
	architecture: v.string(),
	os: v.string(),
	config: v.optional(v.nullable(v.object({ Labels: v.optional(v.nullable(v.record(v.string(), v.string()))) }))),
	rootfs: v.object({ type: v.literal('layers'), diff_ids: v.array(digest) }),
});
