import { withoutCredentials } from '../../model/index.ts';

/** Where conda had a package from, with nothing of a secret in it. */
export interface CondaOrigin {
	readonly channel: string | null;
	readonly subdir: string | null;
	readonly build: string | null;
	readonly buildNumber: number | null;
	readonly url: string | null;
	readonly md5: string | null;
	readonly sha256: string | null;
	/** What the user asked for, as it was said; null for what only came with it. */
	readonly requested: string | null;
}

/** `numpy` of `conda-forge::numpy >=2` and of `numpy[version='>=2']`; null where none is named. */
export function nameInSpec(spec: string): string | null {
	const name = /^\s*(?:[^\s[\]]*::)?([A-Za-z\d_][\w.-]*)/.exec(spec)?.[1];
	return name === undefined ? null : name.toLowerCase();
}

/**
 * What `conda` was asked for in its own `history`, by name: a later request, or a removal, takes the place of an earlier one.
 *
 * @param text lines such as `# update specs: ['python=3.11', 'numpy']`
 */
export function requestsIn(text: string): ReadonlyMap<string, string> {
	const asked = new Map<string, string>();
	for (const line of text.split('\n')) {
		const match = /^# (update|install|create|remove) specs:\s*(.*)$/.exec(line.trim());
		if (match === null) continue;
		const [, what, list = ''] = match;
		// A list as Python prints it; before conda 4.4 the specs stood there bare.
		const quoted = [...list.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g)].map((one) => one[1] ?? one[2] ?? '');
		for (const spec of list.startsWith('[') ? quoted : list.split(',')) {
			const name = nameInSpec(spec);
			if (name === null) continue;
			if (what === 'remove') asked.delete(name);
			else asked.set(name, withoutCredentials(spec.trim()));
		}
	}
	return asked;
}
