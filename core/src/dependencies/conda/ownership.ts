import { normalName, type Name } from '../../model/index.ts';
import { isFolder, joined, parentOf, readText, sha256Of } from '../paths.ts';
import type { Interpreter } from '../python/interpreter.ts';
import { sha256InHash } from '../python/record.ts';
import type { Distribution, Site } from '../python/site.ts';
import type { CondaFile, CondaPackage, CondaPrefix } from './prefix.ts';

/** What of Python's is conda's: in a prefix conda and pip install side by side, and over each other. */
export interface Conda {
	/** The innermost prefix that a path lies in, itself included. */
	prefixOf(path: Name): CondaPrefix | null;
	/** The package that a distribution is; null for what pip or another installer put there. */
	ofDistribution(one: Distribution): CondaPackage | null;
	/** The package that an interpreter is; null outside of prefixes. */
	ofInterpreter(one: Interpreter): CondaPackage | null;
	/** The package in whose place another installer put a distribution: conda's list of it is stale. */
	replacedBy(one: Distribution): CondaPackage | null;
	/** The distribution that another installer put in a package's place. */
	inPlaceOf(one: CondaPackage): Distribution | null;
	filesOf(one: CondaPackage): readonly CondaFile[];
}

export interface CondaOptions {
	readonly openPrefix: (folder: Name) => CondaPrefix;
	readonly openSite: (folder: Name) => Site;
	readonly sites: readonly Site[];
}

/** Tells conda's from pip's. Nothing is opened before it is asked for. */
export function findConda(o: CondaOptions): Conda {
	const prefixes = new Map<Name, CondaPrefix | null>();
	const prefixOf = (path: Name): CondaPrefix | null => {
		let found = prefixes.get(path);
		if (found === undefined) {
			found = isFolder(joined(path, 'conda-meta')) ? o.openPrefix(path) : path === '/' ? null : prefixOf(parentOf(path));
			prefixes.set(path, found);
		}
		return found;
	};
	const distributions = new Map<Distribution, CondaPackage | null>();
	const bringing = new Map<CondaPrefix, ReadonlyMap<string, CondaPackage>>();
	/** Packages of which conda's list is gone, by what their dist-info says. */
	const unlisted = new Map<CondaPackage, Distribution>();
	const ofDistribution = (one: Distribution): CondaPackage | null => {
		let found = distributions.get(one);
		if (found !== undefined) return found;
		const prefix = prefixOf(one.site);
		found = prefix === null ? null : findPackage(one, prefix);
		if (found !== null && found.record === null) unlisted.set(found, one);
		distributions.set(one, found);
		return found;
	};
	const replacedBy = (one: Distribution): CondaPackage | null => {
		const prefix = prefixOf(one.site);
		if (prefix === null || ofDistribution(one) !== null) return null;
		let brought = bringing.get(prefix);
		if (brought === undefined) bringing.set(prefix, (brought = distributionsIn(prefix)));
		return brought.get(one.key) ?? null;
	};
	const replacements = lazily(
		() =>
			new Map(
				o.sites
					.flatMap((site) => site.distributions)
					.flatMap((one) => {
						const instead = replacedBy(one);
						return instead === null ? [] : [[instead, one] as const];
					}),
			),
	);
	return {
		prefixOf,
		ofDistribution,
		ofInterpreter(one) {
			const place = one.program ?? joined(one.library, 'os.py');
			return prefixOf(parentOf(place))?.listing(place)[0]?.package ?? null;
		},
		replacedBy,
		inPlaceOf: (one) => replacements().get(one) ?? null,
		filesOf(one) {
			const distribution = unlisted.get(one);
			if (distribution === undefined) return prefixOf(one.root)?.filesOf(one) ?? [];
			return o
				.openSite(distribution.site)
				.filesOf(distribution)
				.map(({ path, hash, size }) => ({ package: one, path, sha256: sha256InHash(hash), size }));
		},
	};
}

function findPackage(one: Distribution, prefix: CondaPrefix): CondaPackage | null {
	const installer = readText(joined(one.info, 'INSTALLER'))?.trim() ?? null;
	const files = ['RECORD', 'METADATA', 'PKG-INFO'].map((name) => joined(one.info, name));
	const listed = [...files, one.info].flatMap((path) => prefix.listing(path).slice(0, 1));
	const [first] = listed;
	if (installer === 'conda')
		return (
			first?.package ?? {
				...{ ecosystem: 'conda', name: one.name, version: one.version, root: prefix.folder },
				...{ origin: null, record: null, depends: [] },
			}
		);
	if (first === undefined) return null;
	// Some packages were built without saying conda. What pip installs over one of the same version writes a RECORD of its own.
	return first.sha256 === null || sha256Of(first.path) === first.sha256 ? first.package : null;
}

/** The distributions that conda's lists bring, by the names that these are compared by. */
function distributionsIn(prefix: CondaPrefix): ReadonlyMap<string, CondaPackage> {
	const pattern = /-packages\/([^/]+?)-[^/-]+\.(?:dist|egg)-info(?:\/(?:METADATA|PKG-INFO))?$/;
	return new Map(
		prefix.packages.flatMap((one) =>
			prefix.filesOf(one).flatMap(({ path }) => {
				const name = pattern.exec(path)?.[1];
				return name === undefined ? [] : [[normalName(name), one] as const];
			}),
		),
	);
}

function lazily<T>(make: () => T): () => T {
	let made: { readonly value: T } | null = null;
	return () => (made ??= { value: make() }).value;
}
