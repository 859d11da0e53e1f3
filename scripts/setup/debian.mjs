// Debian's packages for the tests, unpacked into a folder of .cache: nothing is installed.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must, onPath, StepFailed } from './run.mjs';

/** @returns {{ version: number, suite: string } | null} null where this is no Debian; what comes after the last release has no number */
export function debian() {
	const file = '/etc/os-release';
	const words = new Map(existsSync(file) ? readFileSync(file, 'utf8').split('\n').map(wordOf) : []);
	if (words.get('ID') !== 'debian' || onPath('apt-get') === null) return null;
	return { version: Number(words.get('VERSION_ID') ?? Number.POSITIVE_INFINITY), suite: words.get('VERSION_CODENAME') ?? 'sid' };
}

function wordOf(line) {
	const at = line.indexOf('=');
	return /** @type {const} */ ([line.slice(0, at), line.slice(at + 1).replace(/^"(.*)"$/, '$1')]);
}

/**
 * Unpacks packages into `folder`/root. Everything that apt writes lies in the folder; how this machine reaches its sources is as always.
 *
 * @param {string} folder is made anew
 * @param {readonly string[]} packages
 * @param {{ first?: { version: number, suite: string }, withMissing?: boolean }} [options] `first`: the first Debian that has them, where
 * this one may be older; `withMissing`: also what they depend on and this machine has not
 */
export async function unpackPackages(folder, packages, { first = { version: 0, suite: '' }, withMissing = false } = {}) {
	rmSync(folder, { recursive: true, force: true });
	const place = (name) => join(folder, name);
	for (const name of ['lists/partial', 'archives/partial', 'sources', 'debs', 'root']) {
		mkdirSync(place(name), { recursive: true });
	}
	writeFileSync(place('sources/own.sources'), ownSources(first));
	const apt = (...args) => [
		...['apt-get', '-q', '-o', `Dir::Etc::SourceList=/dev/null`, '-o', `Dir::Etc::SourceParts=${place('sources')}`],
		...['-o', `Dir::State::Lists=${place('lists')}`, '-o', `Dir::Cache=${folder}`, '-o', 'APT::Sandbox::User='],
		...['-o', 'Acquire::Languages=none', '-o', 'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false', ...args],
	];
	await must(apt('update'));
	if (withMissing) {
		const alone = ['-o', 'Debug::NoLocking=1', '-o', `Dir::Cache::archives=${place('debs')}`];
		mkdirSync(place('debs/partial'));
		await must(apt(...alone, 'install', '-y', '--download-only', '--reinstall', '--no-install-recommends', ...packages));
	} else await must(apt('download', ...packages), { cwd: place('debs') });
	const debs = readdirSync(place('debs')).filter((name) => name.endsWith('.deb'));
	for (const deb of debs) await must(['dpkg-deb', '-x', join(place('debs'), deb), place('root')]);
	for (const name of ['lists', 'archives', 'sources', 'debs', 'pkgcache.bin', 'srcpkgcache.bin']) {
		rmSync(place(name), { recursive: true, force: true });
	}
}

/** The folders of the libraries that were unpacked. */
export function librariesOf(folder) {
	const base = join(folder, 'root');
	return ['usr/lib', 'lib']
		.map((one) => join(base, one))
		.filter((one) => existsSync(one))
		.flatMap((one) => [
			...readdirSync(one)
				.filter((sub) => sub.includes('-linux-'))
				.map((sub) => join(one, sub)),
			one,
		]);
}

/** The machine's own sources of its release, in the form of deb822; on one that is too old, of the first release that has the packages. */
function ownSources(first) {
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
