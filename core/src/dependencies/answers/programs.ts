import type { ExecFact, Facts, Name, ProcessFact, ProcessOrdinal, Seq } from '../../model/index.ts';
import { baseOf } from '../paths.ts';

/** Tells what a process was at a time. */
export interface Programs {
	/** What it had executed by then, or whoever forked it had; null where the log does not show it. */
	at(process: ProcessOrdinal, seq: Seq): ExecFact | null;
	fact(process: ProcessOrdinal): ProcessFact | null;
}

export function createPrograms(facts: Facts): Programs {
	const processes = new Map(facts.processes.map((one) => [one.ordinal, one]));
	const execs = new Map<ProcessOrdinal, ExecFact[]>();
	for (const exec of facts.execs) {
		const known = execs.get(exec.process);
		if (known === undefined) execs.set(exec.process, [exec]);
		else known.push(exec);
	}
	return {
		at(process, seq) {
			let [one, before] = [process, seq];
			// As many steps as there are processes: a table that was tampered with may hold a circle.
			for (let step = 0; step <= processes.size; step++) {
				const found = (execs.get(one) ?? []).filter((exec) => exec.seq <= before).toSorted((a, b) => b.seq - a.seq)[0];
				if (found !== undefined) return found;
				const born = processes.get(one);
				if (born === undefined || born.parent === null) return null;
				one = processes.get(born.parent)?.process ?? born.parent;
				before = born.born;
			}
			return null;
		},
		fact: (process) => processes.get(process) ?? null,
	};
}

/** The last part of a program's path. */
export function shortName(exec: ExecFact | null): Name | null {
	return exec === null ? null : baseOf(exec.path);
}
