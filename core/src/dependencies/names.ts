import type { CellNames, CellUse, Name, ScriptUse } from '../model/index.ts';
import type { Owners } from './owners/index.ts';
import type { Package } from './packages.ts';
import { baseOf, isFile, isFolder, isWithin, joined, namesIn, parentOf } from './paths.ts';
import type { Interpreter } from './python/interpreter.ts';
import { scriptOf, type World } from './world.ts';

/** The user's code names a package: by an import, by a name that an earlier import bound, or by a command. */
export interface Naming {
	readonly package: Package;
	/** Null where it is the command or a script of a program without a notebook. */
	readonly cell: number | null;
	/** As a person would write it: `import numpy`, `!head`. */
	readonly text: string;
	/** The module, dotted; null for a command. */
	readonly module: string | null;
	/** The file that it was found by; null for what is compiled into the interpreter. */
	readonly path: Name | null;
	/** It was first loaded in this cell, or before the first one (null). */
	readonly loaded: number | null;
	/** Several packages have files below this name, and the code does not tell which is meant. */
	readonly ambiguous: boolean;
}

interface Loaded {
	readonly world: World;
	readonly owners: Owners;
	readonly used: ReadonlyMap<Package, ReadonlySet<Name>>;
	readonly packages: ReadonlyMap<Name, Package>;
	readonly cells: readonly CellUse[];
	readonly scripts: readonly ScriptUse[];
}

/** Resolves what cells and scripts name by the files that the run opened, in any part of it: never by guessing from the names alone. */
export function nameSoftware(o: Loaded): Naming[] {
	const isR = languageOf(o.world) === 'r';
	const modules = indexModules(o);
	const found: Naming[] = [];
	for (const cell of o.cells) {
		const named = cell.modules.flatMap(({ module }) =>
			isR ? byLibrary(module, cell.number, o) : byModule(module, cell.number, modules, o),
		);
		found.push(...withoutVague(named));
		found.push(...byCommand(cell.names, cell.number, o));
	}
	const commandLine = new Set(o.world.run.circumstances.argv.map((word) => baseOf(word)));
	for (const { script, names, modules: mentioned } of o.scripts) {
		// A package's own program (`pytest`, `jupyter`) is a script too, and not the user's.
		const own = script === null ? undefined : o.packages.get(script);
		if (script !== null && own?.ecosystem !== 'local') continue;
		if (script !== null && own !== undefined && commandLine.has(baseOf(script))) {
			found.push({ package: own, cell: null, text: baseOf(script), module: null, path: script, loaded: null, ambiguous: false });
		}
		found.push(...withoutVague(mentioned.flatMap(({ module }) => byModule(module, null, modules, o))));
		found.push(...byCommand(names, null, o));
	}
	const seen = new Set<string>();
	return found.filter((one) => {
		const key = `${one.cell}\n${one.text}\n${one.package.ecosystem}\n${one.package.name}\n${one.package.root}`;
		return !seen.has(key) && seen.add(key) !== undefined;
	});
}

/** Without the spaces of which another name tells the part. */
function withoutVague(named: readonly Naming[]): Naming[] {
	return named.filter((one) => !one.ambiguous || !named.some((other) => tellsWhich(one, other)));
}

/** `from space import part` names the space too, which many share: the part tells which of them is meant. */
function tellsWhich(space: Naming, part: Naming): boolean {
	return !part.ambiguous && part.module !== null && part.module.startsWith(`${space.module}.`);
}

/** Opened modules by where they are without their suffix, and the folders above them. */
interface Modules {
	readonly byStem: ReadonlyMap<Name, { readonly package: Package; readonly path: Name }>;
	readonly byFolder: ReadonlyMap<Name, ReadonlySet<Package>>;
	/** Where Python looks, in its order. */
	readonly roots: readonly Name[];
	/** Top-level names that a finder maps to a place of their own. */
	readonly mapped: ReadonlyMap<string, Name>;
	readonly kernel: { readonly interpreter: Interpreter; readonly package: Package } | null;
}

const moduleSuffix = /(\.(py|pyw|pyc|ipy)|(\.(cpython-[\w-]+|abi3))?\.so)$/;

function indexModules({ world, owners, used }: Loaded): Modules {
	const { environments } = world;
	const packageOf = (one: Interpreter): Package => world.conda.ofInterpreter(one) ?? one;
	const kernel = environments.interpreters[0] ?? null;
	const byStem = new Map<Name, { package: Package; path: Name }>();
	const byFolder = new Map<Name, Set<Package>>();
	for (const [one, files] of used) {
		for (const path of files) {
			const real = owners.namesOf(path).at(-1) ?? path;
			if (!moduleSuffix.test(real)) continue;
			const library = environments.interpreters.find((each) => isWithin(real, each.library) && !/-packages\//.test(real));
			const owner = library === undefined ? one : packageOf(library);
			const stem = real.replace(moduleSuffix, '').replace(/\/__init__$/, '');
			if (!byStem.has(stem)) byStem.set(stem, { package: owner, path });
			for (let folder = parentOf(stem); folder !== '/'; folder = parentOf(folder)) {
				const known = byFolder.get(folder);
				if (known?.has(owner) === true) break;
				if (known === undefined) byFolder.set(folder, new Set([owner]));
				else known.add(owner);
			}
		}
	}
	return {
		byStem,
		byFolder,
		roots: [
			...environments.ownFolders,
			...[...used.keys()].flatMap((one) => (one.ecosystem === 'local' ? [one.root] : [])),
			...(kernel === null ? [] : [kernel.library, joined(kernel.library, 'lib-dynload')]),
			...environments.sites.map((site) => site.folder),
			...environments.interpreters.slice(1).map((one) => one.library),
		],
		mapped: new Map(environments.editables.flatMap((one) => (one.name === null ? [] : [[one.name, one.path] as const]))),
		kernel: kernel === null ? null : { interpreter: kernel, package: packageOf(kernel) },
	};
}

function byModule(module: string, cell: number | null, modules: Modules, { world }: Loaded): Naming[] {
	const parts = module.split('.');
	if (parts.some((part) => part === '')) return [];
	const text = `import ${module}`;
	for (let depth = parts.length; depth > 0; depth--) {
		const hits = placesOf(parts.slice(0, depth), modules).flatMap((place) => modules.byStem.get(place) ?? []);
		// A worker may have another environment, and another version there: a cell means what the manager has.
		const hit = hits.length < 2 ? hits[0] : (hits.find(({ path }) => isManagers(path, world)) ?? hits[0]);
		if (hit !== undefined) return [{ ...hit, cell, text, module, loaded: firstLoad(hit.path, world), ambiguous: false }];
		// A namespace has no file of its own: whoever has files below it may be meant.
		for (const place of placesOf(parts.slice(0, depth), modules)) {
			const owners = [...(modules.byFolder.get(place) ?? [])];
			if (owners.length === 0) continue;
			return owners.map((one) => ({
				...{ package: one, cell, text, module, path: null },
				...{ loaded: null, ambiguous: owners.length > 1 },
			}));
		}
	}
	const kernel = modules.kernel;
	if (kernel === null || !isOwnModule(kernel.interpreter, parts[0]!)) return [];
	return [{ package: kernel.package, cell, text, module, path: null, loaded: null, ambiguous: false }];
}

/** Whether the manager itself used a file; not only workers did. */
export function isManagers(path: Name, { uses }: Pick<World, 'uses'>): boolean {
	return uses.of(path).some((access) => access.worker === null);
}

/** R's packages by their own names, of those that were loaded; those that come with R are R. */
function byLibrary(module: string, cell: number, { used, world }: Loaded): Naming[] {
	const all = [...used.keys()];
	const one =
		all.find(({ ecosystem, name }) => ecosystem === 'cran' && name === module) ??
		all.find(({ name, root }) => name === 'R' && isFile(joined(root, `library/${module}/DESCRIPTION`)));
	if (one === undefined) return [];
	const loads = [...(used.get(one) ?? [])].map((path) => ({ path, at: firstUse(path, world) }));
	const first = loads.reduce((best, each) => (each.at < best.at ? each : best), loads[0]!); // a used package has a file
	const loaded = firstLoad(first.path, world);
	return [{ package: one, cell, text: `package ${module}`, module, path: first.path, loaded, ambiguous: false }];
}

function firstUse(path: Name, world: World): number {
	return Math.min(...world.uses.of(path).map((access) => access.first));
}

function placesOf(parts: readonly string[], modules: Modules): Name[] {
	const [top = '', ...rest] = parts;
	const mapped = modules.mapped.get(top)?.replace(/\.py$/, '');
	const places = modules.roots.map((root) => joined(root, parts.join('/')));
	return mapped === undefined ? places : [[mapped, ...rest].join('/'), ...places];
}

function firstLoad(path: Name, world: World): number | null {
	let first: { at: number; cell: number | null } | null = null;
	for (const access of world.uses.of(path)) {
		if (access.how === 'missing' || access.how === 'stat' || (first !== null && access.first >= first.at)) continue;
		first = { at: access.first, cell: access.cell === null ? null : world.scopes.cellOf(access.cell) };
	}
	return first?.cell ?? null;
}

/** Modules that are compiled into CPython: no file stands for them. */
const builtIn = new Set(
	'_abc _ast _codecs _collections _functools _imp _io _locale _operator _signal _sre _stat _string _symtable _thread _tracemalloc _typing _warnings _weakref array atexit binascii builtins cmath errno faulthandler fcntl gc grp itertools marshal math mmap posix pwd pyexpat readline resource select spwd sys syslog termios time unicodedata xxsubtype zlib __future__ __main__'.split(
		' ',
	),
);

/** The interpreter has a module of that name, opened or not: those that are frozen into it leave no access. */
function isOwnModule(one: Interpreter, top: string): boolean {
	if (builtIn.has(top)) return true;
	if (isFile(joined(one.library, `${top}.py`)) || isFolder(joined(one.library, top))) return /^\w+$/.test(top);
	return (namesIn(joined(one.library, 'lib-dynload')) ?? []).some((name) => name.startsWith(`${top}.`));
}

function runText(world: World, file: string): string {
	const language = languageOf(world);
	return language === 'r' ? `source("${file}")` : language === 'bash' ? `source ${file}` : `%run ${file}`;
}

function languageOf({ run }: World): string {
	return run.circumstances.kernel?.language.toLowerCase() ?? '';
}

function byCommand(names: CellNames, cell: number | null, { world, packages }: Loaded): Naming[] {
	const own = world.facts.execs.filter((exec) => (exec.cell === null ? null : world.scopes.cellOf(exec.cell)) === cell);
	const sign = cell === null ? '' : '!';
	const named = names.commands.flatMap((command) =>
		own.filter((exec) => baseOf(exec.path) === baseOf(command)).map((exec) => ({ path: exec.path, text: `${sign}${command}` })),
	);
	const ran = names.runs.map((file) => ({
		path: scriptOf(file, cell, world),
		text: runText(world, file),
	}));
	return [...named, ...ran].flatMap(({ path, text }) => {
		const one = packages.get(path);
		return one === undefined ? [] : [{ package: one, cell, text, module: null, path, loaded: cell, ambiguous: false }];
	});
}
