import { readFileSync } from 'node:fs';

/** How a user stops a flow: `stop` interrupts the running cell and saves the run, `kill` ends the kernel at once. */
export interface Control {
	readonly stop: AbortSignal;
	readonly kill: AbortSignal;
}

/** Whether a terminal's Ctrl-C is for us now: by /proc, our group is the one in the foreground of a terminal. */
export function isInForeground(): boolean {
	// The name, in brackets, may hold anything: count from its end. State, parent, group, session, terminal, its foreground group.
	const fields = readFileSync('/proc/self/stat', 'latin1')
		.replace(/^.*\) /s, '')
		.split(' ');
	return Number(fields[5]) > 0 && fields[5] === fields[2];
}
