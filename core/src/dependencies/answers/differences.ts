import { normalName, type Ecosystem, type SoftwareDependency, type VersionDifference } from '../../model/index.ts';
import { byName } from '../paths.ts';
import { joinScopes } from '../scopes.ts';

/** Of these a process loads one version; of others, such as npm's, it may well load several. */
const single: ReadonlySet<Ecosystem> = new Set(['pypi', 'conda', 'cran', 'julia', 'interpreter']);

/**
 * The packages of which two of a run's processes, the manager or workers, used different versions: each of the two used one that the
 * other did not.
 *
 * @param software of the whole run
 */
export function versionsThatDiffer(software: readonly SoftwareDependency[]): VersionDifference[] {
	const byPackage = new Map<string, SoftwareDependency[]>();
	for (const item of software) {
		if (!single.has(item.ecosystem) || !item.why.includes('touched')) continue;
		const key = `${item.ecosystem} ${normalName(item.name)}`;
		byPackage.set(key, [...(byPackage.get(key) ?? []), item]);
	}
	return [...byPackage.values()].filter(differs).map((items) => ({
		name: items[0]!.name,
		ecosystem: items[0]!.ecosystem,
		versions: byVersion(items).toSorted(
			(a, b) => Number(b.manager) - Number(a.manager) || byName(a.version ?? '', b.version ?? ''),
		),
	}));
}

/** One version may stand in several environments: the manager's and that of a worker. */
function byVersion(items: readonly SoftwareDependency[]): VersionDifference['versions'] {
	return [...new Set(items.map(({ version }) => version))].map((version) => {
		const { manager, workers, tasks } = joinScopes(items.filter((item) => item.version === version));
		return { version, manager, workers: [...workers], tasks: [...tasks] };
	});
}

function differs(items: readonly SoftwareDependency[]): boolean {
	if (new Set(items.map(({ version }) => version)).size < 2) return false;
	/** By who used it, the versions: a library may bring another version of what is installed beside it. */
	const versions = new Map<string, Set<string | null>>();
	for (const { version, manager, workers } of items) {
		for (const who of [...(manager ? ['manager'] : []), ...workers])
			versions.set(who, (versions.get(who) ?? new Set()).add(version));
	}
	// Thousands of workers have few sets between them.
	const keyOf = (set: ReadonlySet<string | null>) => [...set].map(String).toSorted(byName).join('\n');
	const kinds = [...new Map([...versions.values()].map((set) => [keyOf(set), set])).values()];
	const lacks = (a: ReadonlySet<string | null>, b: ReadonlySet<string | null>) => [...a].some((version) => !b.has(version));
	return kinds.some((a) => kinds.some((b) => lacks(a, b) && lacks(b, a)));
}
