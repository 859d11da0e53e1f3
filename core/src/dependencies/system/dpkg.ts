import { createHash } from 'node:crypto';
import type { Name } from '../../model/index.ts';
import { decodeName, encodeName } from '../../model/index.ts';
import type { Package } from '../packages.ts';
import { baseOf, byName, joined, linkTextOf, namesIn, readBytes, readText } from '../paths.ts';
import type { FileLists } from './lists.ts';

/** A package that dpkg installed. */
export interface SystemPackage extends Package {
	readonly ecosystem: 'deb';
	readonly architecture: string;
	/** What each of its `Depends` and `Pre-Depends` asks for: names, one of which is enough. */
	readonly depends: readonly (readonly string[])[];
}

/** What dpkg's database says, links of the root followed on both sides: `/bin/ls` and `/usr/bin/ls` are one file. */
export interface SystemPackages extends FileLists {
	ownerOf(path: Name): SystemPackage | null;
	/** All that its list names, folders too. */
	filesOf(one: SystemPackage): readonly Name[];
	find(name: string): SystemPackage | null;
	/** The same database for these paths alone, for a machine that has no more than them: its files, by their names below its folder. */
	only(paths: Iterable<Name>): readonly { readonly name: string; readonly bytes: Buffer }[];
}

/**
 * Opens dpkg's database: every list in one pass, and the state for versions.
 *
 * @param admin its folder, `/var/lib/dpkg`
 * @param root where the links `bin`, `lib`, `sbin` lie; the lists still say `/bin` and `/lib` where these are links
 * @see dpkg-query(1), dpkg-divert(1), deb-conffiles(5)
 */
export function openDpkg(admin: Name, root: Name = '/'): SystemPackages {
	const straight = usrMerge(root);
	const stanzas = readStatus(readText(joined(admin, 'status')) ?? '');
	const diverted = readDiversions(readText(joined(admin, 'diversions')) ?? '', straight);
	const lists = new Map<SystemPackage, Name>();
	const byName = new Map<string, SystemPackage>();
	const owners = new Map<Name, SystemPackage>();
	const configuration = new Map<Name, string>();
	/** The folders of the root below which packages have something: what lies elsewhere need not be looked up. */
	const tops = new Set<Name>();
	for (const name of namesIn(joined(admin, 'info')) ?? []) {
		if (!name.endsWith('.list')) continue;
		const [title = '', architecture] = name.slice(0, -'.list'.length).split(':');
		const stanza = stanzas.get(architecture === undefined ? title : `${title}:${architecture}`);
		// A list whose package was removed, and only its configuration kept, is no owner.
		if (stanza === undefined) continue;
		const list = joined(admin, `info/${name}`);
		lists.set(stanza.package, list);
		byName.set(stanza.package.name, byName.get(stanza.package.name) ?? stanza.package);
		let top = '/';
		for (const path of pathsIn(list)) {
			const place = placeOf(path, stanza.package, straight, diverted);
			owners.set(place, stanza.package);
			if (top === '/' || !place.startsWith(top)) tops.add((top = topOf(place)));
		}
		for (const [path, md5] of stanza.configuration) configuration.set(straight(path), md5);
	}
	const filesOf = (one: SystemPackage) => {
		const list = lists.get(one);
		return list === undefined ? [] : pathsIn(list).map((path) => placeOf(path, one, straight, diverted));
	};
	return {
		ownerOf: (path) => owners.get(straight(path)) ?? null,
		mayOwnIn: (folder) => tops.has(topOf(straight(folder === '/' ? '/' : `${folder}/`))),
		filesOf,
		find: (name) => byName.get(name) ?? null,
		isConfiguration: (path) => configuration.has(straight(path)),
		isAsPackaged(path) {
			const place = straight(path);
			const owner = owners.get(place);
			const list = owner === undefined ? undefined : lists.get(owner);
			if (list === undefined) return null;
			const wanted = configuration.get(place) ?? md5sumsIn(list.replace(/\.list$/, '.md5sums'), straight).get(place);
			const bytes = wanted === undefined ? null : readBytes(path);
			return bytes === null ? null : createHash('md5').update(bytes).digest('hex') === wanted;
		},
		only(paths) {
			const kept = new Map<SystemPackage, Name[]>();
			for (const path of new Set([...paths].map(straight))) {
				const owner = owners.get(path);
				if (owner !== undefined) kept.set(owner, [...(kept.get(owner) ?? []), path]);
			}
			const files = [...kept].map(([one, own]) => ({ name: `info/${baseOf(lists.get(one) ?? '')}`, bytes: linesOf(own) }));
			const texts = [...new Set(stanzas.values())].flatMap((stanza) => (kept.has(stanza.package) ? [stanza.text] : []));
			const status = {
				name: 'status',
				bytes: Buffer.from(
					texts
						.toSorted()
						.map((text) => `${text.trim()}\n\n`)
						.join(''),
				),
			};
			return [...files, status].toSorted((a, b) => (a.name < b.name ? -1 : 1));
		},
	};
}

/** `/usr/` of all that lies below it, and `/` of what lies in the root itself. */
function topOf(path: Name): Name {
	return path.slice(0, path.indexOf('/', 1) + 1 || 1);
}

function linesOf(paths: readonly Name[]): Buffer {
	return Buffer.concat(paths.toSorted(byName).flatMap((path) => [decodeName(path), Buffer.from('\n')]));
}

function placeOf(path: Name, of: SystemPackage, straight: (path: Name) => Name, diverted: Diversions): Name {
	const place = straight(path);
	const diversion = diverted.size === 0 ? undefined : diverted.get(place);
	return diversion === undefined || diversion.by === of.name ? place : diversion.to;
}

function pathsIn(list: Name): Name[] {
	const bytes = readBytes(list) ?? Buffer.alloc(0);
	const text = bytes.toString('latin1');
	const lines = text.split('\n').filter((line) => line.length > 2);
	// Names of printable ASCII need no encoding, and are nearly all.
	return /[^\n -~]|\\/.test(text) ? lines.map((line) => encodeName(Buffer.from(line, 'latin1'))) : lines;
}

/** `/bin/x` is `/usr/bin/x` where `/bin` is a link to `usr/bin`. */
export function usrMerge(root: Name): (path: Name) => Name {
	const links = new Map<string, Name>();
	for (const name of ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'libo32']) {
		const target = linkTextOf(joined(root, name));
		if (target !== null) links.set(name, joined('/', target));
	}
	return (path) => {
		// Asked of every line of every list, and nearly all are below /usr.
		if (path.startsWith('/usr/')) return path;
		const end = path.indexOf('/', 1);
		if (end < 0 || end > 7) return path;
		const target = links.get(path.slice(1, end));
		return target === undefined ? path : `${target}${path.slice(end)}`;
	};
}

interface Stanza {
	readonly package: SystemPackage;
	/** Path and md5 of each configuration file. */
	readonly configuration: readonly (readonly [Name, string])[];
	/** The paragraph of the status file. */
	readonly text: string;
}

/** The installed packages, by `name` and by `name:architecture`. */
function readStatus(text: string): Map<string, Stanza> {
	const found = new Map<string, Stanza>();
	for (const paragraph of text.split('\n\n')) {
		const fields = fieldsOf(paragraph);
		const field = (name: string) => fields.get(name) ?? '';
		const name = field('Package');
		if (name === '' || !field('Status').endsWith(' installed')) continue;
		const architecture = field('Architecture');
		const one: SystemPackage = {
			ecosystem: 'deb',
			name,
			version: field('Version') || null,
			root: '/',
			origin: null,
			architecture,
			depends: dependsIn(`${field('Pre-Depends')},${field('Depends')}`),
		};
		const configuration = field('Conffiles')
			.split('\n')
			.flatMap((line) => {
				const [path, md5, obsolete] = line.trim().split(' ');
				return path?.startsWith('/') === true && md5 !== undefined && obsolete === undefined ? [[path, md5] as const] : [];
			});
		const stanza = { package: one, configuration, text: paragraph };
		found.set(`${name}:${architecture}`, stanza);
		if (!found.has(name)) found.set(name, stanza);
	}
	return found;
}

/** Field names to values; a line that starts with a space goes on with the field before it. */
function fieldsOf(paragraph: string): ReadonlyMap<string, string> {
	const fields = new Map<string, string>();
	let last = '';
	for (const line of paragraph.split('\n')) {
		if (line.startsWith(' ')) {
			fields.set(last, `${fields.get(last) ?? ''}\n${line}`);
			continue;
		}
		const colon = line.indexOf(':');
		last = line.slice(0, colon);
		fields.set(last, line.slice(colon + 1).trim());
	}
	return fields;
}

/** `libc6 (>= 2.34), a | b:any` as names. */
function dependsIn(text: string): string[][] {
	return text
		.split(',')
		.map((choice) => choice.split('|').map((word) => /^[^\s(:]+/.exec(word.trim())?.[0] ?? ''))
		.filter((choice) => choice.some((word) => word !== ''));
}

type Diversions = ReadonlyMap<Name, { readonly to: Name; readonly by: string }>;

/** Where the files of all other packages went when one took their place: three lines each, from, to, and by whom. */
function readDiversions(text: string, straight: (path: Name) => Name): Diversions {
	const lines = text.split('\n');
	const found = new Map<Name, { to: Name; by: string }>();
	for (let at = 0; at + 2 < lines.length; at += 3) {
		found.set(straight(lines[at]!), { to: straight(lines[at + 1]!), by: lines[at + 2]! });
	}
	return found;
}

function md5sumsIn(file: Name, straight: (path: Name) => Name): Map<Name, string> {
	const lines = (readText(file) ?? '').split('\n');
	return new Map(lines.map((line) => [straight(`/${line.slice(34)}`), line.slice(0, 32)] as const));
}
