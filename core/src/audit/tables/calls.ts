/** Calls that come again and again: by their numbers, what is known of them, and how often they came since that was asked. */
export interface CallTable {
	/**
	 * Such calls are uses that are counted in a row for its owner.
	 *
	 * @param folder only as long as this is the working folder of who calls; null: wherever that is
	 */
	learn(call: number, owner: number, row: number, folder: string | null): void;
	/** Brings what is known of calls from memory, all at once: one after another, each would be waited for. */
	expect(calls: Int32Array): void;
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

/**
 * Side by side, for memory is what takes time here; some stay free, so that none lies in two cache lines. A folder's number, from 1 on: 0
 * is what nothing was learnt of.
 */
const width = 8;
const column = { folder: 0, owner: 1, row: 2, count: 3, last: 4 } as const;
const smallest = 1 << 10;

/** @param counted is told how often calls of a row came, and which was the last of them */
export function createCallTable(counted: (row: number, count: number, last: number) => void): CallTable {
	let calls = new Uint32Array(smallest * width);
	const folders: (string | null)[] = [];

	const settleOne = (at: number) => {
		const count = calls[at + column.count]!;
		if (count > 0) counted(calls[at + column.row]!, count, calls[at + column.last]!);
		calls[at + column.count] = 0;
		calls[at + column.last] = 0;
	};
	const settle = () => {
		for (let at = 0; at < calls.length; at += width) settleOne(at);
	};

	/** That something was asked for must be seen, or it is not done. */
	let touched = 0;

	return {
		expect(numbers) {
			for (const call of numbers) if (call >= 0 && call * width < calls.length) touched ^= calls[call * width + column.row]!;
		},
		learn(call, owner, row, folder) {
			const at = call * width;
			if (at >= calls.length) {
				const larger = new Uint32Array(2 ** Math.ceil(Math.log2(call + 1)) * width);
				larger.set(calls);
				calls = larger;
			}
			settleOne(at);
			let number = folders.lastIndexOf(folder);
			if (number < 0) number = folders.push(folder) - 1;
			calls[at + column.folder] = number + 1;
			calls[at + column.owner] = owner;
			calls[at + column.row] = row;
		},
		rowOf(call, working) {
			const at = call * width;
			const folder = at < calls.length ? calls[at + column.folder]! : 0;
			if (folder === 0) return -1;
			const only = folders[folder - 1]!;
			return only === null || only === working ? calls[at + column.row]! : -1;
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
			for (let at = 0; at < calls.length; at += width) calls[at + column.folder] = 0;
		},
	};
}
