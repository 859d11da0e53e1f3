import { mayHoldSecret, secretKinds } from './kinds.ts';

/** Where in a text a secret stands, and of which kind it is. */
export interface Found {
	readonly kind: string;
	readonly from: number;
	readonly to: number;
}

/** What is told by its value, being known, and not by its form. */
const knownKind = 'known value';

/**
 * The secrets in a text, in its order, none inside another: those of a known form, and values that are known to be secret.
 *
 * @param known matches what is known, or null; global
 * @param sureOnly only what its own letters tell
 */
export function findSecrets(text: string, known: RegExp | null = null, sureOnly = false): readonly Found[] {
	const found: Found[] = [];
	for (const { kind, pattern, sure, holds } of mayHoldSecret.test(text) ? secretKinds : []) {
		if (sureOnly && !sure) continue;
		for (const match of text.matchAll(pattern)) {
			const secret = match.groups?.['secret'] ?? match[0];
			if (holds?.(secret) === false) continue;
			const [from, to] = match.indices?.groups?.['secret'] ?? [match.index, match.index + match[0].length];
			found.push({ kind, from, to });
		}
	}
	if (known !== null) {
		for (const match of text.matchAll(known))
			found.push({ kind: knownKind, from: match.index, to: match.index + match[0].length });
	}
	return found.length < 2 ? found : merged(found);
}

/** What overlaps is one secret, of the kind that comes first in the list. */
function merged(found: readonly Found[]): readonly Found[] {
	const rank = new Map(found.map((one, at) => [one, at]));
	const apart: Found[] = [];
	for (const one of found.toSorted((a, b) => a.from - b.from || b.to - a.to)) {
		const last = apart.at(-1);
		if (last === undefined || one.from >= last.to) {
			apart.push(one);
			continue;
		}
		const first = rank.get(last)! <= rank.get(one)! ? last : one;
		const whole: Found = { kind: first.kind, from: last.from, to: Math.max(last.to, one.to) };
		rank.set(whole, rank.get(first)!);
		apart[apart.length - 1] = whole;
	}
	return apart;
}

/** A pattern of values that are known to be secret, as they are and as JSON, HTML, addresses and base64 write them; null for none. */
export function patternOf(values: Iterable<string>): RegExp | null {
	const forms = new Set<string>();
	for (const value of values) {
		const json = JSON.stringify(value).slice(1, -1);
		const html = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
		const base64 = Buffer.from(value).toString('base64').replace(/=+$/, '');
		for (const form of [value, value.trim(), json, html, encodeURIComponent(value), base64]) forms.add(form);
	}
	if (forms.size === 0) return null;
	const longestFirst = [...forms].toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1));
	return new RegExp(longestFirst.map(alone).join('|'), 'g');
}

/** A value of letters alone may be a part of other words. */
function alone(form: string): string {
	const literal = form.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
	return /^[A-Za-z]+$/.test(form) ? `(?<![A-Za-z])${literal}(?![A-Za-z])` : literal;
}
