import type { Name } from '../../model/index.ts';
import { baseOf, isFolder, isWithin, nameOfText, parentOf, realPathOf } from '../paths.ts';
import { readEditables, type AddedFolder, type EditableSource } from './editable.ts';
import { findInterpreter, libraryName, readEnvironment, type Interpreter, type VirtualEnvironment } from './interpreter.ts';
import { holdsDistributions, type Site } from './site.ts';

/** The Pythons that a run used, found from the paths that it used; nothing is asked of a Python itself. */
export interface Environments {
	/** In the order of their first use: the kernel's own comes first. */
	readonly interpreters: readonly Interpreter[];
	readonly virtual: readonly VirtualEnvironment[];
	/** In the order of their first use. */
	readonly sites: readonly Site[];
	readonly editables: readonly EditableSource[];
	/** Folders of the user's own on sys.path, links resolved: the notebook's, those of PYTHONPATH and of `.pth` files. */
	readonly ownFolders: readonly Name[];
	/** The innermost site that a path lies in. */
	siteOf(path: Name): Site | null;
	/** Sites that one environment sees beside another, itself first: a virtual environment's base, the user's own. */
	besides(site: Site): readonly Site[];
}

/** What a run says of where Python looks. */
export interface Surroundings {
	/** Paths that were used, with the line of the log at which that was first so. */
	readonly used: Iterable<readonly [Name, number]>;
	/** Folders whose names were read. */
	readonly listed: Iterable<Name>;
	/** The notebook's folder and the working folder. */
	readonly folders: readonly Name[];
	/** PYTHONPATH, as it was set. */
	readonly pythonPath: string | null;
	readonly openSite: (folder: Name) => Site;
}

/** Finds the environments of a run. */
export function findEnvironments(o: Surroundings): Environments {
	const pythonPath = (o.pythonPath ?? '').split(':').flatMap((word) => existing(nameOfText(word)));
	const seen = placesIn(o.used);
	for (const folder of [...o.listed, ...pythonPath]) {
		if (!seen.sites.has(folder) && holdsDistributions(folder)) seen.sites.set(folder, Infinity);
	}
	const virtual = unique([...seen.prefixes].flatMap(existing)).flatMap((prefix) => readEnvironment(prefix) ?? []);
	const sites = inOrder(seen.sites).map(o.openSite);
	const editables = sites.map(readEditables);
	const added: readonly AddedFolder[] = editables.flatMap((one) => one.added);
	const interpreters = interpretersOf(seen.libraries, virtual);
	return {
		interpreters,
		virtual,
		sites,
		editables: editables.flatMap((one) => one.sources),
		ownFolders: unique([...o.folders.flatMap(existing), ...pythonPath, ...added.map((one) => one.path)]).filter(
			(folder) => !sites.some((site) => site.folder === folder) && !interpreters.some((one) => isWithin(folder, one.library)),
		),
		siteOf(path) {
			let found: Site | null = null;
			for (const site of sites) {
				if (isWithin(path, site.folder) && site.folder.length > (found?.folder.length ?? 0)) found = site;
			}
			return found;
		},
		besides: (site) => [site, ...sites.filter((other) => other !== site && seesAlso(site, other, virtual))],
	};
}

interface Places {
	/** Folders of installed packages, as used, with their first use. */
	readonly sites: Map<Name, number>;
	/** `lib/pythonX.Y` folders, as used. */
	readonly libraries: Map<Name, number>;
	/** Folders with a pyvenv.cfg. */
	readonly prefixes: Set<Name>;
}

function placesIn(used: Iterable<readonly [Name, number]>): Places {
	const sites = new Map<Name, number>();
	const libraries = new Map<Name, number>();
	const prefixes = new Set<Name>();
	const note = (places: Map<Name, number>, place: Name, first: number) => {
		if (first < (places.get(place) ?? Infinity)) places.set(place, first);
	};
	for (const [path, first] of used) {
		const site = path.indexOf('-packages');
		if (site > 0 && /\/(site|dist)-packages(?:\/|$)/.test(path.slice(site - 5))) {
			note(sites, path.slice(0, site + '-packages'.length), first);
		}
		const library = path.indexOf('/python');
		if (library > 0) {
			const end = path.indexOf('/', library + 1);
			const folder = end < 0 ? path : path.slice(0, end);
			if (libraryName.test(folder.slice(library + 1)) && /\/lib(64)?$/.test(path.slice(0, library)))
				note(libraries, folder, first);
		}
		if (path.endsWith('/pyvenv.cfg')) prefixes.add(parentOf(path));
		else if (library >= 0 && /\/bin\/python[\d.]*t?$/.test(path)) prefixes.add(parentOf(parentOf(path)));
	}
	return { sites, libraries, prefixes };
}

function interpretersOf(libraries: ReadonlyMap<Name, number>, virtual: readonly VirtualEnvironment[]): Interpreter[] {
	const found = new Map<Name, Interpreter>();
	const shorts = new Set<string>();
	for (const library of inOrder(libraries)) {
		const short = libraryName.exec(baseOf(library))?.[1];
		if (short === undefined) continue;
		shorts.add(short);
		const one = findInterpreter(parentOf(parentOf(library)), short);
		if (one !== null && !found.has(one.library)) found.set(one.library, one);
	}
	// Frozen modules leave no access: an environment's base counts even where none of its library's files was seen.
	for (const { home } of virtual) {
		const prefix = home === null ? null : realPathOf(parentOf(home));
		if (prefix === null || [...found.values()].some((one) => one.root === prefix)) continue;
		for (const short of shorts) {
			const one = findInterpreter(prefix, short);
			if (one !== null) found.set(one.library, one);
		}
	}
	return [...found.values()];
}

/** Whether a program of the environment that `site` belongs to also looks in `other`. */
function seesAlso(site: Site, other: Site, virtual: readonly VirtualEnvironment[]): boolean {
	const own = virtual.find((one) => isWithin(site.folder, one.prefix));
	if (own === undefined) return !virtual.some((one) => isWithin(other.folder, one.prefix));
	if (isWithin(other.folder, own.prefix)) return true;
	return own.systemSite && !virtual.some((one) => isWithin(other.folder, one.prefix));
}

/** Existing folders, links resolved, in the order of their first use. */
function inOrder(places: ReadonlyMap<Name, number>): Name[] {
	const real = [...places].toSorted((a, b) => a[1] - b[1]).flatMap(([place]) => existing(place));
	return unique(real);
}

function existing(folder: Name): Name[] {
	if (!folder.startsWith('/')) return [];
	const real = realPathOf(folder);
	return real !== null && isFolder(real) ? [real] : [];
}

function unique<T>(all: readonly T[]): T[] {
	return [...new Set(all)];
}

/** A program that is a Python, by its own name. */
export function isPythonName(name: Name): boolean {
	return /^python(\d+(\.\d+)?t?)?$/.test(name);
}
