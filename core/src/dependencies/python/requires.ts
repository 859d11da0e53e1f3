import { machine, release, version } from 'node:os';
import { normalName } from '../../model/index.ts';
import type { Environments } from './environments.ts';
import type { Interpreter } from './interpreter.ts';
import { markerHolds, type MarkerEnvironment } from './markers.ts';
import type { Distribution } from './site.ts';

/** A `Requires-Dist`, taken apart. */
export interface Requirement {
	readonly key: string;
	readonly extras: readonly string[];
	readonly marker: string | null;
}

/** Null where it cannot be read. @see https://packaging.python.org/en/latest/specifications/dependency-specifiers/ */
export function parseRequirement(text: string): Requirement | null {
	const match = /^\s*([A-Za-z\d](?:[\w.-]*[A-Za-z\d])?)\s*(?:\[([^\]]*)\])?\s*([^;]*)(?:;(.*))?$/s.exec(text);
	if (match === null) return null;
	const [, name = '', extras = '', rest = '', marker] = match;
	// A URL may hold a semicolon: the marker begins after a space then.
	const url = rest.startsWith('@') ? /\s;(.*)$/s.exec(text)?.[1] : marker;
	return {
		key: normalName(name),
		extras: extras
			.split(',')
			.map((extra) => extra.trim())
			.filter((extra) => extra !== ''),
		marker: url === undefined || url.trim() === '' ? null : url.trim(),
	};
}

/** A requirement that applies, and what meets it; null where nothing that is installed does. */
export interface Need {
	readonly key: string;
	readonly distribution: Distribution | null;
	readonly extras: ReadonlySet<string>;
}

/** What a distribution requires here: markers evaluated, with the extras of it that were asked for and no others. */
export function dependenciesOf(
	one: Distribution,
	extras: ReadonlySet<string>,
	environments: Environments,
	environment: MarkerEnvironment,
): Need[] {
	const site = environments.sites.find((each) => each.folder === one.site);
	const sites = site === undefined ? environments.sites : environments.besides(site);
	return one.requires.flatMap((text) => {
		const requirement = parseRequirement(text);
		if (requirement === null) return [];
		// What cannot be read is taken to hold: a package too many does no harm.
		if (requirement.marker !== null && markerHolds(requirement.marker, environment, extras) === false) return [];
		const distribution = sites.flatMap((each) => each.distributions).find((each) => each.key === requirement.key) ?? null;
		return [{ key: requirement.key, distribution, extras: new Set(requirement.extras) }];
	});
}

/** What markers may ask of an interpreter on this machine. */
export function environmentOf(interpreter: Interpreter | null): MarkerEnvironment {
	const full = interpreter?.version ?? '3';
	const short = /^\d+\.\d+/.exec(full)?.[0] ?? full;
	return {
		implementation_name: 'cpython',
		implementation_version: full,
		os_name: 'posix',
		platform_machine: machine(),
		platform_python_implementation: 'CPython',
		platform_release: release(),
		platform_system: 'Linux',
		platform_version: version(),
		python_full_version: full,
		python_version: short,
		sys_platform: 'linux',
	};
}

/** A distribution that is needed because another requires it. */
export interface Required {
	readonly distribution: Distribution;
	readonly by: Distribution;
}

/**
 * All that distributions require, and what that requires in turn; those that are given are left out.
 *
 * @returns what is installed, and the names of what should be and is not
 */
export function requiresClosure(
	given: readonly Distribution[],
	environments: Environments,
	environmentFor: (one: Distribution) => MarkerEnvironment,
): { readonly required: readonly Required[]; readonly absent: readonly { readonly key: string; readonly by: Distribution }[] } {
	const asked = new Map<Distribution, Set<string>>(given.map((one) => [one, new Set<string>()]));
	const by = new Map<Distribution, Distribution>();
	const absent = new Map<string, Distribution>();
	const waiting = [...given];
	for (let at = 0; at < waiting.length; at++) {
		const one = waiting[at]!;
		for (const need of dependenciesOf(one, asked.get(one) ?? new Set(), environments, environmentFor(one))) {
			if (need.distribution === null) {
				if (!absent.has(need.key)) absent.set(need.key, one);
				continue;
			}
			const known = asked.get(need.distribution);
			if (known === undefined) {
				asked.set(need.distribution, new Set(need.extras));
				by.set(need.distribution, one);
				waiting.push(need.distribution);
			} else if ([...need.extras].some((extra) => !known.has(extra))) {
				// Asked for with more extras: what these need is found in a second look.
				for (const extra of need.extras) known.add(extra);
				waiting.push(need.distribution);
			}
		}
	}
	return {
		required: [...by].map(([distribution, from]) => ({ distribution, by: from })),
		absent: [...absent].map(([key, from]) => ({ key, by: from })),
	};
}
