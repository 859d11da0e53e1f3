import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeName, type PackedPath } from '../../core/src/model/index.ts';
import { writeImage, type ImageOptions, type WrittenImage } from '../../core/src/images/index.ts';

/** A path that goes into an image with its bytes; by default a file of the code and data. */
export function packed(path: string, change: Partial<PackedPath> & { bytes?: string | Uint8Array } = {}): PackedPath {
	const { bytes = '', ...rest } = change;
	return {
		path,
		layer: 'code and data',
		kind: 'file',
		target: null,
		source: { from: 'bytes', bytes: Buffer.from(bytes) },
		mode: 0o644,
		expected: null,
		reason: 'a test',
		...rest,
	};
}

/** Writes an image with what most tests do not care for. */
export function write(target: string, paths: readonly PackedPath[], change: Partial<ImageOptions> = {}): Promise<WrittenImage> {
	return writeImage({ target, paths, labels: {}, blobPath: () => '/no/blobs/here', ...change });
}

/** One thing of a folder: what it is, its mode, its time in seconds, and its bytes or a link's text, one letter a byte. */
export interface Thing {
	readonly kind: 'file' | 'directory' | 'link' | 'other';
	readonly mode: number;
	readonly mtime: number;
	readonly content: string;
}

/** All that lies below a folder, by its encoded path from there. */
export function treeOf(root: string): Record<string, Thing> {
	const things: Record<string, Thing> = {};
	const walk = (folder: Buffer, below: Buffer) => {
		for (const name of readdirSync(folder, { encoding: 'buffer' })) {
			const place = Buffer.concat([folder, slash, name]);
			const path = below.length === 0 ? name : Buffer.concat([below, slash, name]);
			const state = lstatSync(place);
			const kind = state.isFile() ? 'file' : state.isDirectory() ? 'directory' : state.isSymbolicLink() ? 'link' : 'other';
			const content =
				kind === 'file' ? readFileSync(place) : kind === 'link' ? readlinkSync(place, { encoding: 'buffer' }) : Buffer.alloc(0);
			things[encodeName(path)] = {
				kind,
				mode: state.mode & 0o7777,
				mtime: state.mtimeMs / 1000,
				content: content.toString('latin1'),
			};
			if (kind === 'directory') walk(place, path);
		}
	};
	walk(Buffer.from(root), Buffer.alloc(0));
	return things;
}

const slash = Buffer.from('/');

export function sha256(bytes: string | Uint8Array): string {
	return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Makes an image layout by hand around layers that nobody checked. */
export function layoutAround(
	folder: string,
	layers: readonly { bytes: Uint8Array; diffId?: string; mediaType?: string; holds?: string }[],
	change: { labels?: Record<string, string> | null; manifest?: object; index?: object; layout?: string } = {},
): string {
	mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });
	const blob = (mediaType: string, bytes: Uint8Array) => {
		const digest = sha256(bytes);
		writeFileSync(join(folder, 'blobs/sha256', digest.slice(7)), bytes);
		return { mediaType, digest, size: bytes.length };
	};
	const json = (mediaType: string, value: object) => blob(mediaType, Buffer.from(JSON.stringify(value)));
	const held = layers.map((layer) => layer.holds ?? 'code and data').join(',');
	const labels = change.labels === undefined ? { 'org.cellar.format': '1', 'org.cellar.layers': held } : change.labels;
	const config = json('application/vnd.oci.image.config.v1+json', {
		architecture: 'amd64',
		os: 'linux',
		config: labels === null ? null : { Labels: labels },
		rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId ?? sha256(layer.bytes)) },
	});
	const manifest = json('application/vnd.oci.image.manifest.v1+json', {
		schemaVersion: 2,
		config,
		layers: layers.map((layer) => blob(layer.mediaType ?? 'application/vnd.oci.image.layer.v1.tar', layer.bytes)),
		...change.manifest,
	});
	writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [manifest], ...change.index }));
	writeFileSync(join(folder, 'oci-layout'), change.layout ?? '{"imageLayoutVersion":"1.0.0"}');
	return folder;
}

/** A tar header as anybody may write it: nothing in it need be true. */
export function rawHeader(o: {
	name: string | Buffer;
	type?: string;
	size?: number | string | Buffer;
	mode?: number;
	mtime?: number;
	target?: string | Buffer;
	prefix?: string;
	magic?: string;
	sum?: number;
}): Buffer {
	const header = Buffer.alloc(512);
	Buffer.from(o.name).copy(header, 0, 0, 100);
	header.write(`${(o.mode ?? 0o644).toString(8).padStart(7, '0')}\0`, 100, 'latin1');
	header.write('0000000\x000000000\0', 108, 'latin1');
	const size = o.size ?? 0;
	if (Buffer.isBuffer(size)) size.copy(header, 124);
	else header.write(typeof size === 'string' ? size : `${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
	header.write(`${(o.mtime ?? 0).toString(8).padStart(11, '0')}\0`, 136, 'latin1');
	header.write('        ', 148, 'latin1');
	header.write(o.type ?? '0', 156, 'latin1');
	Buffer.from(o.target ?? '').copy(header, 157, 0, 100);
	header.write(o.magic ?? 'ustar\x0000', 257, 'latin1');
	header.write(o.prefix ?? '', 345, 'latin1');
	const sum = o.sum ?? header.reduce((all, byte) => all + byte, 0);
	header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
	return header;
}

/** A header with its content and what fills it up to whole blocks. */
export function rawEntry(o: Parameters<typeof rawHeader>[0] & { content?: string | Buffer }): Buffer {
	const content = Buffer.from(o.content ?? '');
	return Buffer.concat([rawHeader({ size: content.length, ...o }), content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

/** A pax header for the entry behind it. */
export function rawPax(records: Record<string, string | Buffer>, type = 'x'): Buffer {
	const content = Object.entries(records).map(([key, value]) => {
		const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
		const length = [1, 2, 3, 4, 5].map((digits) => rest.length + digits).find((all, at) => String(all).length === at + 1)!;
		return Buffer.concat([Buffer.from(String(length)), rest]);
	});
	return rawEntry({ name: 'pax', type, content: Buffer.concat(content) });
}

export function rawTar(...entries: readonly Buffer[]): Buffer {
	return Buffer.concat([...entries, Buffer.alloc(1024)]);
}
