import type { Access, ExecFact, Name } from '../../../model/index.ts';
import { isConda } from '../../conda/prefix.ts';
import { dependenciesOf, environmentOf } from '../../python/requires.ts';
import type { Judgement } from '../../judge.ts';
import { isSystems, type Package } from '../../packages.ts';
import { baseOf, byName, readText } from '../../paths.ts';
import type { Distribution } from '../../python/site.ts';

/**
 * The most plausible way from the user's code to a file: the cell, what it named, the distributions between by what they
 * require, and the file. What happened before the first cell begins with the kernel;
 * where there is no notebook, with the program.
 */
export function chainTo(j: Judgement, path: Name): string[] {
	const first = firstUse(j, path);
	if (first === null) return [];
	const cell = first.cell === null ? null : j.world.scopes.cellOf(first.cell);
	const isProgram = j.run.notebook === null;
	const start = cell !== null ? `cell ${cell}` : isProgram ? 'the program' : 'the kernel';
	const owner = j.packages.get(path) ?? null;
	const program = programOf(j, first, path);
	if (owner === null || isSystems(owner)) return [start, ...program, 'this file'];
	const named = j.named.filter((one) => one.cell === cell && one.module !== null);
	const direct = named.find((one) => one.package === owner);
	if (direct !== undefined) return [start, direct.text, ...steps([owner], owner), 'this file'];
	if (cell === null && !isProgram) {
		const from = kernelPackage(j);
		const way = from === null ? null : shortest(j, [from], owner);
		return [start, ...program, ...(way ?? [owner]).map((one) => one.name), 'this file'];
	}
	let best: { text: string; way: readonly Package[] } | null = null;
	for (const one of named) {
		const way = shortest(j, [one.package], owner);
		if (way !== null && (best === null || way.length < best.way.length)) best = { text: one.text, way };
	}
	if (best !== null) return [start, best.text, ...steps(best.way, owner), 'this file'];
	return [
		start,
		...program,
		...(program.length === 0 || owner.ecosystem === 'pypi' || isConda(owner) ? [owner.name] : []),
		'this file',
	];
}

function firstUse(j: Judgement, path: Name): Access | null {
	let first: Access | null = null;
	for (const access of j.world.uses.of(path)) if (first === null || access.first < first.first) first = access;
	return first;
}

/** `import numpy`, `numpy` would say it twice. */
function steps(way: readonly Package[], owner: Package): string[] {
	const [named] = way;
	return way.length === 1 && named === owner ? [] : way.slice(way[0] === owner ? 0 : 1).map((one) => one.name);
}

/** The program that a process had become when it used the path, where that is not the kernel. */
function programOf(j: Judgement, access: Access, path: Name): string[] {
	const { execs } = j.world.facts;
	let last: ExecFact | null = null;
	for (const exec of execs) {
		if (exec.process !== access.process || exec.log !== access.log || exec.seq > access.first) continue;
		if (last === null || exec.seq > last.seq) last = exec;
	}
	// The kernel became what it is before the first cell.
	const isKernel = last !== null && last.cell === null && last.process === execs[0]?.process;
	return last === null || isKernel || last.path === path ? [] : [baseOf(last.path)];
}

/** The distribution that the kernel was started from. */
function kernelPackage(j: Judgement): Package | null {
	const words = j.run.circumstances.argv;
	const module = words[words.indexOf('-m') + 1]?.replace(/_launcher$/, '') ?? '';
	return (
		[...j.used.keys()].find((one) => (one.ecosystem === 'pypi' || isConda(one)) && one.name.toLowerCase() === module) ?? null
	);
}

/** The shortest way over what packages require, and modules of the user's own import; null where there is none. */
function shortest(j: Judgement, from: readonly Package[], to: Package): Package[] | null {
	const came = new Map<Package, Package | null>(from.map((one) => [one, null]));
	const waiting = [...from];
	for (let at = 0; at < waiting.length; at++) {
		const one = waiting[at]!;
		if (one === to) {
			const way: Package[] = [];
			for (let step: Package | null = one; step !== null; step = came.get(step) ?? null) way.unshift(step);
			return way;
		}
		for (const next of neighbours(j, one)) {
			if (came.has(next)) continue;
			came.set(next, one);
			waiting.push(next);
		}
	}
	return null;
}

function neighbours(j: Judgement, one: Package): readonly Package[] {
	if (one.ecosystem === 'pypi') return requiredOf(j, one as Distribution); // only distributions are of that ecosystem
	if (isConda(one)) return one.depends.flatMap((name) => j.world.conda.prefixOf(one.root)?.find(name) ?? []);
	return one.ecosystem === 'local' ? importedBy(j, one) : [];
}

/** The names of the distributions and conda packages that the run used or named and that require a package; sorted. */
export function requiredBy(j: Judgement, one: Package): string[] {
	const requires = (other: Package) => other.ecosystem === 'pypi' || isConda(other);
	if (!requires(one)) return [];
	const all = new Set([...j.used.keys(), ...j.named.map((each) => each.package)]);
	return [...all]
		.filter((other) => other !== one && requires(other) && neighbours(j, other).includes(one))
		.map((other) => other.name)
		.toSorted(byName);
}

function requiredOf(j: Judgement, one: Distribution): Package[] {
	const environment = environmentOf(j.world.environments.interpreters[0] ?? null);
	return dependenciesOf(one, new Set(), j.world.environments, environment).flatMap((need) =>
		need.distribution === null ? [] : [j.world.conda.ofDistribution(need.distribution) ?? need.distribution],
	);
}

/** What the imports at the start of lines in own modules name. */
function importedBy(j: Judgement, one: Package): Package[] {
	const names = new Set<string>();
	for (const path of j.used.get(one) ?? []) {
		for (const match of (readText(path) ?? '').matchAll(/^[ \t]*(?:import|from)[ \t]+([\w.]+)/gm))
			names.add(match[1]!.split('.', 1)[0]!);
	}
	const stems = [...names].map((name) => new RegExp(`/${name}(/__init__)?\\.[^/]*$`));
	const found = new Set<Package>();
	for (const [other, files] of j.used) {
		for (const file of files) if (other !== one && stems.some((stem) => stem.test(file))) found.add(other);
	}
	return [...found];
}
