import { CellarError, normalName, type Name, type Warning } from '../../model/index.ts';
import type { Package } from '../packages.ts';
import { baseOf, hasNameIn, isFile, isFolder, joined, nameOfText, namesIn, parentOf, readBytes, readText, relativeTo } from '../paths.ts';
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
	/** The files that a distribution's RECORD lists, in its order; empty where it has none. */
	filesOf(distribution: Distribution): readonly Listed[];
	/** The distribution below whose metadata a path lies, itself included. */
	metadataOf(path: Name): Distribution | null;
	/** The only distribution with files below a folder; `several` where there are more, null where there is none. */
	ownerOfFolder(folder: Name): Distribution | 'several' | null;
	/** What could not be read, as warnings; complete once `listing` was asked. */
	faults(): readonly { readonly distribution: Distribution; readonly warning: Warning }[];
}

const none: readonly Listed[] = [];

/**
 * Opens a folder of installed packages. The metadata of its distributions is read at once, their RECORDs when first asked.
 *
 * @param folder links resolved
 */
export function openSite(folder: Name): Site {
	const distributions = (namesIn(folder) ?? [])
		.filter((name) => /\.(dist|egg)-info$/.test(name))
		.map((name) => readDistribution(folder, name));
	const infos = new Map(distributions.map((one) => [baseOf(one.info), one]));
	const records = lazily(() => readRecords(folder, distributions));
	const folders = lazily(() => foldersOf(records().byPath.values()));
	return {
		folder,
		distributions,
		listing: (path) => (records().folders.has(parentOf(path)) ? (records().byPath.get(path) ?? none) : none),
		filesOf: (distribution) => records().byDistribution.get(distribution) ?? none,
		metadataOf: (path) => infos.get(relativeTo(path, folder)?.split('/', 1)[0] ?? '') ?? null,
		ownerOfFolder: (path) => folders().get(path) ?? null,
		faults: () => records().faults,
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
	readonly byPath: ReadonlyMap<Name, readonly Listed[]>;
	/** The folders that hold what is listed: few, and what lies in no such folder need not be looked up. */
	readonly folders: ReadonlySet<Name>;
	readonly byDistribution: ReadonlyMap<Distribution, readonly Listed[]>;
	readonly faults: { readonly distribution: Distribution; readonly warning: Warning }[];
}

function readRecords(folder: Name, distributions: readonly Distribution[]): Records {
	const byPath = new Map<Name, Listed[]>();
	const byDistribution = new Map<Distribution, Listed[]>();
	const folders = new Set<Name>();
	const faults: Records['faults'] = [];
	// `pip install --target T` writes ../../bin/x though the file is T/bin/x.
	const isTarget = !/^(site|dist)-packages$/.test(baseOf(folder));
	for (const distribution of distributions) {
		if (!distribution.info.endsWith('.dist-info')) continue;
		const where = joined(distribution.info, 'RECORD');
		const bytes = readBytes(where);
		const { rows, fault } = bytes === null ? { rows: [], fault: missingRecord(distribution, where) } : parseRecord(bytes, where);
		if (fault !== null) faults.push({ distribution, warning: { code: fault.code, message: fault.message } });
		const own: Listed[] = [];
		for (const row of rows) {
			const path = placeOf(folder, row.path, isTarget);
			const listed = { distribution, path, hash: row.hash, size: row.size };
			own.push(listed);
			folders.add(parentOf(path));
			const known = byPath.get(path);
			if (known === undefined) byPath.set(path, [listed]);
			else known.push(listed);
		}
		byDistribution.set(distribution, own);
	}
	return { byPath, byDistribution, folders, faults };
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
