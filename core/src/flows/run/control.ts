import { readFileSync } from 'node:fs';
import { parseProcessStat } from '../../model/index.ts';

/** How a user stops a flow: `stop` interrupts the running cell and saves the run, `kill` ends the kernel at once. */
export interface Control {
	readonly stop: AbortSignal;
	readonly kill: AbortSignal;
}

/** Whether a terminal's Ctrl-C is for us now: by /proc, our group is the one in the foreground of a terminal. */
export function isInForeground(): boolean {
	const { group, foreground } = parseProcessStat(readFileSync('/proc/self/stat', 'latin1'));
	return foreground > 0 && foreground === group;
}
