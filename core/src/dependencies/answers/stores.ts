import { createHash } from 'node:crypto';
import { dataRoles, decodeName, type DataDependency, type DataRole, type Name } from '../../model/index.ts';
import { manyFiles, roleOfStore, storesOf, type Store } from '../data/stores.ts';
import type { Judgement } from '../judge.ts';
import { keepingLast, parentOf, relativeTo, sortedByBytes } from '../paths.ts';
import { joinScopes } from '../scopes.ts';

/** The stores of a run: of each file that is part of one, which. They are those of the whole run, whatever part is asked about. */
export function storesIn(j: Judgement): ReadonlyMap<Name, Store> {
	const { world } = j;
	const used: { readonly path: Name; readonly role: DataRole; readonly cells: string }[] = [];
	const seen: Name[] = [];
	const textOf = keepingLast((cells: readonly number[]) => cells.join());
	for (const { path, verdict } of j.verdicts.values()) {
		if (verdict === 'missing') continue;
		seen.push(path);
		const role = dataRoles.find((one) => one === verdict);
		if (role !== undefined && world.kind(path) !== 'directory')
			used.push({ path, role, cells: textOf(world.scopesOf.all(path).cells) });
	}
	return storesOf(used, seen, [world.folder, world.home]);
}

/** Folds the files of stores, and the listings in them, into one dependency for each store. */
export function foldStores(items: readonly DataDependency[], stores: ReadonlyMap<Name, Store>, folder: Name): DataDependency[] {
	if (stores.size === 0) return [...items];
	const groups = new Map<
		Store | Name,
		{ readonly store: Store; readonly files: DataDependency[]; readonly listings: DataDependency[] }
	>();
	const others: DataDependency[] = [];
	const wholes = new Map<Name, Store | Name>();
	for (const item of items) {
		const store = item.kind === 'file' ? stores.get(item.path) : undefined;
		if (store === undefined) {
			others.push(item);
			continue;
		}
		// Many files of one folder are one for each role and for the same cells, and so is their store; any other is one whatever its files were.
		const key = store.what === manyFiles ? store : store.path;
		const group = groups.get(key);
		if (group === undefined) groups.set(key, { store, files: [item], listings: [] });
		else group.files.push(item);
		if (store.whole) wholes.set(store.path, key);
	}
	const kept: DataDependency[] = [];
	for (const item of others) {
		const key = item.kind === 'listing' ? keyAbove(item.path, wholes) : null;
		if (key === null) kept.push(item);
		else groups.get(key)?.listings.push(item);
	}
	return [...kept, ...[...groups.values()].map(({ store, files, listings }) => storeItem(store, files, listings, folder))];
}

function keyAbove(path: Name, wholes: ReadonlyMap<Name, Store | Name>): Store | Name | null {
	if (wholes.size === 0) return null;
	for (let at = path; at !== '/'; at = parentOf(at)) {
		const key = wholes.get(at);
		if (key !== undefined) return key;
	}
	return null;
}

function storeItem(
	store: Store,
	files: readonly DataDependency[],
	listings: readonly DataDependency[],
	folder: Name,
): DataDependency {
	const members = sortedByBytes(files, (file) => file.path);
	const nameOf = (path: Name) => relativeTo(path, store.base) ?? path;
	const role = roleOfStore(members);
	const byRole = dataRoles
		.map((each) => ({ role: each, paths: members.filter((one) => one.role === each).map((one) => one.path) }))
		.filter((one) => one.paths.length > 0);
	const before = members.filter((one) => one.role === 'input' || one.role === 'updated');
	return {
		path: store.path,
		relative: relativeTo(store.path, folder),
		role,
		kind: 'store',
		bytes: members.reduce<number | null>((sum, one) => (sum === null || one.bytes === null ? null : sum + one.bytes), 0),
		sha256: hashOf(members, nameOf, (one) => one.sha256),
		sha256Before:
			role === 'updated' ? hashOf(before, nameOf, (one) => (one.role === 'updated' ? one.sha256Before : one.sha256)) : null,
		...joinScopes([...members, ...listings]),
		reason: `${titleOfStore(store, members.length)}: ${byRole.map((one) => `${one.paths.length} ${one.role}`).join(', ')}`,
		members: byRole,
		as: [...new Set(members.flatMap((one) => one.as))],
	};
}

/** As `sha256sum` would print them: hash, two blanks, name, newline. */
function hashOf(
	members: readonly DataDependency[],
	nameOf: (path: Name) => Name,
	sha256Of: (one: DataDependency) => string | null,
): string | null {
	const hash = createHash('sha256');
	for (const one of members) {
		const sha256 = sha256Of(one);
		if (sha256 === null) return null;
		hash
			.update(`${sha256}  `)
			.update(decodeName(nameOf(one.path)))
			.update('\n');
	}
	return hash.digest('hex');
}

/** `a Zarr store, 120 files used`. */
export function titleOfStore({ what }: Store, files: number): string {
	return `a ${what}, ${files} ${files === 1 ? 'file' : 'files'} used`;
}
