import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { encodeName, fsPath, type Name } from '../model/index.ts';

/** Whether a word of a command names a file that exists, seen from a working folder. */
export function existingPath(cwd: string): (word: Name) => boolean {
	const known = new Map<Name, boolean>();
	return (word) => {
		const cached = known.get(word);
		if (cached !== undefined) return cached;
		const found = word !== '' && existsSync(isAbsolute(word) ? fsPath(word) : fsPath(join(encodeName(Buffer.from(cwd)), word)));
		known.set(word, found);
		return found;
	};
}

/** The first few of a list, and how many more there are. */
export function firstOf(items: readonly string[]): string {
	const shown = items.slice(0, 5).join(', ');
	return items.length > 5 ? `${shown} and ${items.length - 5} more` : shown;
}
