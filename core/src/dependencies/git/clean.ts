import { createHash } from 'node:crypto';
import type { Name } from '../../model/index.ts';
import { joined, linkTextOf, lstatOf, readBytes, relativeTo } from '../paths.ts';
import { readGitIndex, type GitIndex } from './index-file.ts';
import { inTree, treeOf } from './objects.ts';
import { headOf, type Repository } from './repository.ts';

/**
 * Whether files are as the commit that is checked out has them: by their hashes as git makes them, the index, and the trees of the
 * commit. Line ends that git converts make a file differ here.
 *
 * @param files links resolved; those outside the repository make it false, as those do that were never added
 * @returns null where the index or the commit's trees cannot be read: split, SHA-256, or kept as differences in a pack
 */
export function isCleanIn(repository: Repository, files: readonly Name[]): boolean | null {
	const head = headOf(repository);
	const bytes = readBytes(joined(repository.own, 'index'));
	if (head === null) return null;
	const index = bytes === null ? null : readGitIndex(bytes);
	if (index === null) return null;
	const paths = files.map((file) => relativeTo(file, repository.top));
	if (paths.some((path) => path === null || !isAsAdded(path, repository, index))) return false;
	const tree = treeOf(repository.common, head);
	if (tree === null) return null;
	if (tree === index.tree) return true;
	const committed = paths.map((path) => isAsCommitted(path ?? '', repository, index, tree));
	return committed.includes(false) ? false : committed.includes(null) ? null : true;
}

function isAsAdded(path: Name, { top }: Repository, index: GitIndex): boolean {
	const added = index.entries.get(path);
	return added !== undefined && added !== null && added === hashOf(joined(top, path));
}

function isAsCommitted(path: Name, { common }: Repository, index: GitIndex, tree: string): boolean | null {
	const committed = inTree(common, tree, path);
	return committed === null ? null : committed === index.entries.get(path);
}

/** The hash that git gives a file; null where it cannot be read. */
function hashOf(path: Name): string | null {
	const target = lstatOf(path)?.isSymbolicLink() === true ? linkTextOf(path) : null;
	const bytes = target === null ? readBytes(path) : Buffer.from(target);
	return bytes === null ? null : createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}
