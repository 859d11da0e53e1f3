import { randomFillSync } from 'node:crypto';
import type { Text } from './bytes.ts';

/** Tells strings of bytes apart by numbers. */
export interface Hash {
	/** The two numbers for the string that was told last, each below 2 ** 31. */
	readonly told: Int32Array;
	/**
	 * Tells the bytes from `start` to `end` and, behind a gap, from `more` to `last`. The gap counts: the same bytes with it elsewhere
	 * are another string.
	 *
	 * @returns false, with nothing told, where they are longer than 4 KB
	 */
	tell(text: Text, start: number, end: number, more: number, last: number): boolean;
}

/** A prime of which remainders are found without dividing. */
const prime = 2 ** 31 - 1;
const longest = 4096;
/** The sum of two products of 47 bits for each of so many words is exact as a number of 53. */
const exact = 31;
const keysOfWord = 4;

/**
 * A hash of 62 bits, by keys that are drawn at random when it is made and that nobody gets to see. Whatever two different strings
 * are, they have the same hash with a probability of 1 in (2 ** 31 - 1) ** 2, about 5 * 10 ** 18: where a hundred thousand are known and a million
 * are looked for, one is taken for another in one of 5 * 10 ** 7 such logs. So a string is known by it, and need not be kept to be compared.
 *
 * In each lane, letters of 16 bits (first of all the two lengths) are multiplied by a key for their place, and added up modulo a
 * prime. Where two strings differ in one place at least, whatever the keys of all others are, one key of that place alone makes the sums equal.
 *
 * @see Carter and Wegman, Universal classes of hash functions (1979)
 * @see Lemire and Kaser, Strongly universal string hashing is fast (2014): the family “Multilinear”
 */
export function createHash(): Hash {
	// Side by side for each word: of each lane one for its lower half and one for its upper. The first word is the two lengths.
	const keys = drawKeys((longest / 4 + 3) * keysOfWord);
	const told = new Int32Array(2);
	return {
		told,
		tell({ view }, start, end, more, last) {
			const [before, behind] = [end - start, last - more];
			if (before + behind > longest) return false;
			// A sum that is taken out of a list may be an object to V8 from then on, made anew for every word.
			let a = keys[0]! * before + keys[1]! * behind;
			let b = keys[2]! * before + keys[3]! * behind;
			let key = keysOfWord;
			for (let part = 0; part < 2; part++) {
				let at = part === 0 ? start : more;
				const stop = part === 0 ? end : last;
				while (at < stop) {
					const pause = Math.min(stop, at + exact * 4);
					// Two words at a time: the sums of one wait for nothing of the other's.
					let a2 = 0;
					let b2 = 0;
					for (; at + 8 <= pause; at += 8, key += keysOfWord * 2) {
						const word = view.getInt32(at, true);
						const low = word & 0xffff;
						const high = word >>> 16;
						a += keys[key]! * low + keys[key + 1]! * high;
						b += keys[key + 2]! * low + keys[key + 3]! * high;
						const word2 = view.getInt32(at + 4, true);
						const low2 = word2 & 0xffff;
						const high2 = word2 >>> 16;
						a2 += keys[key + 4]! * low2 + keys[key + 5]! * high2;
						b2 += keys[key + 6]! * low2 + keys[key + 7]! * high2;
					}
					for (; at < pause; at += 4, key += keysOfWord) {
						const word = at + 4 <= pause ? view.getInt32(at, true) : lastWord(view, at, pause);
						const low = word & 0xffff;
						const high = word >>> 16;
						a += keys[key]! * low + keys[key + 1]! * high;
						b += keys[key + 2]! * low + keys[key + 3]! * high;
					}
					a = folded(a + a2);
					b = folded(b + b2);
				}
			}
			told[0] = remainder(a);
			told[1] = remainder(b);
			return true;
		},
	};
}

/** What is left behind the last whole word, with zeros. */
function lastWord(view: DataView, at: number, stop: number): number {
	let word = 0;
	for (let place = stop - 1; place >= at; place--) word = (word << 8) | view.getUint8(place);
	return word;
}

/** A number with the same remainder, a little above the prime at most: 2 ** 31 has the remainder 1. */
function folded(sum: number): number {
	const high = Math.floor(sum / 2 ** 31);
	return sum - high * 2 ** 31 + high;
}

function remainder(sum: number): number {
	const small = folded(folded(sum));
	return small >= prime ? small - prime : small;
}

/** Each number below the prime is as likely as any other. */
function drawKeys(count: number): Float64Array {
	const keys = new Float64Array(count);
	const drawn = new Uint32Array(count);
	for (let at = 0; at < count;) {
		randomFillSync(drawn);
		for (const one of drawn) if (one >>> 1 < prime && at < count) keys[at++] = one >>> 1;
	}
	return keys;
}
