import { isConda, type CondaPackage } from '../conda/prefix.ts';
import type { Package } from '../packages.ts';
import type { Interpreter } from '../python/interpreter.ts';
import { environmentOf, requiresClosure } from '../python/requires.ts';
import type { Distribution } from '../python/site.ts';
import type { World } from '../world.ts';

/** A package that nothing used, and one that requires it. */
export interface RequiredPackage {
	readonly package: Distribution | CondaPackage;
	readonly by: Package;
}

/** What a distribution requires that is not installed. */
interface Absent {
	readonly key: string;
	readonly by: Distribution;
}

/**
 * What packages require, and that in turn, over both installers: pip's packages may need conda's, and conda's may have been
 * replaced by pip's. Of what a conda package depends on only what has Python code goes in whole: libraries go in by what
 * binaries load, and what Python itself depends on is nothing else.
 */
export function requiredOf(
	distributions: readonly Distribution[],
	conda: readonly CondaPackage[],
	world: World,
): { readonly required: readonly RequiredPackage[]; readonly absent: readonly Absent[] } {
	const given = new Set<Package>([...distributions, ...conda]);
	const found = new Map<Distribution | CondaPackage, Package>();
	const absent = new Map<string, Absent>();
	let [fromPip, fromConda] = [distributions, conda];
	while (fromPip.length > 0 || fromConda.length > 0) {
		const next_: RequiredPackage[] = [];
		const needs = requiresClosure(fromPip, world.environments, (one) =>
			environmentOf(interpreterFor(one, world.environments.interpreters)),
		);
		for (const one of needs.absent) if (!absent.has(one.key)) absent.set(one.key, one);
		for (const { distribution, by } of needs.required)
			next_.push({ package: world.conda.ofDistribution(distribution) ?? distribution, by });
		next_.push(...fromConda.flatMap((one) => dependenciesOf(one, world)));
		const fresh = next_.filter((one) => !given.has(one.package) && !found.has(one.package));
		for (const one of fresh) if (!found.has(one.package)) found.set(one.package, one.by);
		const packages = [...new Set(fresh.map((one) => one.package))];
		fromPip = packages.filter((one) => one.ecosystem === 'pypi');
		fromConda = packages.filter(isConda);
	}
	return { required: [...found].map(([one, by]) => ({ package: one, by })), absent: [...absent.values()] };
}

function dependenciesOf(one: CondaPackage, world: World): RequiredPackage[] {
	const prefix = world.conda.prefixOf(one.root);
	const seen = new Set<CondaPackage>([one]);
	const required: RequiredPackage[] = [];
	const waiting = [one];
	for (let at = 0; at < waiting.length; at++) {
		if (waiting[at]!.name === 'python') continue;
		for (const next of waiting[at]!.depends.flatMap((name) => prefix?.find(name) ?? [])) {
			if (seen.has(next)) continue;
			seen.add(next);
			const instead = world.conda.inPlaceOf(next);
			if (instead !== null) required.push({ package: instead, by: waiting[at]! });
			else if (hasCode(next, world)) required.push({ package: next, by: waiting[at]! });
			// What has no code of its own may lead to what has.
			else waiting.push(next);
		}
	}
	return required;
}

function hasCode(one: CondaPackage, world: World): boolean {
	return one.name === 'python' || world.conda.filesOf(one).some(({ path }) => path.includes('/site-packages/'));
}

/** The interpreter whose version the site's folder names. */
function interpreterFor(one: Distribution, all: readonly Interpreter[]): Interpreter | null {
	const short = /\/python(\d+\.\d+t?)\//.exec(one.site)?.[1];
	return all.find((each) => each.short === short) ?? all[0] ?? null;
}
