import type { Name } from '../../model/index.ts';

/** Where a thread's relative paths start, and what `/` is to it. Threads of a process share one. */
export interface Folders {
	working: Name | null;
	/** `working` is known to hold no link: it came from `-y`, not from the text of a `chdir`. */
	real: boolean;
	/** The new root after `chroot`; null for the real one. */
	root: Name | null;
}

/** Makes paths absolute, as asked: links stay as they are. */
export interface Paths {
	/**
	 * `.`, `//` and a last `/` go. `x/..` goes only where x is known to be no link: where the log has shown a file below x by
	 * this very name (`-y` resolves links), or where the whole, without it, is the name that `-y` gives to the result.
	 * Elsewhere it stays, because `link/..` is not where `link` is.
	 *
	 * @param shown what was opened, by `-y`; null where nothing was
	 * @returns null where the path is relative and nothing tells to what
	 */
	absolute(path: Name, folder: Name | null, folderIsReal: boolean, root: Name | null, shown: Name | null): Name | null;
	/** Notes a name without links, as `-y` gives it. */
	show(name: Name, isFolder: boolean): void;
	/** Names mean other files from now on. */
	forget(): void;
}

const throughProcess = /^\/proc\/(?:self|thread-self|\d+)\/|^\/dev\/(?:fd\/|std(?:in|out|err)$)/;
/** A `.`, a `..`, a `//` or a last `/`. */
const needsCleaning = /(?:^|\/)\.{0,2}(?:\/|$)/;
const dots = /\/\.\.?(?:\/|$)/;
const slash = 0x2f;

export function createPaths(): Paths {
	/** Folders that hold no link on the way. */
	const realFolders = new Set<Name>(['/']);
	/** The last folder of which this was noted. */
	let noted: Name = '/';

	const withoutDots = (base: Name, baseIsReal: boolean, path: Name, shown: Name | null): Name => {
		const parts = partsOf(base);
		let real = baseIsReal ? parts.length : 0;
		for (const part of partsOf(path)) {
			if (part !== '..') parts.push(part);
			else if (parts.length === 0) continue;
			else if (parts.length <= real || (parts.at(-1) !== '..' && realFolders.has(`/${parts.join('/')}`))) {
				parts.pop();
				real = Math.min(real, parts.length);
			} else parts.push('..');
		}
		const name = `/${parts.join('/')}`;
		if (shown !== null && parts.includes('..') && plain(name) === shown) return shown;
		return name;
	};

	const resolve = (base: Name, baseIsReal: boolean, path: Name, shown: Name | null): Name => {
		// Most paths, of which nothing is to be taken away.
		if (base.startsWith('/') && !needsCleaning.test(base.slice(1)) && !needsCleaning.test(path)) return `${base}/${path}`;
		return withoutDots(base, baseIsReal, path, shown);
	};

	return {
		absolute(path, folder, folderIsReal, root, shown) {
			if (path.charCodeAt(0) === slash) {
				if (shown !== null && isThroughProcess(path) && !shown.startsWith('/proc/')) return shown;
				// A root of its own is rare: nothing is remembered for it.
				if (root === null && isClean(path)) return path;
				return root === null ? withoutDots('/', true, path, shown) : withinRoot(root, path);
			}
			if (folder === null) return null;
			if (path === '') return folder;
			return resolve(folder, folderIsReal, path, shown);
		},
		show(name, isFolder) {
			const length = isFolder ? name.length : name.lastIndexOf('/');
			if (length === noted.length && name.startsWith(noted)) return;
			noted = name.slice(0, length);
			for (let at = length; at > 0; at = name.lastIndexOf('/', at - 1)) {
				const folder = name.slice(0, at);
				if (realFolders.has(folder)) return;
				realFolders.add(folder);
			}
		},
		forget() {
			realFolders.clear();
			realFolders.add('/');
			noted = '/';
		},
	};
}

function partsOf(path: Name): Name[] {
	return path.split('/').filter((part) => part !== '' && part !== '.');
}

/** A path seen from a root of its own, out of which no `..` leads. */
function withinRoot(root: Name, path: Name): Name {
	const inside = plain(path);
	if (root === '/') return inside;
	return inside === '/' ? root : `${root}${inside}`;
}

/** Absolute, without `.`, `..`, `//` and a last `/`: most paths, told without remembering them. */
function isClean(path: Name): boolean {
	if (path.includes('//') || (path.length > 1 && path.charCodeAt(path.length - 1) === slash)) return false;
	// Many a path has a folder whose name begins with a dot.
	return !path.includes('/.') || !dots.test(path);
}

/** A name that leads through a process to what it has open: what `-y` shows is the file that is meant. */
function isThroughProcess(path: Name): boolean {
	const second = path.charCodeAt(1);
	return (second === 0x70 || second === 0x64) && throughProcess.test(path);
}

/** Without `..`, as text: right only where nothing on the way is a link. */
function plain(path: Name): Name {
	const parts: Name[] = [];
	for (const part of partsOf(path)) {
		if (part === '..') parts.pop();
		else parts.push(part);
	}
	return `/${parts.join('/')}`;
}
