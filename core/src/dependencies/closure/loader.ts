import type { Name } from '../../model/index.ts';
import { baseOf, cleaned, joined, nameOfText, namesIn, parentOf, readBytes, readText, statOf } from '../paths.ts';
import { readElf, type Elf, type ElfFile } from '../elf.ts';

/** Finds the libraries that a program or a library needs, as the dynamic loader would. @see ld.so(8) */
export interface Loader {
	/** What a file is; read once. */
	elf(path: Name): ElfFile;
	/**
	 * Where each needed library is; null for those that are not found.
	 *
	 * @param from links resolved
	 * @param above folders of DT_RPATH of what loads it
	 */
	needs(from: Name, elf: Elf, above: readonly Name[]): readonly { readonly name: string; readonly path: Name | null }[];
	/** The folders that an ELF's own DT_RPATH gives to what it loads. */
	handsOn(from: Name, elf: Elf): readonly Name[];
}

/** @param libraryPath LD_LIBRARY_PATH, as the run had it */
export function createLoader(libraryPath: string | null): Loader {
	const files = new Map<Name, ElfFile>();
	const elf = (path: Name): ElfFile => {
		let file = files.get(path);
		if (file === undefined) files.set(path, (file = readElf(path)));
		return file;
	};
	const set = foldersIn((libraryPath ?? '').split(/[:;]/), '/', null);
	let cache: ReadonlyMap<string, readonly Name[]> | null = null;
	let folders: readonly Name[] | null = null;
	const fits = (path: Name, kind: string) => {
		const file = statOf(path)?.isFile() === true ? elf(path) : null;
		return file?.is === 'elf' && file.elf.kind === kind;
	};
	return {
		elf,
		needs: (from, { kind, needed, rpath, runpath }, above) =>
			needed.map((name) => {
				if (name.includes('/'))
					return { name, path: fits(joined(parentOf(from), name), kind) ? joined(parentOf(from), name) : null };
				const ahead = runpath.length > 0 ? [] : [...foldersIn(rpath, parentOf(from), kind), ...above];
				for (const folder of [...ahead, ...set, ...foldersIn(runpath, parentOf(from), kind)]) {
					const path = `${folder}/${name}`;
					if (fits(path, kind)) return { name, path };
				}
				cache ??= readCache('/etc/ld.so.cache');
				for (const path of cache.get(name) ?? []) if (fits(path, kind)) return { name, path };
				folders ??= systemFolders();
				for (const folder of folders) if (fits(`${folder}/${name}`, kind)) return { name, path: `${folder}/${name}` };
				return { name, path: null };
			}),
		handsOn: (from, { kind, rpath }) => foldersIn(rpath, parentOf(from), kind),
	};
}

/** Folders of a search path; `$ORIGIN` is the folder of the file that names it. */
function foldersIn(words: readonly string[], origin: Name, kind: string | null): Name[] {
	const lib = kind?.startsWith('32') === true ? 'lib' : 'lib64';
	return words.flatMap((word) => {
		const path = nameOfText(word)
			.replaceAll(/\$(ORIGIN\b|\{ORIGIN\})/g, () => origin)
			.replaceAll(/\$(LIB\b|\{LIB\})/g, lib);
		return path.startsWith('/') ? [cleaned(path)] : [];
	});
}

const magic = 'glibc-ld.so.cache1.1';
const [headerSize, entrySize] = [48, 24];

/** The libraries in ld.so.cache by name, in its order; empty where it cannot be read. @see ldconfig(8) */
export function readCache(path: Name): ReadonlyMap<string, readonly Name[]> {
	const found = new Map<string, Name[]>();
	const bytes = readBytes(path);
	// An older format may stand before it.
	const start = bytes?.indexOf(magic) ?? -1;
	if (bytes === null || start < 0 || bytes.length < start + headerSize) return found;
	const text = (at: number) => {
		const end = bytes.indexOf(0, at);
		return end < 0 ? '' : bytes.subarray(at, end).toString('utf8');
	};
	const count = bytes.readUInt32LE(start + magic.length);
	for (let index = 0; index < count; index++) {
		const at = start + headerSize + index * entrySize;
		if (at + entrySize > bytes.length) break;
		const name = text(start + bytes.readUInt32LE(at + 4));
		const place = nameOfText(text(start + bytes.readUInt32LE(at + 8)));
		if (!place.startsWith('/')) continue;
		const known = found.get(name);
		if (known === undefined) found.set(name, [place]);
		else known.push(place);
	}
	return found;
}

/** The loader's own folders, and those of ld.so.conf; also what a system without ld.so.cache has. */
function systemFolders(): Name[] {
	const triplets = ['/lib', '/usr/lib'].flatMap((folder) =>
		(namesIn(folder) ?? []).filter((name) => /-linux-(gnu|musl)/.test(name)).map((name) => `${folder}/${name}`),
	);
	return [...foldersOfConf('/etc/ld.so.conf', 0), '/lib64', '/usr/lib64', ...triplets, '/lib', '/usr/lib', '/usr/local/lib'];
}

function foldersOfConf(file: Name, depth: number): Name[] {
	if (depth > 8) return [];
	return (readText(file) ?? '').split('\n').flatMap((line) => {
		const word = line.replace(/#.*/, '').trim();
		const included = /^include\s+(.*)$/.exec(word)?.[1];
		if (included === undefined) return word.startsWith('/') ? [nameOfText(word)] : [];
		const pattern = joined(parentOf(file), nameOfText(included));
		const shape = new RegExp(
			`^${baseOf(pattern)
				.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
				.replaceAll('*', '.*')
				.replaceAll('?', '.')}$`,
		);
		return (namesIn(parentOf(pattern)) ?? [])
			.filter((name) => shape.test(name))
			.flatMap((name) => foldersOfConf(joined(parentOf(pattern), name), depth + 1));
	});
}
