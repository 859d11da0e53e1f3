// TaskVine for the tests: the real worker, factory and manager's library of Debian's packages, unpacked into .cache/taskvine.
// Nothing is installed: on a Debian before trixie these packages need a newer C library, which lies beside them, for them alone.
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must, onPath, root, StepFailed } from './run.mjs';

const folder = join(root, '.cache/taskvine');
const shim = join(root, 'scripts/setup/taskvine.c');
const packages = ['coop-computing-tools', 'coop-computing-tools-dev', 'libc6', 'libssl3t64', 'zlib1g', 'libzstd1'];
const programs = ['vine_worker', 'vine_factory', 'vine_status'];
/** The first Debian that has these packages. */
const first = { version: 13, suite: 'trixie' };

/** @returns {boolean} whether this is a Debian, whose sources have them; elsewhere whoever runs these tests brings them */
export function canHaveTaskVine() {
	return onPath('apt-get') !== null && debian() !== null;
}

/** @returns {{ version: number, suite: string } | null} null where this is no Debian; what comes after the last release has no number */
function debian() {
	const file = '/etc/os-release';
	const words = new Map(existsSync(file) ? readFileSync(file, 'utf8').split('\n').map(wordOf) : []);
	if (words.get('ID') !== 'debian') return null;
	return { version: Number(words.get('VERSION_ID') ?? Number.POSITIVE_INFINITY), suite: words.get('VERSION_CODENAME') ?? 'sid' };
}

function wordOf(line) {
	const at = line.indexOf('=');
	return /** @type {const} */ ([line.slice(0, at), line.slice(at + 1).replace(/^"(.*)"$/, '$1')]);
}

/** Written last: a folder without it is half made. The number grows with what is made of the packages. */
const stamp = join(folder, '.complete.json');
const wanted = () =>
	createHash('sha256')
		.update(readFileSync(shim))
		.update(JSON.stringify([1, packages, programs]))
		.digest('hex');

export const hasTaskVine = () => existsSync(stamp) && JSON.parse(readFileSync(stamp, 'utf8')).made === wanted();

export async function fetchTaskVine() {
	rmSync(folder, { recursive: true, force: true });
	const place = (name) => join(folder, name);
	for (const name of ['lists/partial', 'archives/partial', 'sources', 'debs', 'root', 'bin']) {
		mkdirSync(place(name), { recursive: true });
	}
	writeFileSync(place('sources/own.sources'), ownSources());
	// Everything that apt writes lies in our folder; how this machine reaches its sources is as always.
	const apt = (...args) => [
		...['apt-get', '-q', '-o', `Dir::Etc::SourceList=/dev/null`, '-o', `Dir::Etc::SourceParts=${place('sources')}`],
		...['-o', `Dir::State::Lists=${place('lists')}`, '-o', `Dir::Cache=${folder}`, '-o', 'APT::Sandbox::User='],
		...['-o', 'Acquire::Languages=none', '-o', 'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false', ...args],
	];
	await must(apt('update'));
	await must(apt('download', ...packages), { cwd: place('debs') });
	for (const deb of readdirSync(place('debs'))) await must(['dpkg-deb', '-x', join(place('debs'), deb), place('root')]);
	await buildLibrary();
	for (const name of programs) writeProgram(name);
	for (const name of ['lists', 'archives', 'sources', 'debs', 'pkgcache.bin', 'srcpkgcache.bin']) {
		rmSync(place(name), { recursive: true, force: true });
	}
	writeFileSync(stamp, `${JSON.stringify({ made: wanted() })}\n`);
}

/** The machine's own sources of its release, in the form of deb822; on one that is too old, of the first release that has the packages. */
function ownSources() {
	const own = debian();
	if (own === null) throw new StepFailed('this is no Debian');
	const suite = own.version < first.version ? first.suite : own.suite;
	const isOwn = (word) => word === own.suite || (own.version >= first.version && ['stable', 'testing', 'sid'].includes(word));
	const found = sourceTexts().flatMap(({ name, text }) =>
		name.endsWith('.sources') ? text.split(/\n\s*\n/).map(fieldsOf) : text.split('\n').flatMap(fieldsOfLine),
	);
	const sources = found.filter(({ suites }) => suites.some(isOwn));
	if (sources.length === 0) throw new StepFailed(`no source of apt's has the suite ${own.suite}`, 4);
	return sources
		.map(({ uris, components, signed }) =>
			[
				...['Types: deb', `URIs: ${uris}`, `Suites: ${suite}`, `Components: ${components}`],
				...(signed === null ? [] : [`Signed-By: ${signed}`]),
			].join('\n'),
		)
		.join('\n\n');
}

function sourceTexts() {
	const parts = '/etc/apt/sources.list.d';
	const names = existsSync(parts) ? readdirSync(parts).map((name) => join(parts, name)) : [];
	return ['/etc/apt/sources.list', ...names]
		.filter((name) => /\.(list|sources)$/.test(name) && existsSync(name))
		.map((name) => ({ name, text: readFileSync(name, 'utf8') }));
}

function fieldsOf(stanza) {
	const lines = stanza.split('\n').filter((line) => !line.startsWith('#'));
	const field = (name) =>
		lines
			.find((line) => line.startsWith(`${name}:`))
			?.slice(name.length + 1)
			.trim() ?? null;
	const isBinary = (field('Types') ?? '').split(/\s+/).includes('deb') && field('Enabled') !== 'no';
	return {
		uris: field('URIs') ?? '',
		suites: isBinary ? (field('Suites') ?? '').split(/\s+/) : [],
		components: field('Components') ?? '',
		signed: field('Signed-By') || null,
	};
}

/** `deb [signed-by=…] URI SUITE COMPONENT…` */
function fieldsOfLine(line) {
	const [, options = '', uris = '', suite = '', components = ''] =
		/^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
	if (uris === '') return [];
	return [{ uris, suites: [suite], components, signed: /signed-by=(\S+)/.exec(options)?.[1] ?? null }];
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
	const libraries = ['usr/lib', 'lib']
		.map((one) => join(base, one))
		.filter((one) => existsSync(one))
		.flatMap((one) => [
			...readdirSync(one)
				.filter((sub) => sub.includes('-linux-'))
				.map((sub) => join(one, sub)),
			one,
		]);
	const loader = libraries
		.flatMap((one) => readdirSync(one).map((file) => join(one, file)))
		.find((file) => /\/ld-linux-[^/]*\.so\.\d$/.test(file));
	const file = join(folder, 'bin', name);
	const words = [loader, '--library-path', libraries.join(':'), join(base, 'usr/bin', name)].map((word) => `'${word}'`).join(' ');
	writeFileSync(file, `#!/bin/sh\nexport CATALOG_HOST="\${CATALOG_HOST:-127.0.0.1}"\nexec ${words} "$@"\n`);
	chmodSync(file, 0o755);
}
