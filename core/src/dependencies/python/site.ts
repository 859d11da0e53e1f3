import { isUtf8 } from 'node:buffer';
import { CellarError, normalName, type Name, type Warning } from '../../model/index.ts';
import type { Package } from '../packages.ts';
import {
	baseOf,
	hasNameIn,
	isFile,
	isFolder,
	isWithin,
	joined,
	nameOfText,
	namesIn,
	parentOf,
	readBytes,
	readText,
	relativeTo,
} from '../paths.ts';
import { parseMetadata } from './metadata.ts';
import { originOf } from './origin.ts';
import { parseRecord } from './record.ts';

/** A distribution that lies in a folder of installed packages. */
export interface Distribution extends Package {
	readonly ecosystem: 'pypi';
	/** By PEP 503: what names are compared by. */
	readonly key: string;
	/** Its `.dist-info` folder, or its `.egg-info` file or folder. */
	readonly info: Name;
	/** The folder that holds `info`, links resolved. */
	readonly site: Name;
	/** Each `Requires-Dist`, as it stands there. */
	readonly requires: readonly string[];
}

/** A file as a RECORD lists it. */
export interface Listed {
	readonly distribution: Distribution;
	readonly path: Name;
	readonly hash: string | null;
	readonly size: number | null;
}

/** A folder of installed packages: a site-packages, a dist-packages, the target of `pip install --target`. */
export interface Site {
	/** Links resolved. */
	readonly folder: Name;
	readonly distributions: readonly Distribution[];
	/** All that list the path; mostly one. */
	listing(path: Name): readonly Listed[];
	/** False for a folder in which no file is any distribution's. */
	mayOwnIn(folder: Name): boolean;
	/** The files that a distribution's RECORD lists, in its order; empty where it has none. */
	filesOf(distribution: Distribution): readonly Listed[];
	/** Whether a distribution's RECORD lists any file. */
	isListed(distribution: Distribution): boolean;
	/** The distribution below whose metadata a path lies, itself included. */
	metadataOf(path: Name): Distribution | null;
	/** The only distribution with files below a folder; `several` where there are more, null where there is none. */
	ownerOfFolder(folder: Name): Distribution | 'several' | null;
	/** What could not be read, as warnings. All RECORDs are read for it. */
	faults(): readonly { readonly distribution: Distribution; readonly warning: Warning }[];
}

const none: readonly Listed[] = [];

/**
 * Opens a folder of installed packages. The metadata of its distributions is read at once, their RECORDs when first asked: then only
 * those that may list what is asked for.
 *
 * @param folder links resolved
 */
export function openSite(folder: Name): Site {
	const distributions = (namesIn(folder) ?? [])
		.filter((name) => /\.(dist|egg)-info$/.test(name))
		.map((name) => readDistribution(folder, name));
	const infos = new Map(distributions.map((one) => [baseOf(one.info), one]));
	const records = lazily(() => openRecords(folder, distributions));
	/** Where scripts and what else lies outside has been put. */
	const foldersOutside = lazily(() => new Set([...records().at(parentOf(folder)).byPath.keys()].map(parentOf)));
	return {
		folder,
		distributions,
		listing: (path) => records().at(path).byPath.get(path) ?? none,
		mayOwnIn: (path) => isWithin(path, folder) || foldersOutside().has(path),
		filesOf: (distribution) => records().filesOf(distribution),
		isListed: (distribution) => records().isListed(distribution),
		metadataOf: (path) => infos.get(relativeTo(path, folder)?.split('/', 1)[0] ?? '') ?? null,
		ownerOfFolder: (path) => records().at(path).folders().get(path) ?? null,
		faults: () => records().faults(),
	};
}

function readDistribution(folder: Name, entry: Name): Distribution {
	const info = joined(folder, entry);
	const text =
		readText(joined(info, 'METADATA')) ?? readText(joined(info, 'PKG-INFO')) ?? (isFile(info) ? readText(info) : null) ?? '';
	const metadata = parseMetadata(text);
	// Without readable metadata the folder's own name still says both: NAME-VERSION.dist-info.
	const [stem = entry, version] = entry.replace(/\.(dist|egg)-info$/, '').split('-');
	const name = metadata.name ?? stem;
	return {
		ecosystem: 'pypi',
		name,
		version: metadata.version ?? version ?? null,
		root: folder,
		origin: originOf(info),
		key: normalName(name),
		info,
		site: folder,
		requires: metadata.requires,
	};
}

interface Records {
	/** What is listed in the same part of the site as a path. */
	at(path: Name): Part;
	filesOf(distribution: Distribution): readonly Listed[];
	isListed(distribution: Distribution): boolean;
	faults(): { readonly distribution: Distribution; readonly warning: Warning }[];
}

/** What is listed below one name in the folder; all that lies outside is a part of its own. */
interface Part {
	readonly byPath: ReadonlyMap<Name, readonly Listed[]>;
	readonly folders: () => ReadonlyMap<Name, Distribution | 'several'>;
}

const outside = '';

/** The part of a site in which a path lies: the name in the folder itself. */
function partOf(folder: Name, path: Name): Name {
	const own = relativeTo(path, folder);
	if (own === null) return outside;
	const end = own.indexOf('/');
	return end < 0 ? own : own.slice(0, end);
}

function openRecords(folder: Name, distributions: readonly Distribution[]): Records {
	// `pip install --target T` writes ../../bin/x though the file is T/bin/x.
	const isTarget = !/^(site|dist)-packages$/.test(baseOf(folder));
	const whole = new Map<Distribution, WholeRecord>();
	const read = (one: Distribution): WholeRecord => {
		let known = whole.get(one);
		if (known === undefined) whole.set(one, (known = readRecord(folder, one, isTarget)));
		return known;
	};
	/** Who may have files in a part, in the order of the distributions. */
	const byPart = new Map<Name, Set<Distribution>>();
	const listed = new Set<Distribution>();
	for (const distribution of distributions) {
		const bytes = distribution.info.endsWith('.dist-info') ? readBytes(joined(distribution.info, 'RECORD')) : null;
		const told = bytes === null || isTarget ? null : partsIn(bytes, folder);
		if (bytes !== null && told !== null && listsAny(bytes)) listed.add(distribution);
		for (const part of told ?? new Set(read(distribution).files.map((one) => partOf(folder, one.path)))) {
			const known = byPart.get(part);
			if (known === undefined) byPart.set(part, new Set([distribution]));
			else known.add(distribution);
		}
	}
	const parts = new Map<Name, Part>();
	return {
		at(path) {
			const name = partOf(folder, path);
			let part = parts.get(name);
			if (part === undefined) {
				const files = [...(byPart.get(name) ?? [])].flatMap((one) => read(one).files);
				parts.set(name, (part = makePart(files.filter((one) => partOf(folder, one.path) === name))));
			}
			return part;
		},
		filesOf: (distribution) => (distributions.includes(distribution) ? read(distribution).files : none),
		isListed: (distribution) => listed.has(distribution) || read(distribution).files.length > 0,
		faults: () =>
			distributions.flatMap((distribution) => {
				const { fault } = read(distribution);
				return fault === null ? [] : [{ distribution, warning: { code: fault.code, message: fault.message } }];
			}),
	};
}

function makePart(files: readonly Listed[]): Part {
	const byPath = new Map<Name, Listed[]>();
	for (const listed of files) {
		const known = byPath.get(listed.path);
		if (known === undefined) byPath.set(listed.path, [listed]);
		else known.push(listed);
	}
	return { byPath, folders: lazily(() => foldersOf(byPath.values())) };
}

interface WholeRecord {
	readonly files: readonly Listed[];
	readonly fault: CellarError | null;
}

function readRecord(folder: Name, distribution: Distribution, isTarget: boolean): WholeRecord {
	if (!distribution.info.endsWith('.dist-info')) return { files: none, fault: null };
	const where = joined(distribution.info, 'RECORD');
	const bytes = readBytes(where);
	if (bytes === null) return { files: none, fault: missingRecord(distribution, where) };
	const { rows, fault } = parseRecord(bytes, where);
	const files = rows.map(({ path, hash, size }) => ({ distribution, path: placeOf(folder, path, isTarget), hash, size }));
	return { files, fault };
}

const newline = 0x0a;
const slash = 0x2f;
const comma = 0x2c;
const dot = 0x2e;

/**
 * The parts of a site in which a RECORD may list files, told without reading its lines. More than there are does no harm.
 *
 * @returns null where it has to be read for that: quotes, absolute names, `..` on the way, what is not plain text
 */
function partsIn(bytes: Buffer, folder: Name): Set<Name> | null {
	if (bytes.includes('"') || bytes.includes('//')) return null;
	for (let at = bytes.indexOf('/..'); at >= 0; at = bytes.indexOf('/..', at + 1)) {
		if (bytes[bytes.lastIndexOf(newline, at) + 1] !== dot) return null;
	}
	const parts = new Set<Name>();
	let last = '';
	for (let start = 0; start < bytes.length;) {
		const next = bytes.indexOf(newline, start);
		const end = next < 0 ? bytes.length : next;
		let at = start;
		let plain = true;
		while (at < end && bytes[at] !== slash && bytes[at] !== comma) {
			const byte = bytes[at++]!;
			if (byte <= 0x20 || byte >= 0x7f || byte === 0x5c) plain = false;
		}
		if (!plain || (at === start && end > start)) return null;
		if (bytes[start] === dot) {
			const [path = ''] = bytes.toString('latin1', start, end).split(',');
			if (!/^[ -[\]-~]*$/.test(path) || /^\.(\/|$)/.test(path)) return null;
			parts.add(partOf(folder, joined(folder, path)));
		} else if (at > start && !isSame(bytes, start, at, last)) parts.add((last = bytes.toString('latin1', start, at)));
		start = end + 1;
	}
	return parts;
}

/** True where the first line alone tells that there are files. */
function listsAny(bytes: Buffer): boolean {
	return isUtf8(bytes) && parseRecord(bytes.subarray(0, bytes.indexOf(newline) + 1), '').rows.length > 0;
}

function isSame(bytes: Buffer, start: number, end: number, text: string): boolean {
	if (end - start !== text.length) return false;
	for (let at = 0; at < text.length; at++) if (bytes[start + at] !== text.charCodeAt(at)) return false;
	return true;
}

/** Where a file of a RECORD is: the lines are relative to the folder that holds the dist-info, and may leave it. */
function placeOf(folder: Name, listed: string, isTarget: boolean): Name {
	const name = nameOfText(listed);
	const path = name.includes('..') || name.startsWith('/') || name.includes('//') ? joined(folder, name) : `${folder}/${name}`;
	const inside = isTarget && name.startsWith('../../') ? joined(folder, name.slice('../../'.length)) : null;
	return inside !== null && !isFile(path) && isFile(inside) ? inside : path;
}

function missingRecord(distribution: Distribution, where: Name): CellarError {
	return new CellarError('CELLAR_RECORD_UNREADABLE', `${distribution.name} has no RECORD: which files are its own is not known`, {
		where,
		hint: `pip install --force-reinstall --no-deps ${distribution.name}`,
	});
}

function foldersOf(files: Iterable<readonly Listed[]>): Map<Name, Distribution | 'several'> {
	const folders = new Map<Name, Distribution | 'several'>();
	for (const listed of files) {
		for (const { distribution, path } of listed) {
			if (relativeTo(path, distribution.site) === null) continue;
			for (let folder = parentOf(path); folder !== distribution.site; folder = parentOf(folder)) {
				const known = folders.get(folder);
				if (known === distribution || known === 'several') break;
				folders.set(folder, known === undefined ? distribution : 'several');
			}
		}
	}
	return folders;
}

/** A folder that holds installed packages by the names in it, whatever it is called. */
export function holdsDistributions(folder: Name): boolean {
	return isFolder(folder) && hasNameIn(folder, (name) => name.endsWith('.dist-info'));
}

function lazily<T>(make: () => T): () => T {
	let made: { readonly value: T } | null = null;
	return () => (made ??= { value: make() }).value;
}
