import type { DataRole, Name } from '../../model/index.ts';
import { kept } from '../kept.ts';
import { baseOf, isWithin, parentOf } from '../paths.ts';

/** Many files that are one thing to whoever uses them. */
export interface Store {
	/** The folder, or the file that the others belong to. */
	readonly path: Name;
	/** For a person, to follow a number of files. */
	readonly what: string;
	/** The folder from which the names of its members are seen. */
	readonly base: Name;
	/** Whether all that lies below `path` is of it. */
	readonly whole: boolean;
}

/** A path that was used as data. */
interface Used {
	readonly path: Name;
	readonly role: DataRole;
	/** The cells that used it, as a text. */
	readonly cells: string;
}

/** What stands in the outermost folder of a store, and says so. */
const marks: ReadonlyMap<string, string> = new Map([
	['zarr.json', 'Zarr store'],
	['.zgroup', 'Zarr store'],
	['.zarray', 'Zarr store'],
	['.zmetadata', 'Zarr store'],
	['_metadata', 'Parquet folder'],
	['_common_metadata', 'Parquet folder'],
	['_SUCCESS', 'folder of parts'],
	['dataset_info.json', 'Hugging Face dataset'],
	['dataset_dict.json', 'Hugging Face dataset'],
]);

/** True for what says how a store is laid out, and is not itself what it holds. */
function isMark(path: Name): boolean {
	return marks.has(baseOf(path)) || /^(\.zattrs|state\.json|\..*\.crc)$/.test(baseOf(path));
}

const part = /^part[-.]\d/;
const partition = /^[A-Za-z_][\w.-]*=[^/]*$/;
const shapes = /\.(shp|shx|dbf|prj|cpg|sbn|sbx|qix|qpj|fbn|fbx|ain|aih|ixs|mxs|atx|shp\.xml)$/i;
const companions = /(-journal|-wal|-shm|\.wal|\.lock)$/;
/** So many files of one folder, one role and the same cells are one dependency, whatever they are. */
const many = 20;
export const manyFiles = 'folder with many files';

/**
 * Which store each file belongs to, of those that belong to one (docs/dependencies.md, “Many files that are one thing”).
 *
 * @param used all files that the run used as data
 * @param seen all paths that were there: a mark that was only looked at counts too
 * @param outside folders that are never a store, nor is one that they lie in: the notebook's and the home folder
 */
export function storesOf(used: readonly Used[], seen: Iterable<Name>, outside: readonly Name[]): Map<Name, Store> {
	const allowed = (folder: Name) => !outside.some((one) => isWithin(one, folder));
	const marked = new Map<Name, string>();
	for (const path of seen) {
		const what = marks.get(baseOf(path));
		if (what !== undefined) marked.set(parentOf(path), marked.get(parentOf(path)) ?? what);
	}
	const found = new Map<Name, Store>();
	const left = takeMarked(used, outermostOf(marked, allowed), found);
	const parted = takeGroups(left, (path) => partitionsOf(path, allowed), found);
	const shaped = takeGroups(parted, shapeOf, found, (members) => members.some((path) => /\.shp$/i.test(path)));
	const alone = takeGroups(shaped, databaseAmong(shaped), found);
	takeFolders(alone, allowed, found);
	return found;
}

/** Of a folder, the outermost marked one that it is or lies in. */
function outermostOf(marked: ReadonlyMap<Name, string>, allowed: (folder: Name) => boolean): (folder: Name) => Store | null {
	const known = new Map<Name, Store | null>([['/', null]]);
	const find = (folder: Name): Store | null => {
		let store = known.get(folder);
		if (store !== undefined) return store;
		store = find(parentOf(folder));
		const what = marked.get(folder);
		if (store === null && what !== undefined && allowed(folder)) store = { path: folder, what, base: folder, whole: true };
		known.set(folder, store);
		return store;
	};
	return find;
}

function takeMarked(used: readonly Used[], storeAt: (folder: Name) => Store | null, found: Map<Name, Store>): readonly Used[] {
	return used.filter(({ path }) => {
		const store = storeAt(parentOf(path));
		if (store !== null) found.set(path, store);
		return store === null;
	});
}

/** Takes what forms groups of at least two, and returns the rest. */
function takeGroups(
	used: readonly Used[],
	groupOf: (path: Name) => Store | null,
	found: Map<Name, Store>,
	isWhole: (members: readonly Name[]) => boolean = () => true,
): readonly Used[] {
	const before = found.size;
	const groups = new Map<Name, { readonly store: Store; readonly members: Name[] }>();
	for (const { path } of used) {
		const store = groupOf(path);
		if (store === null) continue;
		const known = groups.get(store.path);
		if (known === undefined) groups.set(store.path, { store, members: [path] });
		else known.members.push(path);
	}
	for (const { store, members } of groups.values()) {
		if (members.length < 2 || !isWhole(members)) continue;
		// A shapefile is called by its .shp, whichever case that has.
		const main = members.find((path) => path.toLowerCase() === store.path.toLowerCase()) ?? store.path;
		for (const path of members) found.set(path, { ...store, path: main });
	}
	return found.size === before ? used : used.filter(({ path }) => !found.has(path));
}

/** The folder above all `key=value` folders that a file lies in, or that of its `part-00000`. */
function partitionsOf(path: Name, allowed: (folder: Name) => boolean): Store | null {
	let root = parentOf(path);
	while (partition.test(baseOf(root))) root = parentOf(root);
	if (root === parentOf(path) && !part.test(baseOf(path))) return null;
	return allowed(root) ? { path: root, what: 'folder of parts', base: root, whole: false } : null;
}

function shapeOf(path: Name): Store | null {
	if (!shapes.test(path)) return null;
	return { path: path.replace(shapes, '.shp'), what: 'shapefile', base: parentOf(path), whole: false };
}

/** A database, or an HDF5 file, with its journal or its lock. */
function databaseAmong(used: readonly Used[]): (path: Name) => Store | null {
	const mainOf = (path: Name) => (companions.test(path) ? path.replace(companions, '') : path);
	const named = new Set(used.flatMap(({ path }) => (companions.test(path) ? [mainOf(path)] : [])));
	const mains = new Set(named.size === 0 ? [] : used.flatMap(({ path }) => (named.has(path) ? [path] : [])));
	return (path) => {
		const main = mains.size === 0 ? null : mainOf(path);
		if (main === null || !mains.has(main)) return null;
		return { path: main, what: 'file with its journal or lock', base: parentOf(path), whole: false };
	};
}

/** Which cell needs which of them must still be told: files of other cells are another dependency. */
function takeFolders(used: readonly Used[], allowed: (folder: Name) => boolean, found: Map<Name, Store>): void {
	const byRole = new Map<DataRole, Map<string, Map<Name, Alike>>>();
	const groups: Alike[] = [];
	const groupOf = used.map(({ path, role, cells }) => {
		const byCells = kept(byRole, role, () => new Map<string, Map<Name, Alike>>());
		const byFolder = kept(byCells, cells, () => new Map<Name, Alike>());
		const folder = parentOf(path);
		let one = byFolder.get(folder);
		if (one === undefined) {
			byFolder.set(folder, (one = { folder, count: 0, store: null }));
			groups.push(one);
		}
		one.count++;
		return one;
	});
	for (const one of groups) {
		if (one.count < many || !allowed(one.folder)) continue;
		one.store = { path: one.folder, what: manyFiles, base: one.folder, whole: false };
	}
	for (const [at, { store }] of groupOf.entries()) if (store !== null) found.set(used[at]!.path, store);
}

/** The files of a folder in one role, for the same cells. */
interface Alike {
	readonly folder: Name;
	count: number;
	/** Which they are together, where they are enough. */
	store: Store | null;
}

/**
 * What a store was to the run, by what its members were: some read and others written is a store that was changed.
 *
 * @param members not empty
 */
export function roleOfStore(members: readonly Pick<Used, 'path' | 'role'>[]): DataRole {
	const has = (role: DataRole, of = members) => of.some((one) => one.role === role);
	if (has('updated') || (has('input') && (has('output') || has('intermediate')))) return 'updated';
	if (has('input')) return 'input';
	// Whoever writes a store reads its own marks again; what it holds says whether the run did.
	const held = members.filter((one) => !isMark(one.path));
	return has('intermediate', held.length === 0 ? members : held) ? 'intermediate' : 'output';
}
