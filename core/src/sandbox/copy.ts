import { lstatSync } from 'node:fs';
import { inOrder, isAsBefore, list } from './overlay.ts';
import { kindOf, onDisk, type Path } from './places.ts';
import type { Written } from './runner.ts';

/** How a path looked when it was copied. Every change of a file's bytes, mode or times moves its ctime, and nobody can set that back. */
interface Mark {
	readonly inode: bigint;
	readonly ctime: bigint;
	readonly directory: boolean;
}

export type Snapshot = ReadonlyMap<Path, Mark>;

/** Every path below a tree, as it is now. */
export function snapshotOf(tree: Path): Snapshot {
	const marks = new Map<Path, Mark>();
	const walk = (path: Path) => {
		for (const name of list(`${tree}${path}`)) {
			const here: Path = `${path}/${name}`;
			const stats = lstatSync(onDisk(`${tree}${here}`), { bigint: true });
			marks.set(here, { inode: stats.ino, ctime: stats.ctimeNs, directory: stats.isDirectory() });
			if (stats.isDirectory()) walk(here);
		}
	};
	walk('');
	return marks;
}

/**
 * What was changed in a copy since the snapshot of it.
 *
 * @param root what it is a copy of
 */
export function writtenInCopy(tree: Path, root: Path, before: Snapshot, made: ReadonlySet<Path>): readonly Written[] {
	const after = snapshotOf(tree);
	const found: Parameters<typeof inOrder>[0][number][] = [];
	for (const [path, mark] of after) {
		const old = before.get(path);
		const untouched =
			old !== undefined && (mark.directory ? old.directory : old.inode === mark.inode && old.ctime === mark.ctime);
		if (untouched || made.has(path)) continue;
		const kind = kindOf(`${tree}${path}`) ?? 'other';
		if (old !== undefined && kindOf(`${root}${path}`) === kind && isAsBefore(`${root}${path}`, `${tree}${path}`)) continue;
		found.push({ path, kind, existed: old !== undefined, host: `${tree}${path}` });
	}
	for (const path of before.keys()) {
		const parent = path.slice(0, path.lastIndexOf('/'));
		// Only the topmost: what was below a folder that is gone, or that is no folder any more, went with it.
		const folderIsThere = parent === '' || after.get(parent)?.directory === true;
		if (!after.has(path) && folderIsThere) found.push({ path, kind: 'removed', existed: true, host: null });
	}
	return inOrder(found);
}
