import type { FileFact, LogId, Name, Use } from '../../model/index.ts';
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

/** Tells the story of a path from its accesses and from what it was found to be. */
export function storyOf(path: Name, uses: Uses, file: FileFact | null): Story {
	// One pass, for a run has hundreds of thousands of paths.
	let read: number | null = null;
	let readLast: number | null = null;
	let both: number | null = null;
	let written: number | null = null;
	let replaced: number | null = null;
	let [appended, executed, listed, found] = [false, false, false, false];
	const accesses = uses.of(path);
	let writer: LogId | null = null;
	for (const { how, log, first, last } of accesses) {
		if (how !== 'missing') found = true;
		// Lines of different logs have no order; the manager's come first, since what a worker does follows from it.
		const later = log === 'manager' ? 0 : afterAll;
		const at = first + later;
		switch (how) {
			case 'execute':
			case 'read':
				executed ||= how === 'execute';
				read = earlier(read, at);
				readLast = Math.max(readLast ?? 0, last + later);
				continue;
			case 'list':
				listed = true;
				continue;
			case 'create':
			case 'truncate':
				replaced = earlier(replaced, at);
				break;
			case 'readwrite':
				both = earlier(both, at);
				break;
			case 'append':
			case 'write':
				appended ||= how === 'append';
				break;
			case 'stat':
			case 'missing':
				continue;
		}
		if (written !== null && at >= written) continue;
		written = at;
		writer = log;
	}
	// What was not there before was written before anybody read it, whatever the lines of another log are.
	if (
		file?.existedBefore === false &&
		writer !== null &&
		accesses.some((one) => one.how === 'read' && isOfAnother(one, writer))
	) {
		readLast = Infinity;
	}
	return {
		read,
		readLast,
		both,
		written,
		replaced: replaced !== null && replaced === written,
		appended,
		executed,
		listed,
		existed: file?.existedBefore ?? null,
		removed: uses.isRemoved(path),
		renamedTo: uses.renamedTo(path),
		missing: !found && accesses.length > 0 && (file === null || file.kind === 'gone'),
	};
}

const afterAll = 2 ** 40;

/** What is told once for several workers is of several logs, or of one that has several workers: then any of its lines says which. */
function isOfAnother(use: Use, log: LogId): boolean {
	return use.log !== log || (use.shared?.logs ?? 1) > 1;
}

function earlier(known: number | null, at: number): number {
	return known === null || at < known ? at : known;
}

/** True for a file that the run itself put there. */
export function isMade(story: Story): boolean {
	if (story.written === null) return false;
	const before = story.existed ?? (story.read !== null && story.read < story.written);
	return !before;
}
