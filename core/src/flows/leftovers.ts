import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { endLineage, isEnding, lineageOf, startTimeOf } from '../audit/index.ts';
import type { JournalEntry } from '../model/index.ts';
import { beginningOf } from './run/journal.ts';

/** A process that a run which died has left running. */
export interface Leftover {
	readonly run: string;
	readonly pid: number;
	readonly command: string;
}

/** How long the marker process of a run may take to end it, and how often it is looked at; milliseconds. */
const endingMs = 10_000;
const lookMs = 100;

/**
 * What a run that died has left running: what its tracer still traces. Where its marker process is at work, that one is
 * waited for.
 */
export async function leftRunning(run: string, journal: readonly JournalEntry[]): Promise<readonly Leftover[]> {
	const nonce = beginningOf(journal)?.circumstances.nonce ?? '';
	for (let waited = 0; waited < endingMs; waited += lookMs) {
		if (!tracersOf(journal).some((pid) => isEnding(pid, nonce))) break;
		await sleep(lookMs);
	}
	const found = await Promise.all(tracersOf(journal).map((pid) => lineageOf(pid)));
	return found.flat().map(({ pid, command }) => ({ run, pid, command }));
}

/** Ends what a run that died has left running. */
export async function endLeftovers(journal: readonly JournalEntry[]): Promise<void> {
	for (const pid of tracersOf(journal)) await endLineage(pid, 0);
}

/** The tracers of a run that are still there. A pid comes again: it is ours with its start, in the same boot. */
function tracersOf(journal: readonly JournalEntry[]): number[] {
	if (beginningOf(journal)?.circumstances.bootId !== bootId()) return [];
	return journal.flatMap((entry) => (entry.event === 'tracer' && startTimeOf(entry.pid) === entry.startTime ? [entry.pid] : []));
}

function bootId(): string {
	return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
