/**
 * Makes a value of some bytes once, and finds it by these bytes from then on: most lines of a log repeat what stood before, and
 * of what is known no text is made again.
 *
 * @param make gets the bytes as text, a byte a letter
 */
export function interned<T>(make: (written: string) => T): (bytes: Buffer, start: number, end: number) => T {
	/** What each value was made of, one after another. */
	let store = new Uint8Array(1 << 12);
	let used = 0;
	// Four words for a value side by side, for memory is what takes time here: its hash, where its bytes begin and end in the
	// store, and its number and one more (0 where the place is free). A place that is taken leads to the next one.
	let places = new Int32Array(1 << 10);
	const values: T[] = [];

	const isSame = (from: number, bytes: Buffer, start: number, end: number): boolean => {
		for (let at = start; at < end; at++) if (store[from++] !== bytes[at]) return false;
		return true;
	};
	const put = (hash: number, from: number, to: number, number: number) => {
		let place = placeOf(hash, places.length);
		while (places[place + 3] !== 0) place = (place + 4) & (places.length - 1);
		places[place] = hash;
		places[place + 1] = from;
		places[place + 2] = to;
		places[place + 3] = number;
	};
	const add = (hash: number, bytes: Buffer, start: number, end: number): T => {
		if (used + end - start > store.length) {
			const larger = new Uint8Array(Math.max(used + end - start, store.length * 2));
			larger.set(store);
			store = larger;
		}
		// At most half full.
		if (values.length * 8 >= places.length) {
			const old = places;
			places = new Int32Array(old.length * 2);
			for (let at = 0; at < old.length; at += 4) if (old[at + 3] !== 0) put(old[at]!, old[at + 1]!, old[at + 2]!, old[at + 3]!);
		}
		store.set(bytes.subarray(start, end), used);
		const value = make(bytes.toString('latin1', start, end));
		values.push(value);
		put(hash, used, used + end - start, values.length);
		used += end - start;
		return value;
	};

	return (bytes, start, end) => {
		let hash = 0;
		for (let at = start; at < end; at++) hash = ((hash << 5) - hash + bytes[at]!) | 0;
		for (let place = placeOf(hash, places.length); ; place = (place + 4) & (places.length - 1)) {
			const number = places[place + 3]!;
			if (number === 0) return add(hash, bytes, start, end);
			const from = places[place + 1]!;
			if (places[place] === hash && places[place + 2]! - from === end - start && isSame(from, bytes, start, end)) {
				return values[number - 1]!;
			}
		}
	};
}

/** The lowest bits alone are those of the last few letters. */
function placeOf(hash: number, length: number): number {
	return ((hash ^ (hash >>> 15)) << 2) & (length - 1);
}
