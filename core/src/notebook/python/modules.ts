import type { CellImport, CellModule, CellNames } from '../../model/index.ts';
import { isAlwaysThere } from './builtins.ts';

/**
 * The modules that each cell names: those that it imports, and those that it uses by a name which an import of an earlier cell bound.
 * Names are followed in the order of the cells; one that a later cell binds in another way ends there. A name that nobody bound
 * may come from a star: then every module that was star-imported above counts.
 *
 * It is a lower bound. What a function of an earlier cell uses when it is called, or an object that was handed on, stands in no text.
 */
export function modulesByCell(cells: readonly CellNames[]): readonly (readonly CellModule[])[] {
	const aliases = new Map<string, ReadonlySet<string>>();
	const stars = new Set<string>();
	const bound = new Set<string>();
	return cells.map((cell) => {
		const here = new Set(cell.imports.flatMap(modulesOf));
		const own = aliasesOf(cell);
		for (const name of cell.defines) bound.add(name);
		const earlier = new Set(cell.uses.filter((name) => !own.has(name)).flatMap((name) => [...(aliases.get(name) ?? [])]));
		const starsHere = cell.imports.some(isStar);
		if (!starsHere && cell.uses.some((name) => !bound.has(name) && !isAlwaysThere(name)))
			for (const star of stars) earlier.add(star);
		for (const found of cell.imports) if (isStar(found)) stars.add(found.module);
		for (const name of cell.defines) aliases.delete(name);
		for (const [name, modules] of own) aliases.set(name, modules);
		return [
			...[...here].map((module): CellModule => ({ module, bound: 'here' })),
			...[...earlier].filter((module) => !here.has(module)).map((module): CellModule => ({ module, bound: 'earlier' })),
		].sort((a, b) => (a.module < b.module ? -1 : 1));
	});
}

function isStar({ names }: CellImport): boolean {
	return names?.[0] === '*';
}

/** `a.b` and `a.b.c` for `from a.b import c`: the text cannot tell whether `c` is a module. */
function modulesOf({ module, names }: CellImport): string[] {
	return [module, ...(names ?? []).filter((name) => name !== '*').map((name) => within(module, name))];
}

/** The names that the imports of a cell bind for the cells below, each with its modules; what a function imports is its own. */
function aliasesOf(cell: CellNames): ReadonlyMap<string, ReadonlySet<string>> {
	const aliases = new Map<string, Set<string>>();
	const global = new Set(cell.defines);
	for (const { module, names, bound } of cell.imports) {
		bound.forEach((name, at) => {
			if (!global.has(name)) return;
			const modules = aliases.get(name) ?? new Set<string>();
			modules.add(module);
			if (names?.[at] !== undefined) modules.add(within(module, names[at]));
			aliases.set(name, modules);
		});
	}
	return aliases;
}

function within(module: string, name: string): string {
	return module.endsWith('.') ? module + name : `${module}.${name}`;
}
