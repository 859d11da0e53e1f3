import { lstatSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { encodeName, errnoOf, fsPath, type Name, type View } from '../../model/index.ts';
import type { Written } from '../../sandbox/index.ts';

/** The inside of a sandbox when its program has ended: what was unpacked, what was put in its place, and what was written. */
export interface Inside extends View {
	/** Whether something was there before the program ran. */
	existed(path: Name): boolean;
	/** Where a file lies as it was before the program ran; null where none was. */
	before(path: Name): Name | null;
}

interface Layers {
	/** The unpacked image, a path of this machine. */
	readonly root: string;
	/** What was mounted over paths inside; `from` are paths of this machine. */
	readonly binds: readonly { readonly from: string; readonly to: Name }[];
	readonly written: readonly Written[];
}

/** As many as the kernel follows. */
const mostLinks = 40;

/** Looks into a sandbox from outside. Nothing of it may change any more: what was found once is remembered. */
export function viewOf(o: Layers): Inside {
	const root = nameOf(o.root);
	const bound = new Map<Name, Name>();
	const written = new Map(o.written.map((item) => [item.path, item] as const));
	/** The names that were written, by their folders. */
	const added = new Map<Name, Written[]>();
	for (const item of o.written) {
		const folder = parentOf(item.path);
		const known = added.get(folder);
		if (known === undefined) added.set(folder, [item]);
		else known.push(item);
	}

	/** Where a path without links lies, whatever is there; null where it was removed. */
	const hostOf = (path: Name): Name | null => {
		for (let at = path; at !== '/'; at = parentOf(at)) {
			const from = bound.get(at);
			if (from !== undefined) return from + path.slice(at.length);
		}
		const item = written.get(path);
		return item === undefined ? `${root}${path}` : item.hostPath;
	};
	/** Folders on the way to what is mounted: they are made for it where the image has none. */
	const made = new Set<Name>();
	const kindOf = (path: Name): Kind | null => kindAt(hostOf(path)) ?? (made.has(path) ? 'directory' : null);
	const folders = new Map<Name, Name | null>([['/', '/']]);
	const folderOf = (path: Name, links: number): Name | null => {
		let real = folders.get(path);
		if (real === undefined) {
			real = resolve(path, true, links);
			if (real !== null && kindOf(real) !== 'directory') real = null;
			folders.set(path, real);
		}
		return real;
	};
	const resolve = (path: Name, follow: boolean, links: number): Name | null => {
		if (path === '/') return path;
		const folder = folderOf(parentOf(path), links);
		if (folder === null) return null;
		const base = path.slice(path.lastIndexOf('/') + 1);
		if (base === '..') return parentOf(folder);
		if (base === '' || base === '.') return folder;
		const here = joined(folder, base);
		const kind = kindOf(here);
		if (kind === null) return null;
		const host = hostOf(here);
		if (kind !== 'link' || !follow || host === null) return here;
		if (links >= mostLinks) return null;
		const target = encodeName(readlinkSync(fsPath(host), { encoding: 'buffer' }));
		return resolve(target.startsWith('/') ? withoutEnd(target) : joined(folder, withoutEnd(target)), true, links + 1);
	};
	// What is mounted on a link is mounted on what it leads to.
	const mounted = o.binds.map(({ from, to }) => [resolve(to, true, 0) ?? to, nameOf(realpathSync(from))] as const);
	for (const [to, from] of mounted) {
		bound.set(to, from);
		for (let at = parentOf(to); at !== '/'; at = parentOf(at)) made.add(at);
	}
	folders.clear();
	folders.set('/', '/');

	const place = (path: Name, follow: boolean): Name | null => {
		const real = resolve(withoutEnd(path), follow, 0);
		return real === null ? null : hostOf(real);
	};
	/** What was written where a path leads, its last link not followed. */
	const itemAt = (path: Name): { readonly real: Name; readonly item: Written | undefined } | null => {
		const folder = folderOf(parentOf(withoutEnd(path)), 0);
		if (folder === null) return null;
		const real = joined(folder, path.slice(path.lastIndexOf('/') + 1));
		return { real, item: written.get(real) };
	};
	const before = (path: Name): Name | null => {
		const at = itemAt(path);
		if (at === null) return null;
		if (at.item === undefined) return place(path, true);
		const host = `${root}${at.real}`;
		// A link would be followed to a file of this machine.
		return at.item.existed && kindAt(host) === 'file' ? host : null;
	};

	return {
		place,
		real: (path) => resolve(withoutEnd(path), true, 0),
		names(folder) {
			const real = folderOf(withoutEnd(folder), 0);
			if (real === null) return null;
			const names = new Set(namesAt(hostOf(real) ?? real));
			for (const { path, kind } of added.get(real) ?? []) {
				const name = path.slice(path.lastIndexOf('/') + 1);
				if (kind === 'removed') names.delete(name);
				else names.add(name);
			}
			return [...names];
		},
		existed(path) {
			const at = itemAt(path);
			return at !== null && (at.item === undefined ? place(path, false) !== null : at.item.existed);
		},
		before,
	};
}

/** What an unpacked image holds, before or without any program in it. */
export function viewOfRoot(root: string, binds: Layers['binds'] = []): View {
	return viewOf({ root, binds, written: [] });
}

function nameOf(path: string): Name {
	return encodeName(Buffer.from(path));
}

function joined(folder: Name, more: Name): Name {
	return folder === '/' ? `/${more}` : `${folder}/${more}`;
}

function parentOf(path: Name): Name {
	const at = path.lastIndexOf('/');
	return at <= 0 ? '/' : path.slice(0, at);
}

/** Without slashes at its end, which say that a folder is meant. */
function withoutEnd(path: Name): Name {
	return path.length > 1 && path.endsWith('/') ? path.replace(/\/+$/, '') || '/' : path;
}

type Kind = 'file' | 'directory' | 'link' | 'other';

function kindAt(host: Name | null): Kind | null {
	if (host === null) return null;
	const state = orNull(() => lstatSync(fsPath(host), { throwIfNoEntry: false }) ?? null);
	if (state === null) return null;
	return state.isFile() ? 'file' : state.isDirectory() ? 'directory' : state.isSymbolicLink() ? 'link' : 'other';
}

function namesAt(host: Name): readonly Name[] {
	return (orNull(() => readdirSync(fsPath(host), { encoding: 'buffer' })) ?? []).map((name) => encodeName(name));
}

/** Null for what is not there, or is no path: names come out of a log. */
function orNull<T>(look: () => T): T | null {
	try {
		return look();
	} catch (error) {
		const nothing = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'EACCES', 'ERR_INVALID_ARG_VALUE'];
		if (nothing.includes(errnoOf(error) ?? '')) return null;
		throw error;
	}
}
