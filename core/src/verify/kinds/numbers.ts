import type { Strictness } from '../strictness.ts';

/**
 * A number that stands by itself in a text: signed or not, decimal or scientific, a unit glued to it or not; also nan and
 * inf. What only looks like one is text: parts of names (`x1`), versions and addresses (`1.2.3`), hexadecimal digests.
 */
const number = /(?<![\w.])[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![A-Za-z_]*\d|\.\d)|(?:nan|inf|infinity)(?!\w))/giu;

/** Dates and times of day: a step of one in them is no small difference. */
const dated = /\d{4}-\d{2}-\d{2}|\d{1,2}:\d{2}(?::\d{2})?/g;

/** A text cut at its numbers: `texts` has one entry more than `numbers`. */
export interface Cut {
	readonly texts: readonly string[];
	readonly numbers: readonly string[];
}

export function cutAtNumbers(text: string): Cut {
	const texts: string[] = [];
	const numbers: string[] = [];
	const dates = !/[:-]/.test(text)
		? []
		: [...text.matchAll(dated)].map((match) => [match.index, match.index + match[0].length] as const);
	let start = 0;
	let date = 0;
	for (const match of text.matchAll(number)) {
		const [from, to] = [match.index, match.index + match[0].length];
		while (date < dates.length && dates[date]![1] <= from) date++;
		const inDate = date < dates.length && dates[date]![0] < to;
		if (inDate) continue;
		texts.push(text.slice(start, from));
		numbers.push(match[0]);
		start = to;
	}
	texts.push(text.slice(start));
	return { texts, numbers };
}

/** A number as it is written, as a double; `nan` and `inf` in any case. */
export function valueOf(written: string): number {
	const special = /^([+-]?)(nan|inf)/i.exec(written);
	if (special === null) return Number(written);
	if (special[2]?.toLowerCase() === 'nan') return Number.NaN;
	return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** How far two numbers are apart. */
export interface Distance {
	/** |a − b|; 0 for two NaNs and two equal infinities; Infinity where only one is finite. */
	readonly absolute: number;
	/** The absolute distance over the larger magnitude; 0 where both are 0. */
	readonly relative: number;
	readonly close: boolean;
}

/** Symmetric: neither number is the reference. */
export function distance(a: number, b: number, o: Pick<Strictness, 'rtol' | 'atol'>): Distance {
	if (Object.is(a, b) || a === b) return { absolute: 0, relative: 0, close: true };
	if (!Number.isFinite(a) || !Number.isFinite(b)) return { absolute: Infinity, relative: Infinity, close: false };
	const absolute = Math.abs(a - b);
	const scale = Math.max(Math.abs(a), Math.abs(b));
	return { absolute, relative: absolute / scale, close: absolute <= o.atol + o.rtol * scale };
}

/** For a reason: at most three significant digits. */
export function inWords(value: number): string {
	return String(Number(value.toPrecision(3)));
}

const longestNumber = 100;

/** Whether a text is one number and nothing else. */
export function isNumber(text: string): boolean {
	if (text.length > longestNumber) return false;
	const { texts, numbers } = cutAtNumbers(text.trim());
	return numbers.length === 1 && texts.every((part) => part === '');
}
