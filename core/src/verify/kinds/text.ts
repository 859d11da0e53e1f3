import { differs, isTolerant, same, type Judged, type Strictness } from '../strictness.ts';
import { mask, needed, type Masked } from './masks.ts';
import { cutAtNumbers, distance, inWords, valueOf } from './numbers.ts';

/** What a line of both texts comes to. */
interface Line {
	/** `moved`: only the white space differs; whether that counts depends on the other lines. */
	readonly verdict: 'same' | 'close' | 'moved' | 'differs';
	/** The masks that were needed. */
	readonly masks: readonly string[];
	/** The largest distance of a pair of numbers, where every number of the line has a partner. */
	readonly farthest: Far | null;
	/** What differs first, in words. */
	readonly reason: string;
}

/**
 * Compares two texts: byte for byte, then with what never repeats masked, then number by number. Linear in their length.
 *
 * @param html whether the lines are those of a web page, for the masks that only these have
 */
export function compareText(a: string, b: string, o: Strictness, html = false): Judged {
	if (a === b) return same;
	const [linesA, linesB] = [a.split('\n'), b.split('\n')];
	if (linesA.length !== linesB.length) return compareUneven(linesA, linesB, o, html);
	const found = linesA.flatMap((lineA, at): Located[] => {
		const lineB = linesB[at]!; // as many lines
		if (lineA === lineB) return [];
		return [{ ...compareLine(lineA, lineB, o, html), where: linesA.length === 1 ? '' : `line ${at + 1}: ` }];
	});
	return judge(found);
}

interface Located extends Line {
	/** To stand before its reason. */
	readonly where: string;
}

/** The judgement of the lines that are not alike: the first that differs is told in words. */
function judge(lines: readonly Located[]): Judged {
	const far = lines.reduce<Line['farthest']>((sum, { farthest }) => (farthest === null ? sum : farther(sum, farthest)), null);
	const largest = far !== null && Number.isFinite(far.absolute) ? far.absolute : null;
	// Longer numbers move what stands beside, above and below them. Without any, moved is changed.
	const mayMove = lines.some(({ verdict }) => verdict === 'close');
	const differing = lines.filter(({ verdict }) => verdict === 'differs' || (verdict === 'moved' && !mayMove));
	const [first, ...others] = differing;
	if (first !== undefined) {
		const more = others.length === 0 ? '' : `; ${others.length} more ${others.length === 1 ? 'line differs' : 'lines differ'}`;
		return differs(`${first.where}${first.reason}${more}`, largest);
	}
	const names = new Set(lines.flatMap((line) => line.masks));
	const masked = names.size > 0 ? [`masked: ${[...names].join(', ')}`] : [];
	if (far === null) return { verdict: 'same', reason: masked.join('') || null, largestDifference: null };
	const by = `numbers differ by at most ${inWords(far.absolute)} (relative ${inWords(far.relative)})`;
	return { verdict: 'close', reason: [by, ...masked].join('; '), largestDifference: largest };
}

interface Far {
	readonly absolute: number;
	readonly relative: number;
}

function farther(a: Far | null, b: Far): Far {
	if (a === null) return { absolute: b.absolute, relative: b.relative };
	return { absolute: Math.max(a.absolute, b.absolute), relative: Math.max(a.relative, b.relative) };
}

/** With a tolerance, longer numbers may have broken a line: then the texts are compared as one line. Otherwise they differ. */
function compareUneven(linesA: readonly string[], linesB: readonly string[], o: Strictness, html: boolean): Judged {
	const counts = linesInWords(linesA, linesB);
	if (isTolerant(o)) {
		const [a, b] = [maskAll(linesA, o.when.a, html), maskAll(linesB, o.when.b, html)];
		const judged = judge([{ ...compareMasked(a, b, a.text, b.text, o), where: '' }]);
		if (judged.verdict !== 'differs') return judged;
	}
	const at = linesA.findIndex(
		(line, k) =>
			linesB[k] === undefined || (line !== linesB[k] && !/same|close/.test(compareLine(line, linesB[k], o, html).verdict)),
	);
	const first = at < 0 ? linesA.length : at;
	return differs(`${counts}; line ${first + 1}: ${shown(linesA[first])} against ${shown(linesB[first])}`);
}

/** A newline at the end ends the last line and begins none. */
function linesInWords(a: readonly string[], b: readonly string[]): string {
	const [countA, countB] = [a, b].map((lines) => (lines.at(-1) === '' ? lines.length - 1 : lines.length));
	if (countA === countB) return 'only one of them ends with a newline';
	return `${countA} ${countA === 1 ? 'line' : 'lines'} against ${countB}`;
}

function maskAll(lines: readonly string[], when: Strictness['when']['a'], html: boolean): Masked {
	const parts = lines.map((line) => mask(line, when, html));
	const names = new Set(parts.flatMap((part) => [...part.taken.keys()]));
	const taken = new Map([...names].map((name) => [name, parts.flatMap((part) => part.taken.get(name) ?? [])]));
	return { text: parts.map((part) => part.text).join('\n'), taken };
}

/** A line with more characters is not taken apart only to say which of its numbers differs. */
const longestLine = 1_000_000;

/** Compares two lines that are not alike byte for byte. */
export function compareLine(lineA: string, lineB: string, o: Strictness, html: boolean): Line {
	return compareMasked(mask(lineA, o.when.a, html), mask(lineB, o.when.b, html), lineA, lineB, o);
}

function compareMasked(a: Masked, b: Masked, lineA: string, lineB: string, o: Strictness): Line {
	const used = needed(a, b);
	if (a.text === b.text) return { verdict: 'same', masks: used, farthest: null, reason: '' };
	const inText: Line = { verdict: 'differs', masks: [], farthest: null, reason: againstEachOther(lineA, lineB) };
	if (!isTolerant(o) && lineA.length > longestLine) return inText;
	const [cutA, cutB] = [cutAtNumbers(a.text), cutAtNumbers(b.text)];
	if (cutA.numbers.length !== cutB.numbers.length) return inText;
	if (cutA.texts.some((text, at) => text !== cutB.texts[at] && spaceless(text) !== spaceless(cutB.texts[at] ?? '')))
		return inText;
	const pairs = cutA.numbers.flatMap((numberA, at) => {
		const numberB = cutB.numbers[at] ?? '';
		return numberA === numberB ? [] : [{ numberA, numberB, apart: distance(valueOf(numberA), valueOf(numberB), o) }];
	});
	const farthest = pairs.reduce<Far | null>((sum, { apart }) => farther(sum, apart), null);
	if (farthest === null) return { ...inText, verdict: 'moved', masks: used };
	const apart = pairs.find((pair) => !(pair.apart.close && isTolerant(o)));
	if (apart === undefined) return { verdict: 'close', masks: used, farthest, reason: '' };
	return {
		verdict: 'differs',
		masks: [],
		farthest,
		reason: `${apart.numberA} against ${apart.numberB}${apartInWords(apart.apart)}`,
	};
}

function apartInWords({ absolute, relative }: Far): string {
	if (absolute === 0) return ' (written differently)';
	return Number.isFinite(absolute) ? ` (difference ${inWords(absolute)}, relative ${inWords(relative)})` : '';
}

/** White space and rules follow the width of the numbers beside them: none or one of each stands for any. */
function spaceless(text: string): string {
	return text
		.replace(/\s+/gu, ' ')
		.replace(/-{2,}|={2,}|─{2,}|━{2,}/gu, '-')
		.trim();
}

const shownBefore = 20;
const shownAfter = 40;

/** Both texts around the first character in which they differ. */
function againstEachOther(a: string, b: string): string {
	let at = 0;
	while (at < a.length && a[at] === b[at]) at++;
	const from = Math.max(0, at - shownBefore);
	return `${shown(a.slice(from), from > 0)} against ${shown(b.slice(from), from > 0)}`;
}

/** A piece of output as it may be shown on a terminal: quoted, short, and without a character that could command it. */
export function shown(text: string | undefined, cut = false): string {
	if (text === undefined) return 'nothing';
	const short = text.length > shownBefore + shownAfter ? `${text.slice(0, shownBefore + shownAfter)}…` : text;
	const quoted = JSON.stringify(cut ? `…${short}` : short);
	return quoted.replace(
		/[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu,
		(sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
	);
}
