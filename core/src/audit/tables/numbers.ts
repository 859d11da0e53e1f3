import type { Text } from './bytes.ts';
import { createHash } from './hash.ts';

/** Numbers for calls by what they say, from 0 on in the order in which they came. They are asked for in turn, and told for many at once. */
export interface CallNumbers {
	/**
	 * Asks for the number of a call that says the bytes from `start` to `end` and, behind a gap, from `more` to `last`.
	 *
	 * @param place where the number is wanted
	 */
	ask(text: Text, start: number, end: number, more: number, last: number, place: number): void;
	/** Writes the numbers that were asked for to their places: of a call that is new, the next; -1 where no more can be known, or it is too long. */
	tell(into: Int32Array): void;
}

/** Of an entry: the two numbers of the hash, the call's number and one more (0: it is free), and a place that stays empty, so that none lies in two cache lines. */
const width = 4;
const smallest = 1 << 11;
/** As many different calls are known. */
const most = (1 << 20) - 1;
/** So many entries are brought from memory at once: one after another, each would be waited for. */
const atOnce = 64;

/** Calls are told apart by their hash alone (`hash.ts` says how sure that is). */
export function createCallNumbers(): CallNumbers {
	const hash = createHash();
	const { told } = hash;
	/** A place that is taken leads to the next one; at most four fifths are. */
	let entries = new Int32Array(smallest * width);
	let size = 0;
	/** Of what was asked for: the two numbers of the hash, and the place. */
	let asked = new Int32Array(3 * atOnce);
	let count = 0;
	/** That something was brought must be seen, or it is not done. */
	let touched = 0;

	const grow = () => {
		const old = entries;
		entries = new Int32Array(old.length * 2);
		for (let from = 0; from < old.length; from += width) {
			if (old[from + 2] === 0) continue;
			let at = (old[from]! * width) & (entries.length - 1);
			while (entries[at + 2] !== 0) at = (at + width) & (entries.length - 1);
			for (let place = 0; place < 3; place++) entries[at + place] = old[from + place]!;
		}
	};
	const numberOf = (first: number, second: number): number => {
		let at = (first * width) & (entries.length - 1);
		while (entries[at + 2] !== 0) {
			if (entries[at] === first && entries[at + 1] === second) return entries[at + 2]! - 1;
			at = (at + width) & (entries.length - 1);
		}
		if (size === most) return -1;
		entries[at] = first;
		entries[at + 1] = second;
		entries[at + 2] = ++size;
		if (size * width * 5 > entries.length * 4) grow();
		return size - 1;
	};

	return {
		ask(text, start, end, more, last, place) {
			if (!hash.tell(text, start, end, more, last)) return;
			if (count * 3 === asked.length) {
				const larger = new Int32Array(asked.length * 2);
				larger.set(asked);
				asked = larger;
			}
			asked[count * 3] = told[0]!;
			asked[count * 3 + 1] = told[1]!;
			asked[count++ * 3 + 2] = place;
		},
		tell(into) {
			for (let from = 0; from < count; from += atOnce) {
				const to = Math.min(count, from + atOnce);
				for (let one = from; one < to; one++) touched ^= entries[(asked[one * 3]! * width) & (entries.length - 1)]!;
				for (let one = from; one < to; one++) into[asked[one * 3 + 2]!] = numberOf(asked[one * 3]!, asked[one * 3 + 1]!);
			}
			count = 0;
		},
	};
}
