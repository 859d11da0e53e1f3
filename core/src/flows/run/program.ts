import { accessSync, constants, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { CellarError, type Circumstances } from '../../model/index.ts';

/** Where a command and its words were given. */
export type Command = Pick<Circumstances, 'argv' | 'cwd'> & { readonly path: string };

/**
 * The file that a command starts, as a shell would find it.
 *
 * @throws CellarError CELLAR_NO_SUCH_FILE, CELLAR_NO_PERMISSION
 */
export function findProgram({ argv: [word = ''], cwd, path }: Command): string {
	const folders = word.includes('/') ? [''] : path.split(':');
	const candidates = folders.map((folder) => (word.includes('/') ? resolve(cwd, word) : join(resolve(cwd, folder), word)));
	const files = candidates.filter((one) => statSync(one, { throwIfNoEntry: false })?.isFile() === true);
	const found = files.find(isExecutable);
	if (found !== undefined) return found;
	if (files[0] !== undefined) {
		throw new CellarError('CELLAR_NO_PERMISSION', `${word} may not be executed`, {
			where: files[0],
			hint: `chmod +x ${word}, or start it by its interpreter: cellar audit -- python ${word}`,
		});
	}
	throw new CellarError('CELLAR_NO_SUCH_FILE', `there is no program ${word}${word.includes('/') ? '' : ' on PATH'}`, {
		hint: 'give its path, or the program that runs it; what a shell has built in (cd, source, an alias) needs sh -c',
		where: word,
	});
}

function isExecutable(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}

/** Python itself, under whatever name, or a script that Python runs: what it forks are workers, what a shell forks is not. */
export function isPython(program: string): boolean {
	const python = /^(python|pypy)[\d.]*$/;
	if (python.test(basename(program)) || python.test(basename(realpathSync(program)))) return true;
	return /^#!.*\b(python|pypy)/.test(readFileSync(program).subarray(0, 256).toString('latin1').split('\n', 1)[0]!);
}

/** What a command's words may name as files: each of them, and what follows a `=`. */
export function wordsOf(argv: readonly string[]): string[] {
	return argv.slice(1).flatMap((word) => [word, ...(/^--?[\w-]+=(.+)$/s.exec(word)?.slice(1) ?? [])]);
}

/** Where a module that `-m` runs would lie in the working folder. */
export function moduleFiles(module: string, cwd: string): string[] {
	const stem = join(cwd, ...module.split('.'));
	return [`${stem}.py`, join(stem, '__main__.py')];
}

/** A path of the command line, absolute. */
export function absolute(word: string, cwd: string): string {
	return isAbsolute(word) ? word : join(cwd, word);
}
