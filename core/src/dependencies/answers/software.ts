import type { Use, FileFact, Name, SoftwareDependency } from '../../model/index.ts';
import type { Judgement } from '../judge.ts';
import { isManagers, type Naming } from '../names.ts';
import type { Package } from '../packages.ts';
import { isCleanIn, repositoryOf } from '../git/index.ts';
import { byName, isWithin, parentOf, statOf } from '../paths.ts';
import { sha256InHash } from '../python/record.ts';
import { joinScopes, type Part, type Selector } from '../scopes.ts';

/** The software that a part of a run used or names, sorted by name. */
export function describeSoftware(j: Judgement, selector: Selector, files: ReadonlyMap<Name, FileFact>): SoftwareDependency[] {
	const named = new Map<Package, Naming[]>();
	for (const one of j.named) named.set(one.package, [...(named.get(one.package) ?? []), one]);
	const all = new Set([...j.used.keys(), ...named.keys()]);
	return [...all]
		.flatMap((one) => {
			const item = softwareItem(one, j, selector, files, named.get(one) ?? []);
			return item === null ? [] : [item];
		})
		.toSorted(
			(a, b) =>
				byName(a.name.toLowerCase(), b.name.toLowerCase()) ||
				byName(a.ecosystem, b.ecosystem) ||
				byName(a.version ?? '', b.version ?? ''),
		);
}

function softwareItem(
	one: Package,
	j: Judgement,
	selector: Selector,
	files: ReadonlyMap<Name, FileFact>,
	named: readonly Naming[],
): SoftwareDependency | null {
	const { scopes, uses } = j.world;
	const paths = [...(j.used.get(one) ?? [])];
	const isHad = (access: Use) => scopes.selects(selector, access) || scopes.inherits(selector, access);
	const opening: Use[] = [];
	const touched: Name[] = [];
	for (const path of paths) {
		let isTouched = false;
		for (const access of uses.of(path)) {
			if (!opens(access)) continue;
			opening.push(access);
			isTouched ||= isHad(access);
		}
		if (isTouched) touched.push(path);
	}
	// What a cell names inside a function may be loaded by workers alone: then the manager has not used it.
	const isManager = (each: Naming) => each.path === null || isManagers(each.path, j.world);
	const naming = named.filter((each) =>
		isSelected(each.cell, selector, { manager: isManager(each), touched: touched.length > 0 }),
	);
	if (touched.length === 0 && naming.length === 0) return null;
	const everywhere = scopes.of(opening);
	const cells = {
		cells: named.flatMap((each) => each.cell ?? []),
		workers: [],
		tasks: [],
		manager: named.some(isManager),
		outside: [],
	};
	return {
		name: one.name,
		version: one.version,
		ecosystem: one.ecosystem,
		direct: naming.length > 0,
		why: [...(touched.length > 0 ? (['touched'] as const) : []), ...(naming.length > 0 ? (['named'] as const) : [])],
		...joinScopes([everywhere, cells]),
		files: touched.length,
		bytes: touched.reduce((sum, path) => sum + sizeOf(path, files.get(path)), 0),
		dataFiles: touched.filter((path) => isDataOf(path, j)).length,
		origin: originOf(one, paths, j),
		reason: [namedReason(naming, selector), touchedReason(touched.length), doubtOf(one, touched, j, files)]
			.filter((text) => text !== '')
			.join('; '),
	};
}

/** Where it came from; of what is the user's own, whether the files that the run used are as the commit has them. */
function originOf(one: Package, paths: readonly Name[], { world }: Judgement): SoftwareDependency['origin'] {
	if (one.origin === null || one.origin['commit'] === undefined) return one.origin === null ? null : { ...one.origin };
	const editable = one.origin['dir_info'] !== undefined;
	if (one.ecosystem !== 'local' && !editable) return { ...one.origin };
	const sources = paths.flatMap((path) => (path.endsWith('.pyc') ? [] : [world.real(path) ?? path]));
	// An editable install has its files in site-packages too: its finder is no part of the repository.
	const repository = sources.map((path) => repositoryOf(parentOf(path))).find((found) => found !== null) ?? null;
	const inside = repository === null ? [] : editable ? sources.filter((path) => isWithin(path, repository.top)) : sources;
	return { ...one.origin, clean: repository === null || inside.length === 0 ? null : isCleanIn(repository, inside) };
}

function opens(access: Use): boolean {
	return access.how === 'read' || access.how === 'readwrite' || access.how === 'execute' || access.how === 'append';
}

/** What a package is made of: sources, bytecode, libraries, and what its installer wrote beside them. */
const code = /\.(py|pyc|pyi|pyx|pxd|pth|pyd|so(\.[\d.]+)?|a|h|hpp|c|cpp|R|rdb|rdx|rds|jl|js|mjs|sh|pl|pm)$|\.(dist|egg)-info\//;

/** A file that a package carries for others to read: a table, a font, a picture. */
function isDataOf(path: Name, { world }: Judgement): boolean {
	return !code.test(path) && !world.uses.has(path, 'execute') && world.uses.has(path, 'read');
}

function sizeOf(path: Name, file: FileFact | undefined): number {
	return file !== undefined && file.kind === 'file' ? (file.size ?? 0) : (statOf(path)?.size ?? 0);
}

/**
 * Cells run in the manager: what they name, it uses; and so it is with a program's own code. But a function that is sent away
 * may import within itself: what is then loaded by workers alone is named for them, not for the manager.
 */
function isSelected(
	cell: number | null,
	selector: Selector,
	by: { readonly manager: boolean; readonly touched: boolean },
): boolean {
	const fits = (one: Part): boolean => {
		switch (one.part) {
			case 'run':
			case 'program':
				return true;
			case 'manager':
				return by.manager;
			case 'cell':
				return one.cell === cell;
			case 'workers':
			case 'worker':
			case 'tasks':
				return by.touched;
		}
	};
	return selector.parts.some(fits);
}

function namedReason(naming: readonly Naming[], selector: Selector): string {
	const [first] = naming;
	if (first === undefined) return '';
	const doubt = naming.every((each) => each.ambiguous) ? ' (several packages have files below this name)' : '';
	const cells = [...new Set(naming.flatMap((each) => each.cell ?? []))];
	const one = selector.parts.length === 1 && selector.parts[0]!.part === 'cell';
	const where = one ? 'here' : cells.length === 0 ? 'by the program' : `in ${cellList(cells)}`;
	const loads = [...new Set(naming.filter((each) => each.path !== null && each.loaded !== each.cell).map((each) => each.loaded))];
	const earlier = loads.map((cell) => (cell === null ? 'by the kernel' : `by cell ${cell}`));
	const loaded =
		earlier.length === 0 || (!one && cells.length > 1 && loads.every((cell) => cell !== null))
			? ''
			: `, loaded ${earlier.join(' and ')}`;
	return `named ${where}: ${first.text}${loaded}${doubt}`;
}

function touchedReason(count: number): string {
	return count === 0 ? '' : `${count} of its files ${count === 1 ? 'was' : 'were'} opened`;
}

/** What was used and is not what the package's own list says. */
function doubtOf(one: Package, touched: readonly Name[], j: Judgement, files: ReadonlyMap<Name, FileFact>): string {
	const texts: string[] = [];
	const gone = touched.filter((path) => files.get(path)?.kind === 'gone');
	if (gone.length > 0) texts.push(`${gone.length} of them ${gone.length === 1 ? 'was' : 'were'} gone when the run ended`);
	if (one.ecosystem === 'pypi') {
		const site = j.world.machine.site(one.root);
		const changed = touched.filter((path) => {
			const now = files.get(path)?.sha256After ?? null;
			const listed = site.listing(j.world.real(path) ?? path).map((row) => sha256InHash(row.hash));
			return now !== null && listed.length > 0 && listed.every((hash) => hash !== null && hash !== now);
		});
		if (changed.length > 0) {
			texts.push(`${changed.length} of them ${changed.length === 1 ? 'is' : 'are'} not as its RECORD says: ${changed[0]}`);
		}
	}
	return texts.join('; ');
}

export function cellList(cells: readonly number[]): string {
	const sorted = [...new Set(cells)].toSorted((a, b) => a - b);
	return sorted.length === 1 ? `cell ${sorted[0]}` : `cells ${sorted.slice(0, -1).join(', ')} and ${sorted.at(-1)}`;
}
