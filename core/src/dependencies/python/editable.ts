import type { Name } from '../../model/index.ts';
import { baseOf, isFolder, joined, nameOfText, namesIn, readText, realPathOf } from '../paths.ts';
import { parseLiteral, type Literal } from './literal.ts';
import { readDirectUrl } from './origin.ts';
import type { Distribution, Site } from './site.ts';

/** Where a distribution that is installed in place has its sources. */
export interface EditableSource {
	readonly distribution: Distribution;
	/**
	 * `module`: a package's folder or a module's file, imported as `name`. `folder`: on sys.path, with packages below.
	 * `project`: named by direct_url.json alone.
	 */
	readonly kind: 'module' | 'folder' | 'project';
	/** The dotted name of a `module`; null for folders. */
	readonly name: string | null;
	/** Links resolved. */
	readonly path: Name;
}

/** A folder that a `.pth` file puts on sys.path. */
export interface AddedFolder {
	readonly path: Name;
	/** The `.pth` that says so. */
	readonly by: Name;
}

/** What a site's `.pth` files and finders say of folders beside it. Nothing of them is run. */
export function readEditables(site: Site): {
	readonly sources: readonly EditableSource[];
	readonly added: readonly AddedFolder[];
} {
	const sources: EditableSource[] = [];
	const added: AddedFolder[] = [];
	for (const name of namesIn(site.folder) ?? []) {
		const isFinder = /^__editable___.*_finder\.py$/.test(name);
		// Whose any other name is need not be known: for that, the lists of nearly all distributions would be read.
		if (!isFinder && !name.endsWith('.pth')) continue;
		const file = joined(site.folder, name);
		const distribution = site.listing(file)[0]?.distribution ?? null;
		if (isFinder && distribution !== null) {
			for (const [module, path] of mappingIn(readText(file) ?? '')) {
				sources.push({ distribution, kind: 'module', name: module, path });
			}
		}
		for (const path of isFinder ? [] : foldersInPth(site.folder, readText(file) ?? '')) {
			added.push({ path, by: file });
			if (distribution !== null) sources.push({ distribution, kind: 'folder', name: null, path });
		}
	}
	for (const distribution of site.distributions) {
		const project = readDirectUrl(distribution.info)?.editable ?? null;
		const path = project === null ? null : realPathOf(project);
		if (path !== null) sources.push({ distribution, kind: 'project', name: null, path });
	}
	return { sources, added };
}

/** The existing folders that a `.pth` adds: each line that is neither blank, a comment nor an import. */
function foldersInPth(site: Name, text: string): Name[] {
	return text.split(/\r?\n/).flatMap((line) => {
		const word = line.trimEnd();
		if (word === '' || word.startsWith('#') || /^import[ \t]/.test(word)) return [];
		const path = realPathOf(joined(site, nameOfText(word)));
		return path !== null && isFolder(path) ? [path] : [];
	});
}

/** `MAPPING` and `NAMESPACES` of a finder that setuptools wrote, read as literals. */
function mappingIn(text: string): [string, Name][] {
	const found: [string, Name][] = [];
	for (const { 0: head, index } of text.matchAll(/^(?:MAPPING|NAMESPACES)\b[^={\n]*=\s*(?=\{)/gm)) {
		const literal = parseLiteral(text, index + head.length);
		if (!(literal instanceof Map)) continue;
		// `instanceof` says no more than Map; parseLiteral makes none with other keys.
		for (const [module, places] of literal as ReadonlyMap<string, Literal>) {
			for (const place of typeof places === 'string' ? [places] : Array.isArray(places) ? places : []) {
				if (typeof place === 'string') found.push(...existing(module, nameOfText(place)));
			}
		}
	}
	return found;
}

/** A module is mapped to its folder, or to its file without the suffix or with it. */
function existing(module: string, place: Name): [string, Name][] {
	for (const path of [place, `${place}.py`]) {
		const real = realPathOf(path);
		if (real !== null) return [[module, real]];
	}
	return [];
}

/** Suffixes of what Python imports, and of what it is made from. */
export const sourceSuffix = /\.(py|pyi|pyw|pyx|pxd|ipy|so|pyc)$/;

/** True for a file that is code of an editable install: its package's files, or a source anywhere in its folders. */
export function isEditableCode(source: EditableSource, path: Name): boolean {
	if (source.kind === 'module' || sourceSuffix.test(path)) return true;
	if (source.kind === 'project') return /^(pyproject\.toml|setup\.(py|cfg)|PKG-INFO)$/.test(baseOf(path));
	const first = path.slice(source.path.length + 1).split('/', 1)[0] ?? '';
	return readText(joined(source.path, `${first}/__init__.py`)) !== null;
}
