import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as v from 'valibot';
import { CellarError } from '../../model/index.ts';

/** A package of npm's, as its `package.json` tells. */
export interface CodePackage {
	readonly name: string;
	readonly version: string;
	readonly license: string | null;
	readonly folder: string;
}

const packageSchema = v.object({
	name: v.string(),
	version: v.string(),
	license: v.optional(v.string()),
	dependencies: v.optional(v.record(v.string(), v.string()), {}),
	exports: v.optional(v.unknown()),
});

/** What stands between quotes behind `import`, `export … from`: as the compiler writes them, at the beginning of a line. */
const imported = /^(?:import|export)\b[^;'"]*?(?:\bfrom )?['"]([^'"]+)['"];?$/gm;
const besides = /new URL\('(\.\/[^']+)', import\.meta\.url\)/g;

/**
 * Puts the built code into a bundle that some files need, and nothing else of it: what they import, what is read beside them, and the
 * packages with what those depend on. Imports that are made when they are needed are not followed: name their files too.
 *
 * @param o.main the command line's first file; its package is `app`
 * @param o.also files of the core
 * @returns the packages, sorted by name
 * @throws CellarError CELLAR_INTERNAL where this is not built code
 */
export function addCode(folder: string, o: { readonly main: string; readonly also: readonly string[] }): readonly CodePackage[] {
	const app = join(folder, 'app');
	const packages = new Map<string, CodePackage>();
	const own = new Map([[packageFolderOf(o.main), app]]);
	for (const file of o.also) {
		const at = packageFolderOf(file);
		own.set(at, join(app, 'node_modules', manifestOf(at).name));
	}
	const takePackage = (at: string): void => {
		const { name, version, license, dependencies } = manifestOf(at);
		if (packages.has(name)) return;
		const to = join(app, 'node_modules', name);
		packages.set(name, { name, version, license: license ?? null, folder: relative(folder, to) });
		cpSync(at, to, { recursive: true, filter: (path) => path === at || isUsed(path, at) });
		for (const each of Object.keys(dependencies)) {
			const next = installed(each, at);
			if (next === null) throw new CellarError('CELLAR_INTERNAL', `the package ${each} is not installed`, { where: at });
			takePackage(next);
		}
	};
	const done = new Set<string>();
	const waiting = [o.main, ...o.also];
	const take = (word: string, file: string): void => {
		if (word.startsWith('.')) waiting.push(beside(word, file));
		if (word.startsWith('.') || word.startsWith('node:')) return;
		const words = word.split('/');
		const at = installed(words.slice(0, word.startsWith('@') ? 2 : 1).join('/'), dirname(file));
		// What looks like an import, in a comment for one, names no package.
		if (at === null) return;
		if (own.has(at)) waiting.push(entryOf(manifestOf(at), at));
		else takePackage(at);
	};
	for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
		if (done.has(file)) continue;
		done.add(file);
		const at = packageFolderOf(file);
		const placeOf = (path: string) => join(own.get(at) ?? app, relative(at, path));
		const text = readFileSync(file, 'utf8');
		copy(file, placeOf(file));
		for (const [, word = ''] of text.matchAll(imported)) take(word, file);
		for (const [, word = ''] of text.matchAll(besides)) {
			const path = beside(word, file);
			// What a bundle has beside its code is written by who makes the bundle.
			if (existsSync(path)) copy(path, placeOf(path));
		}
	}
	for (const [from, to] of own) copy(join(from, 'package.json'), join(to, 'package.json'));
	return [...packages.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Code, and who may use it how; no types, maps, tests, and no second copy for other ways to load it. */
function isUsed(path: string, folder: string): boolean {
	const inside = relative(folder, path);
	if (/(^|\/)(node_modules|debug|types|test|tests)(\/|$)/.test(inside)) return false;
	if (statSync(path).isDirectory()) return true;
	return /\.(js|mjs|json|wasm)$|(^|\/)licen[cs]e[^/]*$/i.test(inside) && !inside.endsWith('.min.mjs');
}

/** The folder of a package that a file would import by its name, links resolved; null where there is none. */
function installed(name: string, from: string): string | null {
	for (let folder = from; ; folder = dirname(folder)) {
		const found = join(folder, 'node_modules', name);
		if (existsSync(join(found, 'package.json'))) return realpathSync(found);
		if (folder === dirname(folder)) return null;
	}
}

function packageFolderOf(file: string): string {
	for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
		if (existsSync(join(folder, 'package.json'))) return folder;
	}
	throw new CellarError('CELLAR_INTERNAL', 'the code belongs to no package', { where: file });
}

function manifestOf(folder: string): v.InferOutput<typeof packageSchema> {
	return v.parse(v.pipe(v.string(), v.parseJson(), packageSchema), readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** The file that `import` takes of a package of ours. */
function entryOf({ exports }: v.InferOutput<typeof packageSchema>, folder: string): string {
	const entry = v.parse(v.object({ '.': v.union([v.string(), v.object({ default: v.string() })]) }), exports)['.'];
	return join(folder, typeof entry === 'string' ? entry : entry.default);
}

function beside(word: string, file: string): string {
	return fileURLToPath(new URL(word, pathToFileURL(file)));
}

function copy(from: string, to: string): void {
	mkdirSync(dirname(to), { recursive: true });
	cpSync(from, to, { recursive: true });
}
