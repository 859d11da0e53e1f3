import { chmodSync, copyFileSync, mkdirSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createLoader, type Machine } from '../../dependencies/index.ts';
import { CellarError, encodeName, fsPath, type Name } from '../../model/index.ts';

/** A program in a bundle, with its own loader and libraries. */
export interface BundledProgram {
	/** The program's files by their places in the bundle, and where each was taken from. */
	readonly files: ReadonlyMap<string, Name>;
	/** How a shell starts it, in a folder whose path stands in `$cellar_here`. */
	readonly command: string;
	/** The file that must be executable for that. */
	readonly first: string;
}

/**
 * Puts a program into a bundle, byte for byte, with the libraries that it is linked to and the loader that finds them: on another
 * machine they may be older, or not there at all.
 *
 * @param folder the bundle
 * @param name what it is called there
 * @throws CellarError CELLAR_NO_SUCH_FILE where a library is missing; CELLAR_USAGE where it is no program of the kind that is loaded
 */
export function addProgram(folder: string, name: string, program: string): BundledProgram {
	const loader = createLoader(process.env['LD_LIBRARY_PATH'] ?? null);
	const path = encodeName(Buffer.from(realpathSync(program)));
	const file = loader.elf(path);
	if (file.is !== 'elf') {
		throw new CellarError('CELLAR_USAGE', `${name} is not a program that could be taken along`, {
			where: program,
			hint: `put a ${name} on PATH that is no script`,
		});
	}
	const place = `programs/${name}`;
	const files = new Map<string, Name>([[place, path]]);
	const libraries = `lib/${name}`;
	const { interpreter } = file.elf;
	if (interpreter !== null) {
		const above = loader.handsOn(path, file.elf);
		const waiting: Name[] = [path];
		files.set(join(libraries, basename(interpreter)), interpreter);
		for (let from = waiting.pop(); from !== undefined; from = waiting.pop()) {
			const each = loader.elf(from);
			if (each.is !== 'elf') continue;
			for (const need of loader.needs(from, each.elf, above)) {
				// Where the loader is asked for as a library, it is the one that runs.
				const place = join(libraries, basename(need.name));
				if (need.path === null) throw missing(need.name, program);
				if (files.has(place)) continue;
				files.set(place, need.path);
				waiting.push(encodeName(Buffer.from(realpathSync(fsPath(need.path)))));
			}
		}
		mkdirSync(join(folder, libraries), { recursive: true });
	}
	mkdirSync(join(folder, 'programs'), { recursive: true });
	for (const [place, from] of files) {
		copyFileSync(fsPath(from), join(folder, place));
		chmodSync(join(folder, place), place.endsWith(`/${name}`) || from === interpreter ? 0o755 : 0o644);
	}
	const at = (place: string) => `"$cellar_here/${place}"`;
	if (interpreter === null) return { files, command: at(place), first: place };
	const first = join(libraries, basename(interpreter));
	return { files, command: `${at(first)} --library-path ${at(libraries)} ${at(place)}`, first };
}

function missing(library: string, program: string): CellarError {
	return new CellarError('CELLAR_NO_SUCH_FILE', `the library ${library} was not found on this machine`, { where: program });
}

/** The package of the system's that brought a file, under any of its names; null where none did. */
export function packageOf(path: Name, machine: Machine): { readonly name: string; readonly version: string | null } | null {
	const real = encodeName(Buffer.from(realpathSync(fsPath(path))));
	for (const lists of [machine.dpkg(), machine.rpm(), machine.apk()]) {
		const found = lists.ownerOf(path) ?? lists.ownerOf(real);
		if (found !== null) return { name: found.name, version: found.version };
	}
	return null;
}
