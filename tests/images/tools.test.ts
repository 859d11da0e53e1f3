import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { extractImage, openImage } from '../../core/src/images/index.ts';
import { failureOf, folder } from '../store/some.ts';
import { packed, treeOf, write } from './some.ts';

const long = `/home/ada/${'very-long-folder/'.repeat(20)}file`;
const paths = [
	packed('/bin/sh', { layer: 'userland', bytes: 'x'.repeat(5000), mode: 0o755 }),
	packed('/bin/bash', { layer: 'userland', kind: 'link', target: 'sh' }),
	packed('/etc/localtime', { layer: 'userland', kind: 'link', target: '/usr/share/zoneinfo/UTC' }),
	packed('/usr/lib/python3.11/os.py', { layer: 'distributions', bytes: 'import sys\n' }),
	packed(long, { bytes: 'long' }),
	packed('/data/Größe ∑.csv', { bytes: '1,2\n' }),
	packed('/data/empty', { kind: 'directory' }),
	packed('/data/link', { kind: 'link', target: `../${'x'.repeat(150)}` }),
	packed('/record/run.json', { layer: 'record', bytes: '{}' }),
];
/** Names that are not UTF-8, which not every tool can say. */
const odd = packed('/data/\\xff\\xfe', { bytes: 'odd' });

function run(command: string, ...words: string[]): string {
	return execFileSync(command, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** What lies below a folder, without the times and the folders' sizes that each tool does its own way. */
function contents(root: string): Record<string, { kind: string; mode: number; content: string }> {
	return Object.fromEntries(
		Object.entries(treeOf(root)).map(([path, { kind, mode, content }]) => [path, { kind, mode, content }]),
	);
}

test('skopeo inspects an image, as a folder and as a tar file, and finds its labels, layers and digest', async () => {
	const place = folder();
	const written = await write(join(place, 'x'), [...paths, odd], { labels: { 'org.cellar.run': 'r1' } });
	await write(join(place, 'x.oci.tar'), [...paths, odd], { labels: { 'org.cellar.run': 'r1' } });
	for (const name of [`oci:${place}/x:latest`, `oci:${place}/x`, `oci-archive:${place}/x.oci.tar`]) {
		const seen: Record<string, unknown> = JSON.parse(run('skopeo', 'inspect', name));
		expect(seen).toMatchObject({
			Digest: written.digest,
			Os: 'linux',
			Labels: { 'org.cellar.format': '1', 'org.cellar.run': 'r1' },
			Layers: written.layers.map((layer) => layer.digest),
		});
	}
});

test('umoci unpacks an image to the same files that we unpack', async () => {
	const place = folder();
	await write(join(place, 'x'), [...paths, odd]);
	run('umoci', 'unpack', '--rootless', '--image', `${place}/x:latest`, join(place, 'bundle'));
	await extractImage(await openImage(join(place, 'x')), join(place, 'root'));
	expect(contents(join(place, 'bundle/rootfs'))).toEqual(contents(join(place, 'root')));
	expect(contents(join(place, 'root'))['data/\\xff\\xfe']).toEqual({ kind: 'file', mode: 0o644, content: 'odd' });
});

test('GNU tar and Python unpack the layers to the same files', async () => {
	const place = folder();
	const { layers } = await write(join(place, 'x'), [...paths, odd]);
	for (const [name, unpack] of [
		['tar', (file: string, into: string) => run('tar', '-xf', file, '-C', into, '--no-same-owner')],
		[
			'python',
			(file: string, into: string) =>
				run('python3', '-c', 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])', file, into),
		],
	] as const) {
		mkdirSync(join(place, name));
		for (const { digest } of layers) unpack(join(place, 'x/blobs/sha256', digest.slice(7)), join(place, name));
	}
	await extractImage(await openImage(join(place, 'x')), join(place, 'root'));
	expect(contents(join(place, 'tar'))).toEqual(contents(join(place, 'root')));
	expect(contents(join(place, 'python'))).toEqual(contents(join(place, 'root')));
});

test('an image that skopeo has compressed or moved into a tar file is still read, and is the same root', async () => {
	const place = folder();
	const written = await write(join(place, 'x'), paths);
	await extractImage(await openImage(join(place, 'x')), join(place, 'root'));
	run('skopeo', 'copy', '--dest-compress', '--dest-compress-format', 'gzip', `oci:${place}/x:latest`, `oci:${place}/gzip:latest`);
	run('skopeo', 'copy', `oci:${place}/x:latest`, `oci-archive:${place}/moved.oci.tar:latest`);
	for (const name of ['gzip', 'moved.oci.tar']) {
		const image = await openImage(join(place, name));
		expect(image.layers.map((layer) => layer.diffId)).toEqual(written.layers.map((layer) => layer.digest));
		expect(image.layers.map((layer) => layer.holds)).toEqual(['userland', 'distributions', 'code and data', 'record']);
		await extractImage(image, join(place, `${name}-root`));
		expect(treeOf(join(place, `${name}-root`))).toEqual(treeOf(join(place, 'root')));
	}
	expect((await openImage(join(place, 'gzip'))).layers.every((layer) => layer.compressed)).toBe(true);
});

test('an image of another maker is refused', async () => {
	const place = folder();
	run('umoci', 'init', '--layout', join(place, 'x'));
	run('umoci', 'new', '--image', `${place}/x:latest`);
	expect((await failureOf(openImage(join(place, 'x')))).message).toContain('an image that Cellar did not make');
});

test('a layer is a plain tar file that GNU tar lists with nothing in it that tells who packed it, or when', async () => {
	const place = folder();
	const { layers } = await write(join(place, 'x'), paths);
	const file = join(place, 'x/blobs/sha256', layers[2]!.digest.slice(7));
	expect(run('tar', '--numeric-owner', '--utc', '-tvf', file).split('\n')[0]).toMatch(
		/^drwxr-xr-x 0\/0 +0 2000-01-01 00:00 data\/$/,
	);
	expect(run('tar', '-tf', file).split('\n')).toContain(long.slice(1));
});
