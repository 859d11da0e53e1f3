/** What Linux says of a process in `/proc/PID/stat`, of which it has many more words. */
export interface ProcessStat {
	/** It is a zombie: only its parent has not asked yet. */
	readonly ended: boolean;
	readonly group: number;
	/** The group in the foreground of its terminal; -1 where it has none. */
	readonly foreground: number;
	/** Clock ticks since the boot: with its pid it names one process. */
	readonly startTime: number;
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
export function parseProcessStat(text: string): ProcessStat {
	// The second field is the name in brackets and may hold anything, brackets too: count from its end, after which the third comes.
	const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
	const at = (field: number) => fields[field - 3];
	return {
		ended: at(3) === 'Z' || at(3) === 'X',
		...{ group: Number(at(5)), foreground: Number(at(8)), startTime: Number(at(22)) },
	};
}
