/** Bytes, and a view of them by which they are read four at a time: of a text of a log, both are made once. */
export interface Text {
	readonly bytes: Buffer;
	readonly view: DataView;
}

export function textOf(bytes: Buffer): Text {
	return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}

/** Copies bytes of one text into another. For the few dozen of a line, this takes less time than to ask for it. */
export function copyText(from: Text, start: number, end: number, to: Text, place: number): void {
	let at = start;
	let put = place;
	for (; at + 4 <= end; at += 4, put += 4) to.view.setInt32(put, from.view.getInt32(at, true), true);
	for (; at < end; at++, put++) to.view.setInt8(put, from.view.getInt8(at));
}

/** Numbers for strings of bytes: the same bytes have the same number, from 0 on in the order in which they came. */
export interface BytesTable {
	/** The number of the bytes from `start` to `end`; -1 where they were not added. */
	find(text: Text, start: number, end: number): number;
	/** Adds bytes that are not there, and gives their number; -1 where the table is full. */
	add(text: Text, start: number, end: number): number;
}

const pageBits = 20;
const pageSize = 1 << pageBits;
/** As many pages as a place of 31 bits can tell. */
const mostPages = 1 << (31 - pageBits);
/** Of an entry of the table: its hash, its place in the pages, how long it is, and its number and one more (0: it is free). */
const width = 4;

export function createBytesTable(): BytesTable {
	/** What was added, one after another, none over the end of a page: no copy of it all is made when it grows. */
	const pages: Text[] = [];
	let used = 0;
	// Side by side, for memory is what takes time here. A place that is taken leads to the next one; at most half are.
	let entries = new Int32Array(width << 10);
	let size = 0;

	const put = (hash: number, place: number, length: number, number: number) => {
		let at = startOf(hash, entries.length);
		while (entries[at + 3] !== 0) at = (at + width) & (entries.length - 1);
		entries[at] = hash;
		entries[at + 1] = place;
		entries[at + 2] = length;
		entries[at + 3] = number + 1;
	};
	const grow = () => {
		const old = entries;
		entries = new Int32Array(old.length * 2);
		for (let at = 0; at < old.length; at += width) {
			if (old[at + 3] !== 0) put(old[at]!, old[at + 1]!, old[at + 2]!, old[at + 3]! - 1);
		}
	};

	return {
		find({ view }, start, end) {
			const hash = hashOf(view, start, end);
			for (let at = startOf(hash, entries.length); entries[at + 3] !== 0; at = (at + width) & (entries.length - 1)) {
				if (entries[at] !== hash || entries[at + 2] !== end - start) continue;
				const place = entries[at + 1]!;
				if (isSame(pages[place >>> pageBits]!.view, place & (pageSize - 1), view, start, end)) return entries[at + 3]! - 1;
			}
			return -1;
		},
		add(text, start, end) {
			const length = end - start;
			if (pages.length === 0 || used + length > pageSize) {
				if (pages.length === mostPages) return -1;
				// What is longer than a page has one of its own.
				pages.push(textOf(Buffer.allocUnsafeSlow(Math.max(pageSize, length))));
				used = 0;
			}
			if (size * 2 * width >= entries.length) grow();
			copyText(text, start, end, pages.at(-1)!, used);
			put(hashOf(text.view, start, end), (pages.length - 1) * pageSize + used, length, size);
			used += length;
			return size++;
		},
	};
}

// What follows is done for every line.

function isSame(page: DataView, place: number, view: DataView, start: number, end: number): boolean {
	let from = place;
	let at = start;
	for (; at + 4 <= end; at += 4, from += 4) if (page.getInt32(from, true) !== view.getInt32(at, true)) return false;
	for (; at < end; at++, from++) if (page.getInt8(from) !== view.getInt8(at)) return false;
	return true;
}

function hashOf(view: DataView, start: number, end: number): number {
	let hash = 0;
	let at = start;
	for (; at + 4 <= end; at += 4) hash = Math.imul(((hash << 5) | (hash >>> 27)) ^ view.getInt32(at, true), 0x9e3779b1);
	for (; at < end; at++) hash = Math.imul(((hash << 5) | (hash >>> 27)) ^ view.getInt8(at), 0x9e3779b1);
	return hash;
}

/** Where a hash begins to look in a table of that length. The lowest bits alone are those of the last few letters. */
function startOf(hash: number, length: number): number {
	return Math.imul(hash ^ (hash >>> 15), width) & (length - 1);
}
