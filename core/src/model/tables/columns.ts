import type { Access } from '../facts.ts';
import type { Name } from '../names.ts';

/** Some accesses column by column, all of one length: of many millions, an object each would be slow to make and large. */
export type AccessColumns = { readonly [Field in keyof Access]-?: ArrayLike<Access[Field]> };

/** The access that stands at a place. @param path another copy of its path */
export function accessAt(of: AccessColumns, at: number, path: Name = of.path[at]!): Access {
	// Written out: objects that are put together field by field are slow and large.
	return {
		log: of.log[at]!,
		process: of.process[at]!,
		thread: of.thread[at]!,
		cell: of.cell[at]!,
		worker: of.worker[at]!,
		task: of.task[at]!,
		during: of.during[at]!,
		ambiguous: of.ambiguous[at]!,
		path,
		how: of.how[at]!,
		first: of.first[at]!,
		last: of.last[at]!,
		count: of.count[at]!,
	};
}

export function accessesOf(of: AccessColumns): Access[] {
	return Array.from(of.path, (path, at) => accessAt(of, at, path));
}

export function columnsOf(accesses: readonly Access[]): AccessColumns {
	return {
		log: accesses.map((one) => one.log),
		process: accesses.map((one) => one.process),
		thread: accesses.map((one) => one.thread),
		cell: accesses.map((one) => one.cell),
		worker: accesses.map((one) => one.worker),
		task: accesses.map((one) => one.task),
		during: accesses.map((one) => one.during),
		ambiguous: accesses.map((one) => one.ambiguous),
		path: accesses.map((one) => one.path),
		how: accesses.map((one) => one.how),
		first: accesses.map((one) => one.first),
		last: accesses.map((one) => one.last),
		count: accesses.map((one) => one.count),
	};
}
