import type { Text } from './bytes.ts';
import { createHash } from './hash.ts';

/** Calls that come again and again: by what they say, what is known of them, and how often they came since that was asked. */
export interface CallTable {
	/**
	 * The number of a call that says the bytes from `start` to `end` and, behind a gap, from `more` to `last`; -1 where it is not there.
	 * Numbers are those from 0 on, in the order in which calls came.
	 */
	find(text: Text, start: number, end: number, more: number, last: number): number;
	/** Adds the call that was not found just now, and gives its number; -1 where the table is full, or the call is too long. */
	add(): number;
	/**
	 * Such calls are uses that are counted in a row for its owner.
	 *
	 * @param folder only as long as this is the working folder of who calls; null: wherever that is
	 */
	learn(call: number, owner: number, row: number, folder: string | null): void;
	/** The row in which such calls were counted last, where that is known of calls in this working folder; otherwise -1. */
	rowOf(call: number, working: string | null): number;
	/** Counts a call in its row. False where that is another owner's. */
	repeat(call: number, owner: number, seq: number): boolean;
	/** From now on such calls are counted in that row. */
	turn(call: number, owner: number, row: number): void;
	/** Hands on all that was counted. */
	settle(): void;
	/** Nothing that was learnt is true any more. */
	forget(): void;
}

/** Side by side, for memory is what takes time here. A folder's number, from 1 on: 0 is what nothing was learnt of. */
const width = 8;
const column = { hash: 0, folder: 3, owner: 4, row: 5, count: 6, last: 7 } as const;
const smallest = 1 << 10;
/** A place holds the number of a call and one more (0: it is free), and above that a part of its hash. */
const numberBits = 20;
const numbers = (1 << numberBits) - 1;

/**
 * As many as a million different calls; what comes later is read as if it were new. They are told apart by their hash alone
 * (`hash.ts` says how sure that is).
 *
 * @param counted is told how often calls of a row came, and which was the last of them
 */
export function createCallTable(counted: (row: number, count: number, last: number) => void): CallTable {
	const hash = createHash();
	const { told } = hash;
	/** What is told was looked for. */
	let isTold = false;
	/** A place that is taken leads to the next one; at most half are. */
	let places = new Int32Array(smallest * 2);
	let calls = new Uint32Array(smallest * width);
	let size = 0;
	const folders: (string | null)[] = [];

	const put = (call: number, first: number, second: number) => {
		let at = first & (places.length - 1);
		while (places[at] !== 0) at = (at + 1) & (places.length - 1);
		places[at] = (second << numberBits) | (call + 1);
	};
	const grow = () => {
		const larger = new Uint32Array(calls.length * 2);
		larger.set(calls);
		calls = larger;
		places = new Int32Array((calls.length / width) * 2);
		for (let call = 0; call < size; call++) put(call, calls[call * width]!, calls[call * width + 1]!);
	};
	const settleOne = (at: number) => {
		const count = calls[at + column.count]!;
		if (count > 0) counted(calls[at + column.row]!, count, calls[at + column.last]!);
		calls[at + column.count] = 0;
		calls[at + column.last] = 0;
	};
	const settle = () => {
		for (let call = 0; call < size; call++) settleOne(call * width);
	};

	return {
		find(text, start, end, more, last) {
			isTold = hash.tell(text, start, end, more, last);
			if (!isTold) return -1;
			const tag = told[1]! << numberBits;
			for (let place = told[0]! & (places.length - 1); places[place] !== 0; place = (place + 1) & (places.length - 1)) {
				const found = places[place]!;
				if ((found & ~numbers) !== tag) continue;
				const at = ((found & numbers) - 1) * width;
				if (calls[at] === told[0] && calls[at + 1] === told[1] && calls[at + 2] === told[2]) return (found & numbers) - 1;
			}
			return -1;
		},
		add() {
			if (size === numbers || !isTold) return -1;
			if (size * width === calls.length) grow();
			calls.set(told, size * width);
			put(size, told[0]!, told[1]!);
			return size++;
		},
		learn(call, owner, row, folder) {
			const at = call * width;
			settleOne(at);
			let number = folders.lastIndexOf(folder);
			if (number < 0) number = folders.push(folder) - 1;
			calls[at + column.folder] = number + 1;
			calls[at + column.owner] = owner;
			calls[at + column.row] = row;
		},
		rowOf(call, working) {
			const folder = calls[call * width + column.folder]!;
			if (folder === 0) return -1;
			const only = folders[folder - 1]!;
			return only === null || only === working ? calls[call * width + column.row]! : -1;
		},
		repeat(call, owner, seq) {
			const at = call * width;
			if (calls[at + column.owner] !== owner) return false;
			calls[at + column.count]!++;
			// A call that began before another may be told after it.
			if (seq > calls[at + column.last]!) calls[at + column.last] = seq;
			return true;
		},
		turn(call, owner, row) {
			const at = call * width;
			settleOne(at);
			calls[at + column.owner] = owner;
			calls[at + column.row] = row;
		},
		settle,
		forget() {
			settle();
			for (let call = 0; call < size; call++) calls[call * width + column.folder] = 0;
		},
	};
}
