import type { Name } from '../../model/index.ts';
import { baseOf, isFile, isWithin, joined, parentOf, relativeTo } from '../paths.ts';
import { commitOf } from '../python/origin.ts';
import type { Package } from '../packages.ts';
import { longestWithin, type World } from '../world.ts';
import type { Answer, OwnerFinder } from './owner.ts';

const suffix = /\.(py|pyw|ipy|so|sh|[Rr]|jl|pl|rb|js|mjs|cjs)$/;
/** Code by nothing but its suffix, and the program that reads it as such. */
const readBy: readonly (readonly [RegExp, RegExp])[] = [
	[/\.[Rr]$/, /^(R|Rscript)$/],
	[/\.(js|mjs|cjs)$/, /^node(js)?$/],
	[/\.jl$/, /^julia$/],
];
const compiled = /\.so(\.\d+)*$/;

/** The user's own modules and programs: what the run imported or ran, and what a profile runs before the first cell. */
export const modules: OwnerFinder = {
	name: 'own modules',
	byList: false,
	open(world) {
		const known = new Map<string, Package>();
		const packageOf = (path: Name) => {
			const { root, name } = placeOf(path, world);
			const key = `${root}\n${name}`;
			let found = known.get(key);
			if (found === undefined) known.set(key, (found = ownPackage(root, name)));
			return found;
		};
		return ({ path, names, folder, made, secret }) => {
			if (made || secret) return null;
			if (folder)
				return isFile(joined(path, '__init__.py')) && isOwnPackage(names, world)
					? answer(packageOf(`${names.at(-1)!}/__init__.py`), 'a folder of your own modules', false)
					: null;
			const how = whyOwn(path, names, world);
			return how === null ? null : answer(packageOf(names.at(-1) ?? path), how, true);
		};
	},
};

function whyOwn(path: Name, names: readonly Name[], world: World): string | null {
	if (/\/\.ipython\/profile_[^/]+\/startup\/[^/]+\.(py|ipy)$/.test(path)) return 'IPython runs it before the first cell';
	const real = names.at(-1) ?? path;
	if (world.ran.has(real) && (suffix.test(path) || world.uses.has(path, 'execute')))
		return 'a program of your own that the run started';
	if (!suffix.test(path)) return null;
	const program = readBy.find(([ending]) => ending.test(path))?.[1];
	if (program !== undefined && isReadBy(path, program, world)) return 'code of your own that the run loaded';
	if (names.some((name) => world.imported.has(name))) return 'a module of your own that the run imported';
	const near = longestWithin(real, world.environments.ownFolders) !== null;
	if (near && compiled.test(path) && world.uses.has(path, 'read')) return 'a compiled module of your own that the run loaded';
	return null;
}

/** A process read it that had become such a program. */
function isReadBy(path: Name, program: RegExp, { uses, facts }: World): boolean {
	return uses
		.of(path)
		.some(
			(access) =>
				access.how === 'read' &&
				facts.execs.some((exec) => exec.process === access.process && exec.log === access.log && program.test(baseOf(exec.path))),
		);
}

/** A folder with modules of which one was imported. */
function isOwnPackage(names: readonly Name[], world: World): boolean {
	const folder = names.at(-1);
	if (folder === undefined) return false;
	for (const source of world.imported) if (isWithin(source, folder)) return true;
	return false;
}

/** The top-level module that a file is part of, and the folder that Python looks in for it. */
function placeOf(path: Name, world: World): { root: Name; name: string } {
	let root = parentOf(path);
	while (root !== '/' && isFile(joined(root, '__init__.py'))) root = parentOf(root);
	const known = longestWithin(root, world.environments.ownFolders);
	if (known !== null && /\.(py|so)$/.test(path) && world.imported.has(path)) root = known;
	const first = (relativeTo(path, root) ?? baseOf(path)).split('/', 1)[0] ?? baseOf(path);
	// A program is called by its whole name, a module by the word that imports it.
	return {
		root,
		name:
			first === baseOf(path) && (world.imported.has(path) || !world.ran.has(path))
				? first.replace(/\.(py|pyw|ipy|(cpython-[\w-]+\.|abi3\.)?so)$/, '')
				: first,
	};
}

/** Software of one's own: what lies in a folder under a name. */
export function ownPackage(root: Name, name: string): Package {
	const commit = commitOf(root);
	return { ecosystem: 'local', name, version: null, root, origin: { folder: root, ...(commit === null ? {} : { commit }) } };
}

function answer(one: Package, reason: string, counts: boolean): Answer {
	return { is: 'software', package: one, rule: counts ? 'own module' : 'folder of software', reason, counts };
}
