/** Makes a value of a run of bytes, once for each different spelling: most lines of a log repeat what stood before. */
export interface Interner<T> {
	of(bytes: Buffer, start: number, end: number): T;
}

const blockBits = 20;
const blockSize = 1 << blockBits;

/**
 * A hash table over spellings, kept as bytes: half the memory of a Map of strings, and no string is made to look one up.
 *
 * @param make is handed the bytes of a spelling at its first sight
 */
export function createInterner<T>(make: (bytes: Buffer) => T): Interner<T> {
	/** A slot holds an entry's index plus one; 0 is free. Its length is a power of two, at least twice the entries. */
	let slots = new Int32Array(1 << 10);
	let hashes = new Int32Array(slots.length >> 1);
	let lengths = new Int32Array(slots.length >> 1);
	/** Where a spelling begins: the number of its block and its place there, as one number. */
	let places = new Float64Array(slots.length >> 1);
	const values: T[] = [];
	const blocks: Buffer[] = [];
	let used = blockSize;

	const keep = (bytes: Buffer, start: number, end: number): number => {
		const length = end - start;
		if (used + length > blockSize) {
			// A spelling that is longer than a block gets one of its own, which is full at once.
			blocks.push(Buffer.allocUnsafe(Math.max(blockSize, length)));
			used = 0;
		}
		const place = (blocks.length - 1) * blockSize + used;
		bytes.copy(blocks[blocks.length - 1]!, used, start, end);
		used += length;
		return place;
	};

	const grow = () => {
		const old = hashes;
		slots = new Int32Array(slots.length * 2);
		hashes = new Int32Array(slots.length >> 1);
		hashes.set(old);
		lengths = copied(lengths, new Int32Array(slots.length >> 1));
		places = copied(places, new Float64Array(slots.length >> 1));
		const mask = slots.length - 1;
		for (let entry = 0; entry < values.length; entry++) {
			let slot = hashes[entry]! & mask;
			while (slots[slot] !== 0) slot = (slot + 1) & mask;
			slots[slot] = entry + 1;
		}
	};

	const isAt = (place: number, bytes: Buffer, start: number, length: number): boolean => {
		const block = blocks[Math.floor(place / blockSize)]!;
		const from = place % blockSize;
		for (let k = 0; k < length; k++) if (block[from + k] !== bytes[start + k]) return false;
		return true;
	};

	return {
		of(bytes, start, end) {
			const length = end - start;
			let hash = length;
			for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
			hash ^= hash >>> 15;
			const mask = slots.length - 1;
			let slot = hash & mask;
			for (let found = slots[slot]!; found !== 0; found = slots[slot]!) {
				const entry = found - 1;
				if (hashes[entry] === hash && lengths[entry] === length && isAt(places[entry]!, bytes, start, length))
					return values[entry]!;
				slot = (slot + 1) & mask;
			}
			const entry = values.length;
			const value = make(bytes.subarray(start, end));
			values.push(value);
			hashes[entry] = hash;
			lengths[entry] = length;
			places[entry] = keep(bytes, start, end);
			slots[slot] = entry + 1;
			if (values.length >= hashes.length) grow();
			return value;
		},
	};
}

function copied<A extends Int32Array | Float64Array>(from: A, to: A): A {
	to.set(from);
	return to;
}
