import { CellarError, hows, type Access, type How, type Name, type WorkerId } from '../../model/index.ts';
import { createBytesTable, textOf } from '../tables/bytes.ts';

/** A way in which workers used a path. */
export interface SharedUse {
	readonly path: Name;
	readonly how: How;
	/** How many of them did, and how often in all. */
	readonly workers: number;
	readonly count: number;
	/** The first that did: where it is the only one, what no other used. */
	readonly first: WorkerId;
}

/** What many workers used, each thing once, with how many of them did. It is as large as what is different, however many they are. */
export interface Union {
	/** Adds what one worker used; each worker is added once. */
	add(worker: WorkerId, accesses: Iterable<Pick<Access, 'path' | 'how' | 'count'>>): void;
	/** How many different uses there are. */
	readonly size: number;
	/** In the order in which they came. */
	uses(): Iterable<SharedUse>;
}

/** Numbers side by side, for memory is what takes time with millions of them. */
const width = 3;
const column = { workers: 0, first: 1, last: 2 } as const;

export function createUnion(): Union {
	const known = createBytesTable();
	const workers: WorkerId[] = [];
	/** The uses' texts, one after another in pieces: those of the table are not to be had back. */
	const texts: Buffer[] = [];
	let used = 0;
	let places = new Float64Array(1 << 10);
	let numbers = new Uint32Array(width << 10);
	let counts = new Float64Array(1 << 10);
	let size = 0;
	let scratch = textOf(Buffer.alloc(1 << 13));

	const keep = (length: number): number => {
		if (texts.length === 0 || used + length > pieceSize) {
			texts.push(Buffer.allocUnsafeSlow(Math.max(pieceSize, length)));
			used = 0;
		}
		scratch.bytes.copy(texts.at(-1)!, used, 0, length);
		const place = (texts.length - 1) * pieceSize + used;
		used += length;
		return place * lengths + length;
	};
	const grow = () => {
		if (size < counts.length) return;
		const larger = <T extends Float64Array | Uint32Array>(to: T, from: T): T => {
			to.set(from);
			return to;
		};
		places = larger(new Float64Array(places.length * 2), places);
		numbers = larger(new Uint32Array(numbers.length * 2), numbers);
		counts = larger(new Float64Array(counts.length * 2), counts);
	};
	return {
		get size() {
			return size;
		},
		add(worker, accesses) {
			const number = workers.push(worker);
			for (const { path, how, count } of accesses) {
				if (path.length * 3 + 1 > scratch.bytes.length) scratch = textOf(Buffer.alloc(path.length * 4));
				scratch.bytes[0] = hows.indexOf(how);
				const length = 1 + scratch.bytes.write(path, 1);
				let row = known.find(scratch, 0, length, length, length);
				if (row < 0) {
					row = known.add(scratch, 0, length, length, length);
					if (row < 0) throw new CellarError('CELLAR_INTERNAL', 'these workers used more different files than a union can hold');
					grow();
					places[row] = keep(length);
					numbers[row * width + column.first] = number;
					size = row + 1;
				}
				const at = row * width;
				if (numbers[at + column.last] !== number) {
					numbers[at + column.last] = number;
					numbers[at + column.workers]!++;
				}
				counts[row]! += count;
			}
		},
		*uses() {
			for (let row = 0; row < size; row++) {
				const length = places[row]! % lengths;
				const place = (places[row]! - length) / lengths;
				const text = texts[Math.floor(place / pieceSize)]!;
				const from = place % pieceSize;
				yield {
					path: text.toString('utf8', from + 1, from + length),
					how: hows[text[from]!]!,
					workers: numbers[row * width + column.workers]!,
					count: counts[row]!,
					first: workers[numbers[row * width + column.first]! - 1]!,
				};
			}
		},
	};
}

const pieceSize = 1 << 22;
/** No path is longer: a place and a length are one number. */
const lengths = 1 << 20;
