import type { ExecFact, LogId, Name, ProcessOrdinal } from '../../model/index.ts';
import { readElf } from '../elf.ts';
import { baseOf, joined, nameOfText, parentOf, readStart } from '../paths.ts';
import type { World } from '../world.ts';
import { ownPackage } from './modules.ts';
import type { OwnerFinder } from './owner.ts';

const library = /\.so(\.\d+)*$/;
/** Of a library it matters which process loaded it. */
export function isLibrary(path: Name): boolean {
	return library.test(path);
}

/** The dynamic loader, where it is started as a program: it is told which one to run. @see ld.so(8) */
const loaders = /^ld(-linux[\w-]*|-musl-\w+|64|)\.so(\.\d+)?$/;
const withWord = /^--(library-path|inhibit-rpath|audit|preload|argv0)$/;

/**
 * Shared libraries that no package owns, and the programs that bring them: what somebody built below a prefix of their own. That one is
 * loaded, and not read as data, is known where a program that the process became needs it, itself or by what it loads.
 */
export const libraries: OwnerFinder = {
	name: 'loaded libraries',
	byList: false,
	open(world) {
		const known = new Map<string, Needs>();
		let lists: Lists | null = null;
		const needsOf = (log: LogId, process: ProcessOrdinal) => {
			const key = `${log} ${process}`;
			let found = known.get(key);
			if (found === undefined) known.set(key, (found = findNeeds(log, process, (lists ??= makeLists(world)), world)));
			return found;
		};
		const byLoader = new Set(world.facts.execs.flatMap((exec) => toldToLoader(exec) ?? []).map(baseOf));
		return ({ path, names, folder, made, secret }) => {
			const base = baseOf(path);
			const ofLibrary = library.test(base);
			if (folder || made || secret || !(ofLibrary || byLoader.has(base))) return null;
			for (const { how, log, process } of world.uses.of(path)) {
				if (how !== 'read') continue;
				const needs = needsOf(log, process);
				const real = names.at(-1) ?? path;
				const by = ofLibrary ? needs.libraries.get(base) : undefined;
				const rule = { is: 'software', package: ownPackage(parentOf(real), baseOf(real)), counts: true } as const;
				if (by !== undefined)
					return { ...rule, rule: 'loaded library', reason: `a library that ${by} needs, and no package lists it` };
				if (!ofLibrary && needs.programs.includes(path))
					return { ...rule, rule: 'own module', reason: 'a program of your own that the run started' };
			}
			return null;
		};
	},
};

interface Needs {
	/** What the process became. */
	readonly programs: readonly Name[];
	/** The names of libraries that these need, each with what needs it. */
	readonly libraries: ReadonlyMap<string, Name>;
}

/** By `LOG PROCESS`. */
interface Lists {
	readonly execs: ReadonlyMap<string, readonly ExecFact[]>;
	/** The libraries that it read, by their names. */
	readonly read: ReadonlyMap<string, ReadonlyMap<string, Name>>;
	readonly inherits: ReadonlyMap<string, ProcessOrdinal>;
}

function makeLists({ facts, uses }: World): Lists {
	const execs = new Map<string, ExecFact[]>();
	for (const exec of facts.execs) {
		const key = `${exec.log} ${exec.process}`;
		execs.set(key, [...(execs.get(key) ?? []), exec]);
	}
	const read = new Map<string, Map<string, Name>>();
	for (const path of uses.paths()) {
		if (!library.test(path)) continue;
		for (const { how, log, process } of uses.of(path)) {
			if (how !== 'read') continue;
			const key = `${log} ${process}`;
			let names = read.get(key);
			if (names === undefined) read.set(key, (names = new Map()));
			names.set(baseOf(path), path);
		}
	}
	const inherits = new Map<string, ProcessOrdinal>();
	for (const { log, ordinal, inheritsFrom } of facts.processes) {
		if (inheritsFrom !== null) inherits.set(`${log} ${ordinal}`, inheritsFrom);
	}
	return { execs, read, inherits };
}

/** What a process that became no program of its own runs is its maker's. */
function findNeeds(log: LogId, process: ProcessOrdinal, { execs, read, inherits }: Lists, world: World): Needs {
	const key = `${log} ${process}`;
	let maker: ProcessOrdinal | undefined = process;
	while (maker !== undefined && !execs.has(`${log} ${maker}`)) maker = inherits.get(`${log} ${maker}`);
	const programs = (maker === undefined ? [] : (execs.get(`${log} ${maker}`) ?? [])).flatMap((exec) => programsOf(exec, world));
	const own = read.get(key) ?? new Map<string, Name>();
	// Modules of installed packages are loaded, too.
	const modules = [...own.values()].filter((path) => world.environments.siteOf(path) !== null);
	const libraries = new Map<string, Name>();
	const waiting = [...programs, ...modules];
	for (let at = 0; at < waiting.length; at++) {
		const path = waiting[at]!;
		const file = readElf(path);
		if (file.is !== 'elf') continue;
		for (const name of file.elf.needed) {
			const base = baseOf(nameOfText(name));
			if (libraries.has(base)) continue;
			libraries.set(base, path);
			const found = own.get(base);
			if (found !== undefined) waiting.push(found);
		}
	}
	return { programs, libraries };
}

/** The program that was started, that of its `#!` line, and the one that a loader was told to run. */
function programsOf(exec: ExecFact, world: World): Name[] {
	const found = [exec.path];
	const line = /^#![ \t]*(\/\S+)/.exec(readStart(exec.path, 256)?.toString('utf8') ?? '');
	if (line?.[1] !== undefined) found.push(nameOfText(line[1]));
	const told = toldToLoader(exec);
	return told === null ? found : [...found, joined(nameOfText(world.run.circumstances.cwd), told)];
}

/** The program that a dynamic loader was told to run. */
export function toldToLoader({ path, argv }: ExecFact): Name | null {
	if (!loaders.test(baseOf(path))) return null;
	const words = argv.slice(1);
	const at = words.findIndex((word, at) => !word.startsWith('-') && !withWord.test(words[at - 1] ?? ''));
	return words[at] === undefined ? null : nameOfText(words[at]);
}
