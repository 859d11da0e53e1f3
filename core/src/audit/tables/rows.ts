/** Rows of counted uses, as numbers: hundreds of thousands of them take a fraction of what objects would. */
export interface RowTable {
	/** How many there are. They are numbered from 0 on, in the order in which they came. */
	readonly size: number;
	/**
	 * Counts a use by an owner, at that place of the log.
	 *
	 * @param during kept with the first
	 * @returns the row
	 */
	add(owner: number, use: number, seq: number, during: number): number;
	/** Counts more uses in a row, of which that was the last. */
	repeat(row: number, count: number, last: number): void;
	/** The use of which a row is. */
	useOf(row: number): number;
	/** What stands in a row. */
	get(row: number): UseRow;
	clear(): void;
}

export interface UseRow {
	readonly owner: number;
	readonly use: number;
	readonly first: number;
	readonly last: number;
	readonly count: number;
	readonly during: number;
}

/** A row has its numbers side by side, for memory is what takes time here; two stay free, so that none lies in two cache lines. */
const width = 8;
const column = { owner: 0, use: 1, first: 2, last: 3, count: 4, during: 5 } as const;
const smallest = 1 << 8;

export function createRowTable(): RowTable {
	/** Row numbers and one more, by what they are of: 0 is free, and what is taken leads to the next. At most half are. */
	let places = new Int32Array(smallest * 2);
	/** As long as a log has less than four thousand million lines. */
	let rows = new Uint32Array(smallest * width);
	let size = 0;

	const startOf = (owner: number, use: number) => {
		const hash = Math.imul(use ^ Math.imul(owner, 0x85ebca6b), 0x9e3779b1);
		return (hash ^ (hash >>> 15)) & (places.length - 1);
	};
	const put = (row: number) => {
		let at = startOf(rows[row * width + column.owner]!, rows[row * width + column.use]!);
		while (places[at] !== 0) at = (at + 1) & (places.length - 1);
		places[at] = row + 1;
	};
	const grow = () => {
		const larger = new Uint32Array(rows.length * 2);
		larger.set(rows);
		rows = larger;
		places = new Int32Array((rows.length / width) * 2);
		for (let row = 0; row < size; row++) put(row);
	};
	const repeat = (row: number, count: number, last: number) => {
		const at = row * width;
		rows[at + column.count]! += count;
		// A call that began before another may be told after it.
		if (last > rows[at + column.last]!) rows[at + column.last] = last;
	};

	return {
		get size() {
			return size;
		},
		repeat,
		useOf: (row) => rows[row * width + column.use]!,
		add(owner, use, seq, during) {
			for (let place = startOf(owner, use); places[place] !== 0; place = (place + 1) & (places.length - 1)) {
				const row = places[place]! - 1;
				if (rows[row * width + column.use] !== use || rows[row * width + column.owner] !== owner) continue;
				repeat(row, 1, seq);
				return row;
			}
			if (size * width === rows.length) grow();
			const at = size * width;
			rows[at + column.owner] = owner;
			rows[at + column.use] = use;
			rows[at + column.first] = seq;
			rows[at + column.last] = seq;
			rows[at + column.count] = 1;
			rows[at + column.during] = during;
			put(size);
			return size++;
		},
		get(row) {
			const at = row * width;
			return {
				owner: rows[at + column.owner]!,
				use: rows[at + column.use]!,
				first: rows[at + column.first]!,
				last: rows[at + column.last]!,
				count: rows[at + column.count]!,
				during: rows[at + column.during]!,
			};
		},
		clear() {
			places.fill(0);
			size = 0;
		},
	};
}
