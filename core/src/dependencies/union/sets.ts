import { createRows } from './rows.ts';

/**
 * Sets of whole numbers above 0 that grow by one member at a time. They are numbers themselves, 0 is the empty one; those that grew in
 * the same way one after another are one and the same, so that millions of sets of the same members take the room of one.
 */
export interface Sets {
	/** The set with one member more, which must be none of it. */
	with(set: number, member: number): number;
	/** The member that came last. */
	last(set: number): number;
	/** The set without the member that came last. */
	before(set: number): number;
}

export function createSets(): Sets {
	/** The set before it, the member that came last, and the set that was made of it last. */
	const sets = createRows(3);
	sets.push();
	return {
		with(set, member) {
			const known = sets.get(set, 2);
			if (known > 0 && sets.get(known, 1) === member) return known;
			const made = sets.push();
			sets.set(made, 0, set);
			sets.set(made, 1, member);
			sets.set(set, 2, made);
			return made;
		},
		last: (set) => sets.get(set, 1),
		before: (set) => sets.get(set, 0),
	};
}
