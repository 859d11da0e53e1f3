import type { Access } from '../facts.ts';
import type { Name } from '../names.ts';

/** Paths as numbers from 0 on, so that each is looked for by its text once. */
export interface PathNumbers {
	/** In the order of the numbers. */
	readonly paths: readonly Name[];
	/** The number of each; a path that is new gets the next. */
	of(paths: ArrayLike<Name>): Int32Array;
	/** The number of one; a path that is new gets the next. */
	add(path: Name): number;
	/** The number of one; -1 where it has none. */
	find(path: Name): number;
	/** The path of a number. Whoever asks for what is known of it next is answered without a search. */
	at(number: number): Name;
}

export function createPathNumbers(): PathNumbers {
	const paths: Name[] = [];
	const numbers = new Map<Name, number>();
	/** Several things are asked of a path one after another; and texts are compared sooner than found among hundreds of thousands. */
	let last = -1;
	const find = (path: Name): number => {
		if (last >= 0 && paths[last] === path) return last;
		const number = numbers.get(path);
		if (number === undefined) return -1;
		return (last = number);
	};
	const add = (path: Name): number => {
		const known = find(path);
		if (known >= 0) return known;
		last = paths.push(path) - 1;
		numbers.set(path, last);
		return last;
	};
	return {
		paths,
		of(some) {
			const found = new Int32Array(some.length);
			for (let at = 0; at < some.length; at++) found[at] = add(some[at]!);
			return found;
		},
		add,
		find,
		at: (number) => paths[(last = number)]!,
	};
}

/** Accesses by their paths: the number of each one's. */
export interface NumberedPaths {
	readonly numbers: PathNumbers;
	readonly ofAccesses: Int32Array;
}

/** @param numbers those that are known by then */
export function numberPaths(accesses: readonly Pick<Access, 'path'>[], numbers = createPathNumbers()): NumberedPaths {
	return { numbers, ofAccesses: numbers.of(accesses.map(({ path }) => path)) };
}

/** What is known of paths, one thing each, in the order of their numbers. It may be changed while it is gone through. */
export interface PathTable<T extends object> extends ReadonlyMap<Name, T> {
	readonly numbers: PathNumbers;
	/** Of the path of that number. */
	at(number: number): T | undefined;
	set(path: Name, value: T): void;
	delete(path: Name): void;
	/** Another table that holds the same. */
	copy(): PathTable<T>;
}

/** @param values by the numbers of their paths; it becomes the table's own */
export function createPathTable<T extends object>(numbers: PathNumbers, values: (T | undefined)[] = []): PathTable<T> {
	let size = values.reduce((sum, value) => (value === undefined ? sum : sum + 1), 0);
	const at = (number: number) => (number >= 0 && number < values.length ? values[number] : undefined);
	const get = (path: Name) => at(numbers.find(path));
	function* entries(): Generator<[Name, T], undefined> {
		for (let number = 0; number < values.length; number++) {
			const value = values[number];
			if (value !== undefined) yield [numbers.at(number), value];
		}
		return undefined;
	}
	function* keys(): Generator<Name, undefined> {
		for (const [path] of entries()) yield path;
		return undefined;
	}
	function* listed(): Generator<T, undefined> {
		for (const [, value] of entries()) yield value;
		return undefined;
	}
	const table: PathTable<T> = {
		numbers,
		get size() {
			return size;
		},
		at,
		get,
		has: (path) => get(path) !== undefined,
		set(path, value) {
			const number = numbers.add(path);
			while (values.length <= number) values.push(undefined);
			if (values[number] === undefined) size++;
			values[number] = value;
		},
		delete(path) {
			const number = numbers.find(path);
			if (at(number) === undefined) return;
			values[number] = undefined;
			size--;
		},
		copy: () => createPathTable(numbers, values.slice()),
		entries,
		keys,
		values: listed,
		[Symbol.iterator]: entries,
		forEach(take) {
			for (const [path, value] of entries()) take(value, path, table);
		},
	};
	return table;
}
