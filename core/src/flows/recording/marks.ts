import { statfsSync } from 'node:fs';
import type { CallEvent } from '../../audit/index.ts';
import { CellarError, parseMark, type CellExecution, type Doubt, type JournalEntry, type Mark } from '../../model/index.ts';

type Verb = Mark['verb'];

/** Which marks of cells stand in a log. What stands between two that are missing is missing too. */
export interface MarkWatch {
	take(events: readonly CallEvent[]): void;
	has(verb: Verb, execution: CellExecution): boolean;
}

export function watchMarks(nonce: string): MarkWatch {
	const seen = new Set<string>();
	return {
		take(events) {
			for (const event of events) {
				if (event.type !== 'path' || event.call !== 'look' || event.path === null) continue;
				const mark = parseMark(nonce, event.path);
				if (mark?.kind === 'cell') seen.add(`${mark.verb} ${mark.id}`);
			}
		},
		has: (verb, execution) => seen.has(`${verb} ${execution}`),
	};
}

/** A disk with less room than this is why a log does not grow. */
const fullBytes = 64 << 10;

export function isFull(directory: string): boolean {
	const disk = statfsSync(directory);
	return disk.bavail * disk.bsize < fullBytes;
}

/** strace goes on without a word where it cannot write its log: then nothing more of the run would be known. */
export function lostLog({ id, directory }: { readonly id: string; readonly directory: string }, number: number): CellarError {
	const hint = `run ${id} keeps the cells that came before`;
	if (isFull(directory)) {
		return new CellarError('CELLAR_DISK_FULL', `the tracer could not write its log in cell ${number}: the disk is full`, {
			where: directory,
			hint: `${hint}; make room on this disk`,
		});
	}
	return new CellarError('CELLAR_LOG_UNREADABLE', `the tracer's log does not show cell ${number}`, {
		where: directory,
		hint: `${hint}; look whether its disk is whole and whether a limit on the size of files is set (ulimit -f)`,
	});
}

/**
 * The cells that ended and of which the log does not show both ends: what was used there is not known. A cell that was journalled
 * and never ended may have been cut short before its mark, and then nothing of it had run.
 */
export function unmarkedCells(journal: readonly JournalEntry[], marks: MarkWatch): Doubt[] {
	const numbers = new Set<number>();
	for (const entry of journal) {
		if (entry.event !== 'cell end') continue;
		const { execution, number, status } = entry.result;
		if (!marks.has('begin', execution) || (status !== 'died' && !marks.has('end', execution))) numbers.add(number);
	}
	return [...numbers].map((number) => ({
		code: 'CELLAR_LOG_INCOMPLETE',
		message: `the tracer's log does not show cell ${number} from begin to end: what was used there is not known`,
		seq: null,
	}));
}
