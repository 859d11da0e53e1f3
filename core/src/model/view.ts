import type { Name } from './names.ts';

/** What a run saw at its paths, where that is not what this machine has there: the inside of a sandbox. */
export interface View {
	/**
	 * Where on this machine lies what a path names. Links lead where they led inside; the last one is followed only with
	 * `follow`. What is returned may be opened as it is: no link on the way to it leads anywhere else.
	 *
	 * @returns null where nothing is there
	 */
	place(path: Name, follow: boolean): Name | null;
	/** A path with its links resolved, as inside; null where nothing is there. */
	real(path: Name): Name | null;
	/** The names in a folder, in no order; null where there is no such folder. */
	names(folder: Name): readonly Name[] | null;
}
