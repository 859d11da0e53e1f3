import { createBytesTable, type Text } from '../tables/bytes.ts';

/**
 * Makes a value of some bytes once, and finds it by these bytes from then on: of what is known no text is made again.
 *
 * @param make gets the bytes as text, a byte a letter
 */
export function interned<T>(make: (written: string) => T): (text: Text, start: number, end: number) => T {
	const table = createBytesTable();
	const values: T[] = [];
	return (text, start, end) => {
		const number = table.find(text, start, end);
		if (number >= 0) return values[number]!;
		const value = make(text.bytes.toString('latin1', start, end));
		if (table.add(text, start, end) >= 0) values.push(value);
		return value;
	};
}
