import { createHash } from 'node:crypto';
import { arch } from 'node:process';
import { CellarError, diskError, type Layer, type Name, type PackedPath } from '../../model/index.ts';
import { formatLabel, layersLabel, mediaTypes, refName, type Descriptor } from '../format.ts';
import { writeLayer } from './layer.ts';
import { changedSince, planImage, type Change, type Plan } from './plan.ts';
import type { BlobPath } from './source.ts';
import { openTarget, type Target } from './target.ts';

/** What `writeImage` is given. */
export interface ImageOptions {
	/** A folder, or a file that ends in `.tar`; `.oci.tar` by custom. */
	readonly target: string;
	readonly paths: readonly PackedPath[];
	/** Kept in the image's configuration, beside Cellar's own. */
	readonly labels: Readonly<Record<string, string>>;
	/** Where the store keeps a blob. */
	readonly blobPath: BlobPath;
	/** Told how far it is, in bytes. */
	readonly onStep?: (step: { readonly what: string; readonly done: number; readonly of: number }) => void;
}

/** What `writeImage` made. Digests are `sha256:…`; the image's is that of its manifest. */
export interface WrittenImage {
	readonly digest: string;
	/** All blobs together. */
	readonly bytes: number;
	readonly layers: readonly { readonly digest: string; readonly bytes: number; readonly holds: Layer }[];
	/** What cannot be or need not be in an image: bytecode that is stale or has no source, names that mean removal. */
	readonly leftOut: readonly { readonly path: Name; readonly reason: string }[];
}

/**
 * Writes an OCI image: uncompressed layers in the order of the model, entries in the order of their bytes, owner and group
 * 0, modes 755 and 644, one time for all. The same paths with the same content give the same bytes, in whatever order they
 * come. It stands under its name only when it is whole.
 *
 * @throws CellarError CELLAR_CHANGED_SINCE with the list, CELLAR_DISK_FULL, CELLAR_NO_PERMISSION, CELLAR_USAGE where
 *   something else stands at `target`
 */
export async function writeImage(o: ImageOptions): Promise<WrittenImage> {
	const plan = planImage(o.paths, o.blobPath);
	let target: Target | null = null;
	try {
		target = openTarget(o.target);
		return { ...(await writeBlobs(o, plan, target)), leftOut: plan.leftOut };
	} catch (cause) {
		target?.abandon();
		throw diskError(cause, `write the image ${o.target}`, {
			where: o.target,
			hint: 'nothing of it is left there; give another place with -o',
		});
	}
}

async function writeBlobs(o: ImageOptions, plan: Plan, target: Target): Promise<Omit<WrittenImage, 'leftOut'>> {
	const layers: { digest: string; bytes: number; holds: Layer }[] = [];
	const changes: Change[] = [];
	const of = plan.layers.reduce((sum, layer) => sum + layer.bytes, 0);
	let done = 0;
	for (const { holds, entries } of plan.layers) {
		const written = await writeLayer({
			entries,
			blobPath: o.blobPath,
			take: (bytes) => target.write(bytes),
			changed: (change) => void changes.push(change),
			done(bytes) {
				done += bytes;
				o.onStep?.({ what: `packing ${holds}`, done: Math.min(done, of), of });
			},
		});
		target.endBlob(written.digest);
		layers.push({ ...written, holds });
	}
	if (changes.length > 0) throw changedSince(changes);

	const putJson = (mediaType: string, value: Json): Descriptor => {
		const bytes = Buffer.from(JSON.stringify(value));
		const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
		target.write(bytes);
		target.endBlob(digest);
		return { mediaType, digest, size: bytes.length };
	};
	const platform = { architecture: architecture(), os: 'linux' };
	const config = putJson(mediaTypes.config, {
		...platform,
		config: { Labels: sorted({ ...o.labels, [formatLabel]: '1', [layersLabel]: layers.map((layer) => layer.holds).join(',') }) },
		rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.digest) },
		history: layers.map((layer) => ({ created_by: `cellar pack: ${layer.holds}` })),
	});
	const manifest = putJson(mediaTypes.manifest, {
		schemaVersion: 2,
		mediaType: mediaTypes.manifest,
		config: { ...config },
		layers: layers.map((layer) => ({ mediaType: mediaTypes.layer, digest: layer.digest, size: layer.bytes })),
	});
	const index = {
		schemaVersion: 2,
		mediaType: mediaTypes.index,
		manifests: [{ ...manifest, platform, annotations: { [refName]: 'latest' } }],
	};
	target.finish(Buffer.from(JSON.stringify(index)));
	const bytes = layers.reduce((sum, layer) => sum + layer.bytes, config.size + manifest.size);
	return { digest: manifest.digest, bytes, layers };
}

type Json = string | number | null | undefined | readonly Json[] | { readonly [key: string]: Json };

function sorted(labels: Readonly<Record<string, string>>): Record<string, string> {
	return Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** What Go, and so OCI, calls this machine's processor. */
function architecture(): string {
	const known: Partial<Record<typeof arch, string>> = {
		x64: 'amd64',
		arm64: 'arm64',
		arm: 'arm',
		ia32: '386',
		ppc64: 'ppc64le',
		riscv64: 'riscv64',
		s390x: 's390x',
		loong64: 'loong64',
	};
	const name = known[arch];
	if (name === undefined) throw new CellarError('CELLAR_INTERNAL', `no name is known for the processor ${arch}`);
	return name;
}
