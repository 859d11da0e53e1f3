import type { Access, Facts, ProcessFact, ProcessOrdinal, Seq, WorkerId } from '../model/index.ts';

/**
 * What a worker needed: its own accesses, and what it has by its birth. A fork has what its maker had loaded and opened until
 * then, since the maker's last `execve`; and so on upwards.
 *
 * A row counts as inherited when its first access was before the fork; its `count` and `last` are still the whole row's.
 */
export function accessesOf(facts: Pick<Facts, 'accesses' | 'processes' | 'execs'>, worker: WorkerId): readonly Access[] {
	const processes = new Map(facts.processes.filter(({ kind }) => kind === 'process').map((fact) => [fact.ordinal, fact]));
	/** Per process: the stretch of the log in which it did what somebody inherits. */
	const inherited = new Map<ProcessOrdinal, { from: Seq; until: Seq }>();
	for (const process of processes.values()) {
		if (process.worker === worker) climb(process, processes, facts.execs, inherited);
	}
	return facts.accesses.filter((access) => {
		if (access.worker === worker) return true;
		const stretch = inherited.get(access.process);
		return stretch !== undefined && access.first < stretch.until && access.last >= stretch.from;
	});
}

function climb(
	start: ProcessFact,
	processes: ReadonlyMap<ProcessOrdinal, ProcessFact>,
	execs: Facts['execs'],
	inherited: Map<ProcessOrdinal, { from: Seq; until: Seq }>,
): void {
	// What executed a program of its own has nothing from its birth.
	if (execs.some((exec) => exec.process === start.ordinal)) return;
	let child = start;
	while (child.inheritsFrom !== null && child.untilSeq !== null) {
		const { inheritsFrom: maker, untilSeq: until } = child;
		const from = execs.reduce((last, exec) => (exec.process === maker && exec.seq < until ? Math.max(last, exec.seq) : last), 0);
		const known = inherited.get(maker);
		// Another of the worker's processes may have forked from the same maker, later or after another program.
		inherited.set(maker, { from: Math.min(from, known?.from ?? from), until: Math.max(until, known?.until ?? until) });
		const next = processes.get(maker);
		if (next === undefined || from > 0) return;
		child = next;
	}
}
