import type { Name, View } from '../model/index.ts';
import { openPrefix, type CondaPrefix } from './conda/prefix.ts';
import { openSite, type Site } from './python/site.ts';
import { joined, realPathOf, statOf } from './paths.ts';
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
	/** Reads what takes longest while there is time. What changes after that is read again when it is asked for. */
	ahead(): void;
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
	const admin = o.dpkg ?? '/var/lib/dpkg';
	let dpkg: SystemPackages | null = null;
	let early: { readonly packages: SystemPackages; readonly state: string } | null = null;
	// Whatever dpkg installs or removes, it writes this anew.
	const state = () => {
		const status = statOf(joined(admin, 'status'));
		return status === null ? '' : `${status.ino} ${status.size} ${status.mtimeMs}`;
	};
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
		dpkg: () => (dpkg ??= early?.state === state() ? early.packages : openDpkg(admin)),
		ahead() {
			const before = state();
			early = { packages: openDpkg(admin), state: before };
		},
		rpm: () => (rpm ??= openRpm(o.rpm === undefined ? ['/usr/lib/sysimage/rpm', '/var/lib/rpm'] : [o.rpm])),
		apk: () => (apk ??= openApk(o.apk === undefined ? ['/lib/apk/db/installed', '/usr/lib/apk/db/installed'] : [o.apk])),
	};
}
