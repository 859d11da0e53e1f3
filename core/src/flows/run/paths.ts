import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { encodeName, fsPath, type Name, type View } from '../../model/index.ts';

/** Whether a word of a command names a file that exists, seen from a working folder; in a view, where the run was not on this machine's files. */
export function existingPath(cwd: string, view: View | null = null): (word: Name) => boolean {
	const exists = (path: Name) => (view === null ? existsSync(fsPath(path)) : view.place(path, true) !== null);
	const known = new Map<Name, boolean>();
	return (word) => {
		const cached = known.get(word);
		if (cached !== undefined) return cached;
		const found = word !== '' && exists(isAbsolute(word) ? word : join(encodeName(Buffer.from(cwd)), word));
		known.set(word, found);
		return found;
	};
}

/** The first few of a list, and how many more there are. */
export function firstOf(items: readonly string[]): string {
	const shown = items.slice(0, 5).join(', ');
	return items.length > 5 ? `${shown} and ${items.length - 5} more` : shown;
}
