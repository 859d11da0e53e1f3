import picomatch from 'picomatch';
import type { Name, ProjectRules } from '../../model/index.ts';
import { baseOf, isWithin, relativeTo } from '../paths.ts';

/** What a project's own rules say of a path. */
export interface ProjectMatcher {
	/** The first rule that fits one of a path's names. */
	ruleOf(names: readonly Name[]): { readonly as: ProjectRules['rules'][number]['as']; readonly reason: string } | null;
	/** Why one of a path's names is a secret: by `secrets`, or by a rule. */
	whySecret(names: readonly Name[]): string | null;
}

const silent: ProjectMatcher = { ruleOf: () => null, whySecret: () => null };

/**
 * Makes a project's rules ready to be asked. A glob without a slash fits the name of a file, one with a slash its whole path:
 * from `/`, from `~/`, or else from the folder of `cellar.toml`.
 */
export function openProject(rules: ProjectRules | null, home: Name): ProjectMatcher {
	if (rules === null || (rules.rules.length === 0 && rules.secrets.length === 0)) return silent;
	const { folder } = rules;
	const fits = (glob: string, anywhere: boolean) => matcherOf(glob, { folder, home, anywhere });
	const each = rules.rules.map((rule) => ({ rule, matches: fits(rule.path, rule.as === 'secret') }));
	const secrets = rules.secrets.map((glob) => ({ glob, matches: fits(glob, true) }));
	return {
		ruleOf(names) {
			const found = each.find(({ matches }) => names.some(matches));
			if (found === undefined) return null;
			return { as: found.rule.as, reason: reasonOf(found.rule.path, found.rule.reason) };
		},
		whySecret(names) {
			const secret = secrets.find(({ matches }) => names.some(matches));
			if (secret !== undefined) return reasonOf(secret.glob, 'a secret');
			const rule = each.find(({ matches }) => names.some(matches))?.rule;
			return rule?.as === 'secret' ? reasonOf(rule.path, rule.reason ?? 'a secret') : null;
		},
	};
}

function reasonOf(glob: string, reason: string | null): string {
	return reason === null ? `cellar.toml: ${glob}` : `cellar.toml: ${glob}: ${reason}`;
}

function matcherOf(
	glob: string,
	o: { readonly folder: Name; readonly home: Name; readonly anywhere: boolean },
): (path: Name) => boolean {
	// Extended globs can take a time without end; a backslash in a name is the run's encoding, and no separator.
	const options = { dot: true, noextglob: true, nonegate: true, windows: false };
	if (!glob.includes('/')) {
		const matches = picomatch(glob, options);
		return (path) => (o.anywhere || isWithin(path, o.folder)) && matches(baseOf(path));
	}
	const root = glob.startsWith('/') ? '/' : glob.startsWith('~/') ? o.home : o.folder;
	const matches = picomatch(glob.replace(/^(~?\/)/, ''), options);
	return (path) => {
		const below = relativeTo(path, root);
		return below !== null && matches(below);
	};
}
