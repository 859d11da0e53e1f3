import type { OutputComparison, OutputVerdict } from '../model/index.ts';

/** When a run happened, in milliseconds since 1970. */
export interface Window {
	readonly from: number;
	readonly to: number;
}

/** How strictly two things are compared, and when each of them was made. */
export interface Strictness {
	/** Two numbers are close where |a − b| ≤ atol + rtol · max(|a|, |b|). Both 0: only what is written alike is the same. */
	readonly rtol: number;
	readonly atol: number;
	/** Null where it is not known; then no time is taken for that of the run. */
	readonly when: { readonly a: Window | null; readonly b: Window | null };
}

/** What comparing two things of one kind says. `largestDifference` is absolute, in the unit of the numbers; null where none could be formed. */
export type Judged = Omit<OutputComparison, 'kind'>;

export const same: Judged = { verdict: 'same', reason: null, largestDifference: null };

export function differs(reason: string, largestDifference: number | null = null): Judged {
	return { verdict: 'differs', reason, largestDifference };
}

export function notCompared(reason: string): Judged {
	return { verdict: 'not compared', reason, largestDifference: null };
}

/** From best to worst: what is not compared could still be anything but is not known to differ. */
const order: readonly OutputVerdict[] = ['same', 'close', 'not compared', 'differs', 'raised'];

export function worst(verdicts: readonly OutputVerdict[]): OutputVerdict {
	return verdicts.reduce<OutputVerdict>((a, b) => (order.indexOf(b) > order.indexOf(a) ? b : a), 'same');
}

/** The judgement of a thing by its parts, each part's reason under its name. */
export function together(parts: readonly { readonly name: string; readonly judged: Judged }[]): Judged {
	const verdict = worst(parts.map(({ judged }) => judged.verdict));
	const reasons = parts.flatMap(({ name, judged }) =>
		judged.reason === null ? [] : [name === '' ? judged.reason : `${name}: ${judged.reason}`],
	);
	return {
		verdict,
		reason: reasons.length === 0 ? null : reasons.join('; '),
		largestDifference: largest(parts.map(({ judged }) => judged.largestDifference)),
	};
}

export function largest(differences: readonly (number | null)[]): number | null {
	return differences.reduce((a, b) => (a === null ? b : b === null ? a : Math.max(a, b)), null);
}

/** Whether tolerances are given at all; without them nothing can be close. */
export function isTolerant(o: Pick<Strictness, 'rtol' | 'atol'>): boolean {
	return o.rtol > 0 || o.atol > 0;
}
