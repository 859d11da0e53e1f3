import { chmodSync, closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { kindOf, onDisk, toName, type Path } from './places.ts';
import type { Written } from './runner.ts';

interface Found {
	readonly path: Path;
	readonly kind: Written['kind'];
	readonly existed: boolean;
	readonly host: Path | null;
}

/**
 * Reads off an overlay's upper folder what was written: what lies there is new or was copied up to be changed, a character
 * device 0/0 stands for what was removed, and a folder may hide all that lay below it. What came back as it was, such as the files of
 * a folder that was moved away and back, was not written.
 *
 * @param exists whether the merged tree has each of these paths; asked only for folders that may hide something
 * @see https://docs.kernel.org/filesystems/overlayfs.html "whiteouts and opaque directories"
 */
export async function writtenInOverlay(o: {
	root: Path;
	folder: Path;
	made: ReadonlySet<Path>;
	exists: (paths: readonly Path[]) => Promise<readonly boolean[]>;
}): Promise<readonly Written[]> {
	const found: Found[] = [];
	// Folders of both trees, with what the root has there and the upper folder does not mention: visible unless hidden.
	const shared: { readonly path: Path; readonly unmentioned: readonly string[] }[] = [];
	const walk = (path: Path, inRoot: boolean) => {
		const above = list(`${o.folder}/upper${path}`);
		if (inRoot) {
			const names = new Set(above);
			const unmentioned = readdirSync(onDisk(`${o.root}${path}`), { encoding: 'latin1' }).filter((name) => !names.has(name));
			if (unmentioned.length > 0) shared.push({ path, unmentioned });
		}
		for (const name of above) {
			const here: Path = `${path}/${name}`;
			const host: Path = `${o.folder}/upper${here}`;
			const before = inRoot ? kindOf(`${o.root}${here}`) : null;
			const stats = lstatSync(onDisk(host));
			const kind = kindOf(host) ?? 'other';
			if (stats.isCharacterDevice() && stats.rdev === 0) {
				if (before !== null) found.push({ path: here, kind: 'removed', existed: true, host: null });
			} else if (kind === 'directory') {
				if (before !== 'directory') found.push({ path: here, kind, existed: before !== null, host });
				walk(here, before === 'directory');
			} else if (before !== kind || !isAsBefore(`${o.root}${here}`, host)) {
				found.push({ path: here, kind, existed: before !== null, host });
			}
		}
	};
	walk('', true);
	const visible = shared.length === 0 ? [] : await o.exists(shared.map((folder) => `${folder.path}/${folder.unmentioned[0]}`));
	shared.forEach((folder, at) => {
		if (visible[at]) return;
		for (const name of folder.unmentioned)
			found.push({ path: `${folder.path}/${name}`, kind: 'removed', existed: true, host: null });
	});
	return inOrder(found.filter((one) => !o.made.has(one.path)));
}

/** Whether two files or links have the same times, rights and bytes: moved, not written. */
export function isAsBefore(before: Path, after: Path): boolean {
	const was = lstatSync(onDisk(before), { bigint: true });
	const is = lstatSync(onDisk(after), { bigint: true });
	if (was.mtimeNs !== is.mtimeNs || was.mode !== is.mode || was.size !== is.size) return false;
	if (is.isSymbolicLink()) return readlinkSync(onDisk(before), 'latin1') === readlinkSync(onDisk(after), 'latin1');
	return is.isFile() && hasSameBytes(before, after);
}

function hasSameBytes(one: Path, other: Path): boolean {
	const files: number[] = [];
	try {
		for (const path of [one, other]) files.push(openSync(onDisk(path), 'r'));
		const [a, b] = [Buffer.allocUnsafe(1 << 20), Buffer.allocUnsafe(1 << 20)];
		for (;;) {
			const length = readSync(files[0]!, a);
			if (readSync(files[1]!, b) !== length || a.compare(b, 0, length, 0, length) !== 0) return false;
			if (length === 0) return true;
		}
	} finally {
		for (const file of files) closeSync(file);
	}
}

/** In the order of their paths' bytes, as the model has it. */
export function inOrder(found: readonly Found[]): readonly Written[] {
	return found
		.toSorted((a, b) => (a.path < b.path ? -1 : 1))
		.map(({ path, kind, existed, host }) => ({
			path: toName(path),
			kind,
			existed,
			hostPath: host === null ? null : toName(host),
		}));
}

/** The names in a folder of our own, even one that the program has closed. */
export function list(folder: Path): readonly string[] {
	const mode = lstatSync(onDisk(folder)).mode;
	if ((mode & 0o700) !== 0o700) chmodSync(onDisk(folder), 0o700 | (mode & 0o7777));
	return readdirSync(onDisk(folder), { encoding: 'latin1' });
}
