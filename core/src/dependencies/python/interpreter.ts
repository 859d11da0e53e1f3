import type { Name } from '../../model/index.ts';
import type { Package } from '../packages.ts';
import { isFile, joined, namesIn, readBytes, readText, realPathOf } from '../paths.ts';

/** A Python with its own library; a virtual environment's base, never the environment itself. */
export interface Interpreter extends Package {
	readonly ecosystem: 'interpreter';
	/** The prefix (`sys.base_prefix`), links resolved. */
	readonly root: Name;
	/** The folder of the standard library: PREFIX/lib/python3.11. */
	readonly library: Name;
	/** `3.11`; `3.13t` for the free-threaded build. */
	readonly short: string;
	/** PREFIX/bin/python3.11, links resolved; null where it is not there. */
	readonly program: Name | null;
}

/** `3.11` of a library folder's own name, `lib/python3.11`. */
export const libraryName = /^python(\d+\.\d+t?)$/;

/**
 * The interpreter whose standard library is below `PREFIX/lib/pythonX.Y`.
 *
 * @param prefix links resolved
 * @returns null where no standard library is there
 */
export function findInterpreter(prefix: Name, short: string): Interpreter | null {
	const library = joined(prefix, `lib/python${short}`);
	if (!isFile(joined(library, 'os.py'))) return null;
	const program = realPathOf(joined(prefix, `bin/python${short}`));
	return {
		ecosystem: 'interpreter',
		name: 'python',
		version: versionOf(prefix, short, program),
		root: prefix,
		origin: null,
		library,
		short,
		program,
	};
}

/**
 * The exact version: from the header that is installed with the interpreter, and where there is none, from what was compiled
 * in: `PY_VERSION` is a string in the program, or in the libpython that it loads.
 */
function versionOf(prefix: Name, short: string, program: Name | null): string | null {
	const header = readText(joined(prefix, `include/python${short}/patchlevel.h`)) ?? '';
	const told = /^#define\s+PY_VERSION\s+"([^"+]+)/m.exec(header)?.[1];
	const plain = short.replace(/t$/, '');
	if (told?.startsWith(`${plain}.`) === true) return told;
	const folder = joined(prefix, 'lib');
	const libraries = (namesIn(folder) ?? []).filter((name) => name.startsWith(`libpython${short}`) && name.includes('.so'));
	for (const file of [program, ...libraries.map((name) => joined(folder, name))]) {
		const found = file === null ? null : versionIn(file, plain);
		if (found !== null) return found;
	}
	return null;
}

/** A linker may let `3.11.7` be the end of a longer string, such as a prefix: without a string of its own, the only one counts. */
function versionIn(file: Name, short: string): string | null {
	const bytes = readBytes(file);
	if (bytes === null) return null;
	const sought = Buffer.from(`${short}.`);
	const ends = new Set<string>();
	for (let at = bytes.indexOf(sought); at >= 0; at = bytes.indexOf(sought, at + 1)) {
		const found = /^(\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?)\+?\0/.exec(bytes.subarray(at, at + 24).toString('latin1'))?.[1];
		if (found === undefined) continue;
		if (bytes[at - 1] === 0) return found;
		ends.add(found);
	}
	return ends.size === 1 ? [...ends][0]! : null;
}

/** What a `pyvenv.cfg` says. */
export interface VirtualEnvironment {
	/** The environment's own folder, links resolved. */
	readonly prefix: Name;
	/** The folder with the base interpreter's program. */
	readonly home: Name | null;
	readonly systemSite: boolean;
}

/** @see https://docs.python.org/3/library/venv.html */
export function readEnvironment(prefix: Name): VirtualEnvironment | null {
	const text = readText(joined(prefix, 'pyvenv.cfg'));
	if (text === null) return null;
	const settings = new Map(
		text.split('\n').flatMap((line) => {
			const at = line.indexOf('=');
			return at < 0 ? [] : [[line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()] as const];
		}),
	);
	const home = settings.get('home');
	return {
		prefix,
		home: home === undefined ? null : joined('/', home),
		// `site` takes an absent line for true.
		systemSite: (settings.get('include-system-site-packages') ?? 'true').toLowerCase() === 'true',
	};
}
