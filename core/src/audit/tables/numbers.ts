import type { Text } from './bytes.ts';
import { createHash } from './hash.ts';

/** Numbers for calls by what they say, from 0 on in the order in which they came. */
export interface CallNumbers {
	/**
	 * The number of a call that says the bytes from `start` to `end` and, behind a gap, from `more` to `last`: of one that is new, the
	 * next. -1 where no more can be known, or the call is too long.
	 */
	numberOf(text: Text, start: number, end: number, more: number, last: number): number;
}

/** Of an entry: the two numbers of the hash, the call's number and one more (0: it is free), and a place that stays empty, so that none lies in two cache lines. */
const width = 4;
const smallest = 1 << 11;
/** As many different calls are known. */
const most = (1 << 20) - 1;

/** Calls are told apart by their hash alone (`hash.ts` says how sure that is). */
export function createCallNumbers(): CallNumbers {
	const hash = createHash();
	const { told } = hash;
	/** A place that is taken leads to the next one; at most four fifths are. */
	let entries = new Int32Array(smallest * width);
	let size = 0;

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

	return {
		numberOf(text, start, end, more, last) {
			if (!hash.tell(text, start, end, more, last)) return -1;
			const first = told[0]!;
			const second = told[1]!;
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
		},
	};
}
