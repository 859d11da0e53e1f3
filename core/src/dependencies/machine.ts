import type { Name, View } from '../model/index.ts';
import { openPrefix, type CondaPrefix } from './conda/prefix.ts';
import { openSite, type Site } from './python/site.ts';
import { realPathOf } from './paths.ts';
import { openApk } from './system/apk.ts';
import { openDpkg, type SystemPackages } from './system/dpkg.ts';
import type { FileLists } from './system/lists.ts';
import { openRpm, type RpmLists } from './system/rpm.ts';

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
	/** What rpm installed; nothing where there is no rpm. */
	rpm(): RpmLists;
	/** What apk installed; nothing where there is no apk. */
	apk(): FileLists;
}

/**
 * @param o.view what the run saw in place of this machine's files: then all that is read is read through it
 * @param o.dpkg where dpkg keeps its database
 * @param o.rpm the folder of rpm's
 * @param o.apk the file of apk's
 */
export function openMachine(
	o: { readonly view?: View | null; readonly dpkg?: Name; readonly rpm?: Name; readonly apk?: Name } = {},
): Machine {
	const sites = new Map<Name, Site>();
	const prefixes = new Map<Name, CondaPrefix>();
	let dpkg: SystemPackages | null = null;
	let rpm: RpmLists | null = null;
	let apk: FileLists | null = null;
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
		rpm: () => (rpm ??= openRpm(o.rpm === undefined ? ['/usr/lib/sysimage/rpm', '/var/lib/rpm'] : [o.rpm])),
		apk: () => (apk ??= openApk(o.apk === undefined ? ['/lib/apk/db/installed', '/usr/lib/apk/db/installed'] : [o.apk])),
	};
}
