import { lstatSync, statSync, type Stats } from 'node:fs';
import { fsPath, type Name } from '../../model/index.ts';

/** What is asked of the file system when a program is executed. */
export interface ProgramFiles {
	exists(path: Name): boolean;
	/** It runs with another's rights: under seccomp it then runs without them, or strace loses sight of it. */
	setuid(path: Name): boolean;
}

export const realFiles: ProgramFiles = {
	exists: (path) => lookAt(path, lstatSync) !== null,
	setuid: (path) => ((lookAt(path, statSync)?.mode ?? 0) & 0o6000) !== 0,
};

function lookAt(path: Name, look: (path: string | Buffer) => Stats): Stats | null {
	try {
		return look(fsPath(path));
	} catch {
		// Whatever keeps us from looking (gone, too long, no right, a NUL in a word): it is no path for us.
		return null;
	}
}
