import type { InstalledWheel, Name } from '../../model/index.ts';
import type { Judgement } from '../judge.ts';
import { seenBy } from '../paths.ts';
import { installedWheel } from '../python/wheel.ts';
import type { Distribution } from '../python/site.ts';

/**
 * What the distributions that a run used say of the archives that they came from, and the prefixes of its Pythons, where pip
 * has settings of its own. A distribution that came from elsewhere than an index is not in it.
 */
export function installedWheels(j: Judgement): {
	readonly wheels: readonly InstalledWheel[];
	readonly prefixes: readonly Name[];
} {
	const { environments, machine } = j.world;
	const used = new Set<unknown>([...j.used.keys(), ...j.named.map((each) => each.package)]);
	const isUsed = (one: Distribution) => used.has(one) && one.origin === null;
	const distributions = environments.sites.flatMap((site) => site.distributions).filter(isUsed);
	return {
		wheels: seenBy(machine.view, () => distributions.flatMap((one) => installedWheel(one) ?? [])),
		prefixes: [...environments.virtual.map((one) => one.prefix), ...environments.interpreters.map((one) => one.root)],
	};
}
