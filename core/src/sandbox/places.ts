import { lstatSync, readlinkSync } from 'node:fs';
import { CellarError, decodeName, encodeName, type Name } from '../model/index.ts';

/** Bytes of a path, one character a byte: names of files need not be text, and strings are easier to join and compare. */
export type Path = string;

export function fromName(name: Name): Path {
	return decodeName(name).toString('latin1');
}

export function fromText(text: string): Path {
	return Buffer.from(text, 'utf8').toString('latin1');
}

export function toName(path: Path): Name {
	return encodeName(Buffer.from(path, 'latin1'));
}

/** What `node:fs` takes. */
export function onDisk(path: Path): Buffer {
	return Buffer.from(path, 'latin1');
}

export type Kind = 'file' | 'directory' | 'link' | 'other';

/** What lies at a path of this machine, links not followed; null where nothing does. */
export function kindOf(path: Path): Kind | null {
	const stats = lstatSync(onDisk(path), { throwIfNoEntry: false });
	if (stats === undefined) return null;
	return stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'other';
}

/** Where a path inside a root leads. */
export interface Place {
	/** Inside, without links or dots. */
	readonly path: Path;
	/** Null where the root holds nothing there. */
	readonly kind: Kind | null;
	/** What must be made for the path to exist: itself last, its missing parents before; empty where it exists. */
	readonly missing: readonly Path[];
}

const longestChain = 40;

/**
 * Follows a path inside a root as a program that is shut in there would: an absolute link starts again at the root and `..`
 * never leaves it. What is told can therefore be mounted on or made without touching anything outside.
 *
 * @param path absolute, as inside
 * @throws CellarError CELLAR_IMAGE_BROKEN where links go in a circle or a file stands in the way
 */
export function placeIn(root: Path, path: Path): Place {
	const ahead = path.split('/').filter((word) => word !== '' && word !== '.');
	const behind: string[] = [];
	const missing: Path[] = [];
	let kind: Kind | null = 'directory';
	let links = 0;
	for (let word = ahead.shift(); word !== undefined; word = ahead.shift()) {
		if (word === '..') {
			if (missing.at(-1) === `/${behind.join('/')}`) missing.pop();
			behind.pop();
			kind = 'directory';
			continue;
		}
		if (kind === 'file' || kind === 'other') throw broken(path, `/${behind.join('/')} is not a folder`);
		const here: Path = `${root}/${[...behind, word].join('/')}`;
		kind = missing.length > 0 ? null : kindOf(here);
		if (kind === 'link') {
			if (++links > longestChain) throw broken(path, 'its links lead in a circle');
			const target = readlinkSync(onDisk(here), { encoding: 'latin1' });
			if (target.startsWith('/')) behind.length = 0;
			ahead.unshift(...target.split('/').filter((part) => part !== '' && part !== '.'));
			kind = 'directory';
			continue;
		}
		behind.push(word);
		if (kind === null) missing.push(`/${behind.join('/')}`);
	}
	return { path: `/${behind.join('/')}`, kind, missing };
}

function broken(path: Path, why: string): CellarError {
	return new CellarError('CELLAR_IMAGE_BROKEN', `${toName(path)} cannot be reached in the image: ${why}`, {
		where: toName(path),
	});
}
