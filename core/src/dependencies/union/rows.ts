/** Rows of whole numbers from 0 to 2^32 - 1, all of one width, one after another in memory: of millions, objects would be slow and large. */
export interface Rows {
	/** Adds a row of zeros; its number. The first row has the number 0. */
	push(): number;
	/** How many there are. */
	size(): number;
	get(row: number, column: number): number;
	set(row: number, column: number, value: number): void;
}

export function createRows(width: number): Rows {
	let values = new Uint32Array(width * 1024);
	let rows = 0;
	return {
		push() {
			if ((rows + 1) * width > values.length) {
				// Half as much again: twice as much would be the larger part of what there is.
				const longer = new Uint32Array(Math.ceil(values.length / width / 2) * 3 * width);
				longer.set(values);
				values = longer;
			}
			return rows++;
		},
		size: () => rows,
		get: (row, column) => values[row * width + column]!,
		set: (row, column, value) => {
			values[row * width + column] = value;
		},
	};
}
