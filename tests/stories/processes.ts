import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Place } from './cellar.ts';

/** The folder of the one run that there is. */
export function runFolder(home: string): string | null {
	const runs = join(home, 'runs');
	const name = existsSync(runs) ? readdirSync(runs).find((one) => !one.startsWith('.')) : undefined;
	return name === undefined ? null : join(runs, name);
}

/** What the journal says of the run's tracer. */
export function tracerOf(directory: string | null): number | null {
	const found = directory === null ? null : /"tracer","pid":(\d+)/.exec(readFileSync(join(directory, 'journal.jsonl'), 'utf8'));
	return found === null ? null : Number(found[1]);
}

/** A process by its pid and when it started, as /proc has it. */
export interface Seen {
	readonly pid: number;
	readonly started: string;
	readonly words: string;
}

/** Processes that a tracer traces, and those in whose environment or arguments the place stands, but for zombies. */
export function processesOf(place: Place, tracer: number | null): Seen[] {
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
		.flatMap((name) => {
			try {
				const [state, ...fields] = readFileSync(`/proc/${name}/stat`, 'latin1')
					.replace(/^.*\) /s, '')
					.split(' ');
				const words = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ');
				const traced = tracer !== null && readFileSync(`/proc/${name}/status`, 'latin1').includes(`TracerPid:\t${tracer}\n`);
				const ours = `${words}${readFileSync(`/proc/${name}/environ`, 'latin1')}`.includes(place.folder);
				return state !== 'Z' && (traced || ours) ? [{ pid: Number(name), started: fields[18]!, words }] : [];
			} catch {
				return [];
			}
		});
}

/** Which of some processes are still there: a pid with its start is one process. */
export function stillThere(seen: readonly Seen[], place: Place, tracer: number | null): Seen[] {
	const now = new Map(processesOf(place, tracer).map((one) => [`${one.pid} ${one.started}`, one]));
	// A process that is not traced any more and has an environment of its own would not be found again.
	const alive = (one: Seen) => {
		try {
			const fields = readFileSync(`/proc/${one.pid}/stat`, 'latin1')
				.replace(/^.*\) /s, '')
				.split(' ');
			return fields[0] !== 'Z' && fields[19] === one.started;
		} catch {
			return false;
		}
	};
	for (const one of seen) if (alive(one)) now.set(`${one.pid} ${one.started}`, one);
	return [...now.values()];
}

/** What of them is left when all are gone, or the time is over. */
export async function untilGone(seen: readonly Seen[], place: Place, tracer: number | null, ms: number): Promise<Seen[]> {
	const over = performance.now() + ms;
	for (;;) {
		const left = stillThere(seen, place, tracer);
		if (left.length === 0 || performance.now() > over) return left;
		await wait(50);
	}
}
