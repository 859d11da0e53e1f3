import type { Access, FileFact, How, Name } from '../../model/index.ts';
import type { Uses } from '../uses.ts';

/** What a run did to one path, in the order of its log. Lines are null where it never did so. */
export interface Story {
	/** First and last use for reading alone. */
	readonly read: number | null;
	readonly readLast: number | null;
	/** First opened for reading and writing: what of both was done cannot be told. */
	readonly both: number | null;
	/** First write of any kind. */
	readonly written: number | null;
	/** The first write put a new file there or emptied the old one. */
	readonly replaced: boolean;
	readonly appended: boolean;
	readonly executed: boolean;
	readonly listed: boolean;
	/** It was there before the run; null where that could not be known. */
	readonly existed: boolean | null;
	/** The run removed it, or renamed it away. */
	readonly removed: boolean;
	readonly renamedTo: Name | null;
	/** Only ever looked for, never found. */
	readonly missing: boolean;
}

const reads: ReadonlySet<How> = new Set(['read', 'execute']);
const writing: ReadonlySet<How> = new Set(['write', 'append', 'truncate', 'create', 'readwrite']);

/** Tells the story of a path from its accesses and from what it was found to be. */
export function storyOf(path: Name, uses: Uses, file: FileFact | null): Story {
	const accesses = uses.of(path);
	const firstOf = (hows: ReadonlySet<How>) => earliest(accesses, (access) => hows.has(access.how));
	const has = (how: How) => accesses.some((access) => access.how === how);
	const written = firstOf(writing);
	const replaced = earliest(accesses, (access) => access.how === 'create' || access.how === 'truncate');
	const readings = accesses.filter((access) => reads.has(access.how)).map(lastOf);
	return {
		read: firstOf(reads),
		readLast: readings.length === 0 ? null : Math.max(...readings),
		both: firstOf(new Set(['readwrite'])),
		written,
		replaced: replaced !== null && replaced === written,
		appended: has('append'),
		executed: has('execute'),
		listed: has('list'),
		existed: file?.existedBefore ?? null,
		removed: uses.isRemoved(path),
		renamedTo: uses.renamedTo(path),
		missing:
			accesses.length > 0 && accesses.every((access) => access.how === 'missing') && (file === null || file.kind === 'gone'),
	};
}

/** True for a file that the run itself put there. */
export function isMade(story: Story): boolean {
	if (story.written === null) return false;
	const before = story.existed ?? (story.read !== null && story.read < story.written);
	return !before;
}

function earliest(accesses: readonly Access[], fits: (access: Access) => boolean): number | null {
	let first: number | null = null;
	for (const access of accesses) if (fits(access) && (first === null || place(access) < first)) first = place(access);
	return first;
}

/** Lines of different logs have no order; the manager's come first, since what a worker does follows from it. */
const afterAll = 2 ** 40;

function place(access: Access): number {
	return access.first + (access.log === 'manager' ? 0 : afterAll);
}

function lastOf(access: Access): number {
	return access.last + (access.log === 'manager' ? 0 : afterAll);
}
