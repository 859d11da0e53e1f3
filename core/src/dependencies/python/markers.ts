/** What a marker may ask about the environment, by PEP 508. `extra` is asked apart. */
export interface MarkerEnvironment {
	readonly [variable: string]: string;
}

type Token = { readonly kind: 'word' | 'string' | 'operator' | 'paren'; readonly text: string };

/**
 * Whether a requirement with this marker applies.
 *
 * @param extras the extras that were asked for; `extra == "x"` is true where any of them is x
 * @returns null where the marker cannot be read
 * @see https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers
 */
export function markerHolds(marker: string, environment: MarkerEnvironment, extras: ReadonlySet<string>): boolean | null {
	const tokens = tokensOf(marker);
	if (tokens === null) return null;
	const reader = { tokens, at: 0, environment, extras: extras.size === 0 ? [''] : [...extras] };
	const held = either(reader);
	return reader.at === tokens.length ? held : null;
}

interface Reader {
	readonly tokens: readonly Token[];
	at: number;
	readonly environment: MarkerEnvironment;
	readonly extras: readonly string[];
}

function tokensOf(marker: string): Token[] | null {
	const tokens: Token[] = [];
	const pattern = /\s*(?:([()])|(===|==|~=|!=|<=|>=|<|>)|'([^']*)'|"([^"]*)"|([A-Za-z_][\w.]*))/y;
	const text = marker.trim();
	while (pattern.lastIndex < text.length) {
		const match = pattern.exec(text);
		if (match === null) return null;
		const [, paren, operator, single, double, word] = match;
		const string = single ?? double;
		if (paren !== undefined) tokens.push({ kind: 'paren', text: paren });
		else if (operator !== undefined) tokens.push({ kind: 'operator', text: operator });
		else if (string !== undefined) tokens.push({ kind: 'string', text: string });
		else tokens.push({ kind: 'word', text: word! });
	}
	return tokens;
}

function either(reader: Reader): boolean | null {
	let held = both(reader);
	while (isWord(reader, 'or')) {
		reader.at++;
		const other = both(reader);
		held = held === null || other === null ? null : held || other;
	}
	return held;
}

function both(reader: Reader): boolean | null {
	let held = one(reader);
	while (isWord(reader, 'and')) {
		reader.at++;
		const other = one(reader);
		held = held === null || other === null ? null : held && other;
	}
	return held;
}

function one(reader: Reader): boolean | null {
	const token = reader.tokens[reader.at];
	if (token?.kind === 'paren' && token.text === '(') {
		reader.at++;
		const held = either(reader);
		if (reader.tokens[reader.at]?.text !== ')') return null;
		reader.at++;
		return held;
	}
	const left = reader.tokens[reader.at++];
	const operator = operatorAt(reader);
	const right = reader.tokens[reader.at++];
	if (left === undefined || right === undefined || operator === null) return null;
	return compared(left, operator, right, reader);
}

function operatorAt(reader: Reader): string | null {
	const token = reader.tokens[reader.at++];
	if (token?.kind === 'operator') return token.text;
	if (token?.kind === 'word' && token.text === 'in') return 'in';
	if (token?.kind !== 'word' || token.text !== 'not' || !isWord(reader, 'in')) return null;
	reader.at++;
	return 'not in';
}

function isWord(reader: Reader, word: string): boolean {
	const token = reader.tokens[reader.at];
	return token?.kind === 'word' && token.text === word;
}

const versions = new Set(['python_version', 'python_full_version', 'implementation_version', 'platform_release']);

function compared(left: Token, operator: string, right: Token, reader: Reader): boolean | null {
	// Two strings ask nothing of the environment, and are no marker.
	if (left.kind === right.kind || (left.kind !== 'string' && right.kind !== 'string')) return null;
	const variable = (left.kind === 'word' ? left : right).text
		.replaceAll('.', '_')
		.replace(/^python_implementation$/, 'platform_python_implementation');
	if (variable === 'extra') {
		const wanted = normalExtra((left.kind === 'string' ? left : right).text);
		const results = reader.extras.map((extra) => holds(normalExtra(extra), operator, wanted, false));
		return results.includes(null) ? null : results.some((held) => held === true);
	}
	const value = reader.environment[variable];
	if (value === undefined) return null;
	const [a, b] = left.kind === 'word' ? [value, right.text] : [left.text, value];
	return holds(a, operator, b, versions.has(variable));
}

function normalExtra(name: string): string {
	return name.replaceAll(/[-_.]+/g, '-').toLowerCase();
}

function holds(a: string, operator: string, b: string, asVersions: boolean): boolean | null {
	if (operator === 'in') return b.includes(a);
	if (operator === 'not in') return !b.includes(a);
	if (asVersions) {
		const held = versionHolds(a, operator, b);
		if (held !== null) return held;
	}
	switch (operator) {
		case '==':
		case '===':
			return a === b;
		case '!=':
			return a !== b;
		case '<':
			return a < b;
		case '<=':
			return a <= b;
		case '>':
			return a > b;
		case '>=':
			return a >= b;
		default:
			return null;
	}
}

/** Null where either is no version, and text decides. @see https://peps.python.org/pep-0440/#version-specifiers */
function versionHolds(a: string, operator: string, b: string): boolean | null {
	const wildcard = b.endsWith('.*') && (operator === '==' || operator === '!=');
	const version = parseVersion(a);
	const wanted = parseVersion(wildcard ? b.slice(0, -2) : b);
	if (version === null || wanted === null) return null;
	if (wildcard) {
		const starts = version.epoch === wanted.epoch && wanted.release.every((part, at) => part === (version.release[at] ?? 0));
		return operator === '==' ? starts : !starts;
	}
	const order = compareVersions(version, wanted);
	switch (operator) {
		case '===':
			return a === b;
		case '==':
			return order === 0;
		case '!=':
			return order !== 0;
		case '<=':
			return order <= 0;
		case '>=':
			return order >= 0;
		case '<':
			// What comes before a final release, such as its own candidates, is not less than it.
			return order < 0 && (wanted.pre !== null || version.pre === null || compareRelease(version, wanted) !== 0);
		case '>':
			// Nor is what comes after a final release greater than it.
			return order > 0 && (wanted.post >= 0 || version.post < 0 || compareRelease(version, wanted) !== 0);
		default: {
			if (operator !== '~=' || wanted.release.length < 2) return null;
			const stem = wanted.release.slice(0, -1);
			return order >= 0 && stem.every((part, at) => part === (version.release[at] ?? 0));
		}
	}
}

interface Version {
	readonly epoch: number;
	readonly release: readonly number[];
	/** Before the release: a, b, rc with its number; `dev` alone is before them all. Null for a final release. */
	readonly pre: readonly [number, number] | null;
	readonly post: number;
}

const preOrder: Readonly<Record<string, number>> = { dev: 0, a: 1, alpha: 1, b: 2, beta: 2, c: 3, rc: 3, pre: 3, preview: 3 };

const finalRelease: readonly [number, number] = [9, 0];

function parseVersion(text: string): Version | null {
	const match =
		/^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|alpha|b|beta|c|rc|pre|preview|dev)[-_.]?(\d*))?(?:[-_.]?post[-_.]?(\d*))?(?:\+[a-z\d.]+)?$/i.exec(
			text.trim(),
		);
	if (match === null) return null;
	const [, epoch, release = '', pre, preNumber, post] = match;
	return {
		epoch: Number(epoch ?? 0),
		release: release.split('.').map(Number),
		pre: pre === undefined ? null : [preOrder[pre.toLowerCase()] ?? 0, Number(preNumber || 0)],
		post: post === undefined ? -1 : Number(post || 0),
	};
}

function compareVersions(a: Version, b: Version): number {
	const release = a.epoch - b.epoch || compareRelease(a, b);
	if (release !== 0) return release;
	const x = a.pre ?? finalRelease;
	const y = b.pre ?? finalRelease;
	return x[0] - y[0] || x[1] - y[1] || a.post - b.post;
}

function compareRelease(a: Version, b: Version): number {
	for (let at = 0; at < Math.max(a.release.length, b.release.length); at++) {
		const order = (a.release[at] ?? 0) - (b.release[at] ?? 0);
		if (order !== 0) return order;
	}
	return 0;
}
