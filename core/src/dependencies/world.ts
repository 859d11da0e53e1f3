import {
	workspacesOf,
	type CellUse,
	type ExecFact,
	type Facts,
	type FileFact,
	type Name,
	type NumberedPaths,
	type Run,
	type ScriptUse,
	type Warning,
} from '../model/index.ts';
import { findConda, type Conda } from './conda/ownership.ts';
import { storyOf, type Story } from './data/story.ts';
import type { Machine } from './machine.ts';
import { findEnvironments, type Environments } from './python/environments.ts';
import { openProject, type ProjectMatcher } from './project/index.ts';
import { sourceOfBytecode } from './python/bytecode.ts';
import {
	baseOf,
	cleaned,
	isFile,
	isFolder,
	isWithin,
	joined,
	keepingLast,
	lstatOf,
	nameOfText,
	parentOf,
	realPathOf,
	statOf,
} from './paths.ts';
import { createPathScopes, createScopes, type PathScopes, type ScopeTeller } from './scopes.ts';
import { indexUses, type Uses } from './uses.ts';

/** What a path is; of a link, what it leads to. */
export type Kind = 'file' | 'directory' | 'other' | 'gone';

/** All that a question about a path is answered from: the run's facts, and the files and packages of this machine. */
export interface World {
	readonly run: Run;
	readonly facts: Facts;
	readonly files: ReadonlyMap<Name, FileFact>;
	readonly machine: Machine;
	readonly uses: Uses;
	readonly environments: Environments;
	readonly conda: Conda;
	readonly home: Name;
	/** The notebook's folder; of a program, its working folder. */
	readonly folder: Name;
	/** Of TaskVine's workers: what lies there are copies and links that the engine makes. */
	readonly workspaces: readonly Name[];
	/** As what tasks saw a file, where that is not its own name: each name once. */
	seenAs(path: Name): readonly Name[];
	/** Folders for temporary files. */
	readonly temporary: readonly Name[];
	/**
	 * The cells whose code reads the names in some folder, by their numbers (null: a script's code), with these folders as written;
	 * null where the text does not tell.
	 */
	readonly listing: ReadonlyMap<number | null, readonly string[] | null>;
	readonly scopes: ScopeTeller;
	readonly scopesOf: PathScopes;
	/** The project's own rules. */
	readonly project: ProjectMatcher;
	/** When the run began, in milliseconds since 1970. */
	readonly started: number;
	/** Sources of which the bytecode was used or looked for: they were imported. Links resolved. */
	readonly imported: ReadonlySet<Name>;
	/** Files that a program was told to run, or that were executed themselves. Links resolved. */
	readonly ran: ReadonlySet<Name>;
	/** Links resolved; null where nothing is there. */
	real(path: Name): Name | null;
	kind(path: Name): Kind;
	story(path: Name): Story;
	/** The folder, itself or one above, that says by a CACHEDIR.TAG that it is a cache; a conda prefix says so and is none, HOME and the notebook's folder never are. */
	cacheFolder(folder: Name): Name | null;
	/** A path got more uses: its story is told anew, and its scopes. */
	forget(path: Name): void;
	warn(warning: Warning): void;
	readonly warnings: readonly Warning[];
}

export interface WorldOptions {
	readonly run: Run;
	readonly facts: Facts;
	readonly paths?: NumberedPaths;
	readonly files: ReadonlyMap<Name, FileFact>;
	readonly machine: Machine;
	readonly cells: readonly CellUse[];
	readonly scripts?: readonly ScriptUse[];
}

export function createWorld({ run, facts, paths, files, machine, cells, scripts = [] }: WorldOptions): World {
	const { circumstances } = run;
	const uses = indexUses(facts, paths);
	const environment = circumstances.environment;
	const cwd = nameOfText(circumstances.cwd);
	const folder = run.notebook === null ? cwd : parentOf(run.notebook);
	const reals = new Map<Name, Name | null>();
	const real = (path: Name): Name | null => {
		const fact = files.get(path);
		if (fact !== undefined && (fact.realPath !== null || fact.kind === 'gone')) return fact.realPath;
		let found = reals.get(path);
		if (found === undefined) reals.set(path, (found = resolved(path)));
		return found;
	};
	const resolved = (path: Name): Name | null => {
		if (machine.view !== null || path === '/' || path.includes('/.')) return realPathOf(path);
		const state = lstatOf(path);
		if (state === null) return null;
		if (state.isSymbolicLink()) return realPathOf(path);
		// Of what is no link only the folder's links matter, and many files share a folder.
		const folder = real(parentOf(path));
		if (folder === null) return null;
		return folder === parentOf(path) ? path : joined(folder, baseOf(path));
	};
	const caches = new Map<Name, Name | null>();
	const home = nameOfText(circumstances.home);
	const cacheFolder = (at: Name): Name | null => {
		if (at === '/' || at === home || at === folder) return null;
		let found = caches.get(at);
		if (found === undefined)
			caches.set(
				at,
				(found = isFile(joined(at, 'CACHEDIR.TAG')) && !isFolder(joined(at, 'conda-meta')) ? at : cacheFolder(parentOf(at))),
			);
		return found;
	};
	const environments = findEnvironments({
		used: firstUses(uses),
		listed: listedFolders(uses, real),
		folders: [folder, cwd],
		pythonPath: environment['PYTHONPATH'] ?? null,
		openSite: (site) => machine.site(site),
	});
	// A story is sooner told again than found among hundreds of thousands.
	const story = keepingLast((path: Name) => storyOf(path, uses, files.get(path) ?? null));
	const warnings: Warning[] = [];
	const ran = new Set<Name>();
	for (const exec of facts.execs) for (const path of programsOf(exec, cwd)) ran.add(real(path) ?? path);
	const names = new Map<Name, Name[]>();
	for (const { path, as } of facts.names) {
		const known = names.get(path);
		if (known === undefined) names.set(path, [as]);
		else if (!known.includes(as)) known.push(as);
	}
	const scopes = createScopes(run, facts);
	const scopesOf = createPathScopes(uses, scopes);
	for (const { number, names } of cells) {
		for (const file of names.runs) {
			const script = scriptOf(file, number, { uses, scopes, folder, home: nameOfText(circumstances.home) });
			ran.add(real(script) ?? script);
		}
	}
	return {
		run,
		facts,
		files,
		machine,
		uses,
		environments,
		conda: findConda({
			openPrefix: (prefix) => machine.conda(prefix),
			openSite: (site) => machine.site(site),
			sites: environments.sites,
		}),
		home,
		folder,
		workspaces: workspacesOf(facts).map((one) => one.folder),
		seenAs: (path) => names.get(path) ?? [],
		temporary: [...new Set(['/tmp', '/var/tmp', '/dev/shm', ...(environment['TMPDIR']?.split('\n') ?? [])].map(cleaned))],
		listing: new Map<number | null, readonly string[] | null>([
			...cells.flatMap(({ number, names }) => (names.lists ? [[number, names.listed ?? null] as const] : [])),
			...scripts.flatMap(({ names }) => (names.lists ? [[null, null] as const] : [])),
		]),
		scopes,
		scopesOf,
		project: openProject(circumstances.rules, home),
		started: Date.parse(run.started),
		imported: importedSources(uses, real),
		ran,
		real,
		kind(path) {
			const fact = files.get(path);
			if (fact !== undefined && fact.kind !== 'link' && fact.kind !== 'other') return fact.kind;
			const state = statOf(path);
			if (state === null) return 'gone';
			return state.isFile() ? 'file' : state.isDirectory() ? 'directory' : 'other';
		},
		story,
		cacheFolder,
		forget(path) {
			story.forget();
			scopesOf.forget(path);
		},
		warn: (warning) => void (warnings.some((one) => one.message === warning.message) || warnings.push(warning)),
		warnings,
	};
}

function* firstUses(uses: Uses): Generator<readonly [Name, number]> {
	for (const [path, accesses] of uses.entries()) {
		let first = Infinity;
		for (const access of accesses) if (access.how !== 'missing' && access.first < first) first = access.first;
		if (first < Infinity) yield [path, first];
	}
}

function* listedFolders(uses: Uses, real: (path: Name) => Name | null): Generator<Name> {
	for (const [path, accesses] of uses.entries()) {
		if (!accesses.some((access) => access.how === 'list')) continue;
		const folder = real(path);
		if (folder !== null) yield folder;
	}
}

function importedSources(uses: Uses, real: (path: Name) => Name | null): ReadonlySet<Name> {
	const sources = new Set<Name>();
	for (const path of uses.paths()) {
		const source = sourceOfBytecode(path);
		if (source === null) continue;
		sources.add(source);
		sources.add(real(source) ?? source);
	}
	return sources;
}

const runsScripts = /^(python[\d.]*|pypy[\d.]*|bash|sh|dash|zsh|ksh|perl|ruby|node|julia|R|Rscript|ipython\d?|env)$/;

/** The program, and where it is an interpreter the scripts that its arguments name (only existing paths are kept of these). */
function* programsOf(exec: ExecFact, cwd: Name): Generator<Name> {
	yield exec.path;
	if (!runsScripts.test(baseOf(exec.path))) return;
	for (const word of exec.argv.slice(1)) {
		// What follows is code, a module's name, or belongs to either.
		if (/^-[cem]/.test(word)) return;
		if (/^-|…/.test(word) || word === '') continue;
		yield joined(cwd, word);
		return;
	}
}

/**
 * The file that `%run` runs, or `source` of another language: seen from the notebook's folder, or, where the cell did not read that
 * one, the file of this name that it did read, for the working folder may be another by then.
 */
export function scriptOf(word: string, cell: number | null, o: Pick<World, 'uses' | 'scopes' | 'folder' | 'home'>): Name {
	const place = (written: string) =>
		written.startsWith('~/') ? `${o.home}/${nameOfText(written.slice(2))}` : nameOfText(written);
	const whole = /\.(py|ipy|ipynb|[Rr]|sh|bash)$/.test(word) || isFile(joined(o.folder, place(word)));
	const name = place(whole ? word : `${word}.py`);
	const near = joined(o.folder, name);
	const isRead = (path: Name) =>
		o.uses.of(path).some(({ how, cell: of }) => how === 'read' && (of === null ? null : o.scopes.cellOf(of)) === cell);
	if (isRead(near)) return near;
	const end = `/${name.replace(/^(\.{0,2}\/)+/, '')}`;
	for (const path of o.uses.paths()) if (path.endsWith(end) && isRead(path)) return path;
	return near;
}

/** The folder that a name stands below, of several; the longest. */
export function longestWithin(path: Name, folders: readonly Name[]): Name | null {
	let found: Name | null = null;
	for (const folder of folders) if (isWithin(path, folder) && folder.length > (found?.length ?? 0)) found = folder;
	return found;
}
