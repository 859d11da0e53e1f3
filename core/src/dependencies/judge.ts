import {
	createPathTable,
	type CellUse,
	type Ecosystem,
	type Facts,
	type FileFact,
	type How,
	type Name,
	type NumberedPaths,
	type PathTable,
	type PathVerdict,
	type Run,
	type ScriptUse,
	type Warning,
} from '../model/index.ts';
import { caseOf } from './data/case.ts';
import { judgeUnowned } from './data/rules.ts';
import { isMade } from './data/story.ts';
import type { Machine } from './machine.ts';
import { nameSoftware, type Naming } from './names.ts';
import { openOwners, type Answer, type Owners } from './owners/index.ts';
import type { Package } from './packages.ts';
import { joined, relativeTo, seenBy } from './paths.ts';
import { createWorld, type World } from './world.ts';

/** What every path of a run is, and which software its parts used. */
export interface Judgement {
	readonly run: Run;
	/** One for each path that the run used, and for what these stand for. */
	readonly verdicts: ReadonlyMap<Name, PathVerdict>;
	/** What could not be read or settled: it stops nothing. */
	readonly warnings: readonly Warning[];
	/** The packages that were used, each with those of its files that were opened. */
	readonly used: ReadonlyMap<Package, ReadonlySet<Name>>;
	/** What the code of cells names, found among what was loaded. */
	readonly named: readonly Naming[];
	/** The package of each path that has one. */
	readonly packages: ReadonlyMap<Name, Package>;
	readonly owners: Owners;
	readonly world: World;
}

export interface JudgeOptions {
	readonly run: Run;
	readonly facts: Facts;
	/** Those of the accesses of `facts`, where they are known; what is known of `files` is then best in a table by the same. */
	readonly paths?: NumberedPaths;
	/** The state of every path of `facts`; before anything is hashed. */
	readonly files: ReadonlyMap<Name, FileFact>;
	/** What the code of each cell names; empty where it could not be read. */
	readonly cells: readonly CellUse[];
	/** What a program without a notebook names, by its command line and its scripts. */
	readonly scripts?: readonly ScriptUse[];
	readonly machine: Machine;
}

/** Opening in one of these ways is use; asking whether a file is there is not. */
const opening: ReadonlySet<How> = new Set(['read', 'readwrite', 'execute', 'append']);
/** Whose bytecode is theirs: they brought the source, and it does not change under their hands. */
const installed: ReadonlySet<Ecosystem> = new Set(['pypi', 'conda', 'cran', 'npm', 'deb', 'rpm', 'apk', 'interpreter']);

/**
 * Gives every path of a run its one verdict, and finds the software behind them: owners first, in their order, then the rules
 * for what no package owns (docs/dependencies.md).
 */
export function judge(o: JudgeOptions): Judgement {
	return seenBy(o.machine.view, () => judgeAll(o));
}

function judgeAll(o: JudgeOptions): Judgement {
	const world = createWorld(o);
	const owners = openOwners(world);
	const { numbers } = world.uses;
	const verdicts = createPathTable<PathVerdict>(numbers);
	const packages = createPathTable<Package>(numbers);
	const used = new Map<Package, Set<Name>>();
	const use = (one: Package, path: Name) => {
		const files = used.get(one);
		if (files === undefined) used.set(one, new Set([path]));
		else files.add(path);
	};
	const owned = new Map<Package, PathVerdict['owner']>();
	const ownerOf = (one: Package): PathVerdict['owner'] => {
		let owner = owned.get(one);
		if (owner === undefined) {
			owner = { name: one.name, version: one.version, ecosystem: one.ecosystem, root: one.root };
			owned.set(one, owner);
		}
		return owner;
	};
	const settle = (path: Name, answer: Exclude<Answer, { is: 'compiled' }>) => {
		const { is, package: one, rule, reason } = answer;
		verdicts.set(path, { path, verdict: is, rule, reason, owner: one === null ? null : ownerOf(one) });
		if (answer.package === null) return;
		packages.set(path, answer.package);
		const counts = answer.is === 'software' && answer.counts;
		if (!counts || !world.uses.of(path).some((access) => opening.has(access.how))) return;
		use(answer.package, path);
		if (answer.also !== undefined) use(answer.also, path);
	};

	/** What bytecode stands for: judged once more when all has been told of it. */
	const sources: Name[] = [];
	const judgeOne = (path: Name) => {
		const answer = world.story(path).missing ? null : owners.ask(path);
		if (answer === null) {
			const { rule, verdict, reason } = judgeUnowned(caseOf(path, owners.namesOf(path), world));
			verdicts.set(path, { path, rule, verdict, reason, owner: null });
			// Its accesses are at hand: who comes later for their scopes need not bring them from memory once more.
			if (verdict !== 'missing') world.scopesOf.openers(path);
			return;
		}
		if (answer.is !== 'compiled') {
			settle(path, answer);
			return;
		}
		const { source, answer: ofSource } = answer;
		const isThere = world.kind(source) === 'file';
		if (isThere) sources.push(...standIn(path, source, world, verdicts));
		settle(path, compiledAnswer(source, ofSource, isThere));
	};
	for (const path of world.uses.paths()) judgeOne(path);
	for (const source of sources) if (!verdicts.has(source)) judgeOne(source);
	warnOfGone(world, verdicts);
	for (const one of world.environments.interpreters) {
		for (const exec of o.facts.execs)
			if (world.real(exec.path) === one.program) use(world.conda.ofInterpreter(one) ?? one, exec.path);
	}
	return {
		run: o.run,
		verdicts,
		warnings: world.warnings,
		used,
		named: nameSoftware({ world, owners, used, packages, cells: o.cells, scripts: o.scripts ?? [] }),
		packages,
		owners,
		world,
	};
}

/** Packages whose files were read and are gone: a list that was removed with them names nobody any more. */
function warnOfGone(world: World, verdicts: ReadonlyMap<Name, PathVerdict>): void {
	const gone = new Map<Name, number>();
	for (const { path, verdict } of verdicts.values()) {
		if ((verdict !== 'software' && verdict !== 'unknown') || world.files.get(path)?.kind !== 'gone') continue;
		const site = world.environments.siteOf(path);
		const below = site === null ? null : relativeTo(path, site.folder);
		const story = world.story(path);
		if (site === null || below === null || story.read === null || isMade(story)) continue;
		const top = joined(site.folder, below.split('/', 1)[0] ?? below);
		gone.set(top, (gone.get(top) ?? 0) + 1);
	}
	for (const [top, count] of gone) {
		world.warn({
			code: 'CELLAR_SOFTWARE_GONE',
			message: `${top}: ${count} ${count === 1 ? 'file' : 'files'} that the run read ${count === 1 ? 'was' : 'were'} gone when it ended; whose they were is told by what was left`,
		});
	}
}

/** Reading bytecode is reading its source; returns what is still to be judged. */
function standIn(path: Name, source: Name, world: World, verdicts: PathTable<PathVerdict>): Name[] {
	const reads = world.uses.of(path).filter((access) => access.how === 'read');
	if (reads.length === 0) return [];
	world.uses.derive(source, reads);
	world.forget(source);
	verdicts.delete(source);
	return [source];
}

function compiledAnswer(
	source: Name,
	ofSource: Exclude<Answer, { is: 'compiled' }> | null,
	isThere: boolean,
): Exclude<Answer, { is: 'compiled' }> {
	const stands = `bytecode, stands for ${source}`;
	if (ofSource === null || (ofSource.is === 'software' && !installed.has(ofSource.package?.ecosystem ?? 'local'))) {
		return { is: 'cache', package: null, rule: 'bytecode', reason: isThere ? stands : `${stands}, which is gone` };
	}
	if (ofSource.is !== 'software') return { ...ofSource, reason: `${stands}: ${ofSource.reason}` };
	// The source counts in its place, where it is there.
	return { ...ofSource, rule: 'bytecode', reason: `${stands}: ${ofSource.reason}`, counts: ofSource.counts && !isThere };
}
