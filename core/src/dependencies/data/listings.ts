import { createHash } from 'node:crypto';
import { decodeName, type Name } from '../../model/index.ts';
import { baseOf, byName, isFile, joined, namesIn, parentOf } from '../paths.ts';
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
	if (!isSearched(real, world)) return true;
	return world.uses.of(path).some((access) => {
		if (access.how !== 'list') return false;
		// Outside of cells there is code of the user's own only where there is no notebook, and then `listing` may hold null.
		return world.listing.has(access.cell === null ? null : world.scopes.cellOf(access.cell));
	});
}

/** A folder on sys.path, or a package. */
function isSearched(real: Name, world: World): boolean {
	if (world.environments.ownFolders.includes(real) || isFile(joined(real, '__init__.py'))) return true;
	for (const source of world.imported) if (parentOf(source) === real) return true;
	return false;
}

/** The names that a folder held before the run, sorted by their bytes: what is there now, without what the run made. */
export function namesBefore(folder: Name, world: World): Name[] {
	const now = namesIn(folder) ?? [];
	const gone = namesGone(folder, world);
	return [...now.filter((name) => !isMade(world.story(joined(folder, name)))), ...gone].toSorted((a, b) =>
		Buffer.compare(decodeName(a), decodeName(b)),
	);
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
	const hash = createHash('sha256');
	for (const name of names) hash.update(decodeName(name)).update('\n');
	return hash.digest('hex');
}
