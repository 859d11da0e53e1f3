import { createHash } from 'node:crypto';
import { decodeName, type Name } from '../../model/index.ts';
import { baseOf, byName, isFile, joined, nameOfText, namesIn, parentOf, sortedByBytes } from '../paths.ts';
import type { World } from '../world.ts';
import type { Case } from './case.ts';
import { isMade } from './story.ts';

/**
 * Whether the names in a folder were data to the run. Python lists the folders that it looks in for modules too: there only
 * a cell whose own code reads names of folders makes it one.
 */
export function isDataListing({ path, names, folder, made, story, world }: Case): boolean {
	if (!folder || !story.listed || made) return false;
	const real = names.at(-1) ?? path;
	if (!isSearched(real, world) && !wasEntered(path, real, world)) return true;
	return world.uses.of(path).some((access) => {
		if (access.how !== 'list') return false;
		// Outside of cells there is code of the user's own only where there is no notebook, and then `listing` may hold null.
		return mayList(world.listing.get(access.cell === null ? null : world.scopes.cellOf(access.cell)), real);
	});
}

/**
 * A working folder of some part of the run: a kernel looks there first for each module that it imports. Where existence checks were
 * recorded too, entering a folder cannot be told from looking at it.
 */
function wasEntered(path: Name, real: Name, world: World): boolean {
	return !world.run.circumstances.checks && (world.uses.has(path, 'stat') || world.uses.has(real, 'stat'));
}

/** Whether code that names these folders may mean this one, or one above it: which is the working folder, no text tells. */
function mayList(listed: readonly string[] | null | undefined, real: Name): boolean {
	if (listed === undefined) return false;
	return (
		listed === null ||
		listed.some((text) => {
			const name = nameOfText(text)
				.replace(/^(\.{0,2}\/)+/, '')
				.replace(/\/+$/, '');
			return name === '' || name === '.' || name === '..' || `${real}/`.includes(`/${name}/`);
		})
	);
}

/** A folder on sys.path, or a package. */
function isSearched(real: Name, world: World): boolean {
	if (world.environments.ownFolders.includes(real) || isFile(joined(real, '__init__.py'))) return true;
	return foldersImported(world).has(real);
}

const importedFrom = new WeakMap<World, ReadonlySet<Name>>();

/** The folders from which something was imported. */
function foldersImported(world: World): ReadonlySet<Name> {
	let folders = importedFrom.get(world);
	if (folders === undefined) importedFrom.set(world, (folders = new Set([...world.imported].map(parentOf))));
	return folders;
}

/** The names that a folder held before the run, sorted by their bytes: what is there now, without what the run made. */
export function namesBefore(folder: Name, world: World): Name[] {
	const now = namesIn(folder) ?? [];
	const gone = namesGone(folder, world);
	const kept = now.filter((name) => {
		const path = joined(folder, name);
		// Of most there is no story to be told.
		return world.uses.of(path).length === 0 || !isMade(world.story(path));
	});
	// As they come, they are sorted.
	return gone.length === 0 ? kept : sortedByBytes([...kept, ...gone], (name) => name);
}

function namesGone(folder: Name, world: World): Name[] {
	const found: Name[] = [];
	for (const change of world.facts.changes) {
		const path = change.kind === 'remove' ? change.to : change.kind === 'rename' ? change.from : null;
		if (path === null || parentOf(path) !== folder || found.includes(baseOf(path))) continue;
		if (world.files.get(path)?.kind === 'gone' && world.files.get(path)?.existedBefore === true) found.push(baseOf(path));
	}
	return found.toSorted(byName);
}

/** The sha256 of a folder's sorted names, each followed by a newline. */
export function listingHash(names: readonly Name[]): string {
	const newline = Buffer.from('\n');
	const bytes = names.some((name) => name.includes('\\'))
		? Buffer.concat(names.flatMap((name) => [decodeName(name), newline]))
		: Buffer.from(names.map((name) => `${name}\n`).join(''));
	return createHash('sha256').update(bytes).digest('hex');
}
