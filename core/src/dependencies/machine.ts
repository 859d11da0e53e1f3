import type { Name, View } from '../model/index.ts';
import { openPrefix, type CondaPrefix } from './conda/prefix.ts';
import { openSite, type Site } from './python/site.ts';
import { realPathOf } from './paths.ts';
import { openDpkg, type SystemPackages } from './system/dpkg.ts';

/** What packages say of this machine: every index is built when it is first asked for, and kept. */
export interface Machine {
	/** Whose files are looked at, where the run was not of this machine's own; null elsewhere. */
	readonly view: View | null;
	/** A folder of installed Python packages, links resolved. */
	site(folder: Name): Site;
	/** A folder with a `conda-meta`. */
	conda(folder: Name): CondaPrefix;
	/** What dpkg installed; nothing where there is no dpkg. */
	dpkg(): SystemPackages;
}

/**
 * @param o.view what the run saw in place of this machine's files: then all that is read is read through it
 * @param o.dpkg where dpkg keeps its database
 */
export function openMachine(o: { readonly view?: View | null; readonly dpkg?: Name } = {}): Machine {
	const sites = new Map<Name, Site>();
	const prefixes = new Map<Name, CondaPrefix>();
	let dpkg: SystemPackages | null = null;
	return {
		view: o.view ?? null,
		site(folder) {
			let site = sites.get(folder);
			if (site === undefined) sites.set(folder, (site = openSite(folder)));
			return site;
		},
		conda(folder) {
			const place = realPathOf(folder) ?? folder;
			let prefix = prefixes.get(place);
			if (prefix === undefined) prefixes.set(place, (prefix = openPrefix(place)));
			return prefix;
		},
		dpkg: () => (dpkg ??= openDpkg(o.dpkg ?? '/var/lib/dpkg')),
	};
}
