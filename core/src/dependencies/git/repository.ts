import { encodeName, type Name } from '../../model/index.ts';
import { isFile, isFolder, joined, parentOf, readText } from '../paths.ts';

/** Where a folder's history is kept. */
export interface Repository {
	/** The folder of its files. */
	readonly top: Name;
	/** HEAD and the index: of a worktree its own. */
	readonly own: Name;
	/** Branches and objects: of a worktree those of the repository that it is one of. */
	readonly common: Name;
}

/** The repository that a folder lies in; null where it lies in none. */
export function repositoryOf(folder: Name): Repository | null {
	for (let at = folder; ; at = parentOf(at)) {
		const git = joined(at, '.git');
		const own = isFolder(git) ? git : gitFile(git, at);
		if (own !== null && isFile(joined(own, 'HEAD'))) {
			const common = readText(joined(own, 'commondir'))?.trim();
			return { top: at, own, common: common === undefined ? own : joined(own, nameOf(common)) };
		}
		if (at === '/') return null;
	}
}

/** A worktree and a submodule have a file `.git` that says where theirs is. */
function gitFile(path: Name, folder: Name): Name | null {
	const place = /^gitdir: (.+?)\r?\n?$/.exec(readText(path) ?? '')?.[1];
	return place === undefined ? null : joined(folder, nameOf(place));
}

function nameOf(text: string): Name {
	return encodeName(Buffer.from(text));
}

/** The commit that is checked out; null before the first, and where it cannot be read. */
export function headOf({ own, common }: Repository): string | null {
	const head = readText(joined(own, 'HEAD'))?.trim();
	if (head === undefined) return null;
	const branch = /^ref: (\S+)$/.exec(head)?.[1];
	if (branch === undefined) return isCommit(head) ? head : null;
	const loose = readText(joined(common, nameOf(branch)))?.trim();
	if (loose !== undefined && isCommit(loose)) return loose;
	const packed = readText(joined(common, 'packed-refs'))
		?.split('\n')
		.find((line) => line.endsWith(` ${branch}`));
	const commit = packed?.split(' ', 1)[0];
	return commit !== undefined && isCommit(commit) ? commit : null;
}

function isCommit(word: string): boolean {
	return /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(word);
}
