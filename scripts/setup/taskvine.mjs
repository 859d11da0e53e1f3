// TaskVine for the tests: the real worker, factory and manager's library of Debian's packages, unpacked into .cache/taskvine.
// Nothing is installed: on a Debian before trixie these packages need a newer C library, which lies beside them, for them alone.
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debian, librariesOf, unpackPackages } from './debian.mjs';
import { must, root } from './run.mjs';

const folder = join(root, '.cache/taskvine');
const shim = join(root, 'scripts/setup/taskvine.c');
const packages = ['coop-computing-tools', 'coop-computing-tools-dev', 'libc6', 'libssl3t64', 'zlib1g', 'libzstd1'];
const programs = ['vine_worker', 'vine_factory', 'vine_status'];
/** The first Debian that has these packages. */
const first = { version: 13, suite: 'trixie' };

/** @returns {boolean} whether this is a Debian, whose sources have them; elsewhere whoever runs these tests brings them */
export const canHaveTaskVine = () => debian() !== null;

/** Written last: a folder without it is half made. The number grows with what is made of the packages. */
const stamp = join(folder, '.complete.json');
const wanted = () =>
	createHash('sha256')
		.update(readFileSync(shim))
		.update(JSON.stringify([1, packages, programs]))
		.digest('hex');

export const hasTaskVine = () => existsSync(stamp) && JSON.parse(readFileSync(stamp, 'utf8')).made === wanted();

export async function fetchTaskVine() {
	await unpackPackages(folder, packages, { first });
	mkdirSync(join(folder, 'bin'));
	await buildLibrary();
	for (const name of programs) writeProgram(name);
	writeFileSync(stamp, `${JSON.stringify({ made: wanted() })}\n`);
}

/** One library of the archives, for programs of this machine: what its own C library lacks is in the shim. */
async function buildLibrary() {
	const place = join(
		folder,
		'root/usr/lib',
		readdirSync(join(folder, 'root/usr/lib')).find((name) => name.includes('-linux-')) ?? '',
	);
	const archive = (name) =>
		[place, join(folder, 'root/usr/lib')].map((one) => join(one, name)).find((file) => existsSync(file)) ?? name;
	await must([
		...['gcc', '-shared', '-fPIC', '-O1', '-o', join(folder, 'libvine.so'), shim],
		...['-Wl,--whole-archive', archive('libtaskvine.a'), '-Wl,--no-whole-archive', archive('libdttools.a')],
		...['-l:libssl.so.3', '-l:libcrypto.so.3', '-l:libz.so.1', '-lm', '-Wl,-z,defs'],
	]);
}

/** Started by the C library that it was made for. Its children get none of that. No catalogue is asked. */
function writeProgram(name) {
	const base = join(folder, 'root');
	const libraries = librariesOf(folder);
	const loader = libraries
		.flatMap((one) => readdirSync(one).map((file) => join(one, file)))
		.find((file) => /\/ld-linux-[^/]*\.so\.\d$/.test(file));
	const file = join(folder, 'bin', name);
	const words = [loader, '--library-path', libraries.join(':'), join(base, 'usr/bin', name)].map((word) => `'${word}'`).join(' ');
	writeFileSync(file, `#!/bin/sh\nexport CATALOG_HOST="\${CATALOG_HOST:-127.0.0.1}"\nexec ${words} "$@"\n`);
	chmodSync(file, 0o755);
}
