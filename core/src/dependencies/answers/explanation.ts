import type { Dependencies, How, LogId, Name, PathVerdict, ProcessOrdinal, RunCell, Seq } from '../../model/index.ts';

/** One way in which one part of a run used a thing. */
export interface Use {
	readonly cell: number | null;
	/** When the manager did so for no cell: `start-up`, `after the last cell`, …; null for all else. */
	readonly outside: string | null;
	readonly worker: string | null;
	readonly task: string | null;
	readonly process: ProcessOrdinal;
	/** Its pid, and the program that it was by then, without its folder; null where the log does not show it. */
	readonly pid: number | null;
	readonly program: string | null;
	readonly how: How;
	/** The log that tells of it, and the line in it. */
	readonly log: LogId;
	readonly first: Seq;
	/** When that was, since the run began; null where the log is not kept. */
	readonly seconds: number | null;
	readonly count: number;
}

/** The document of `cellar explain --json`. */
export interface Explanation {
	readonly what: string;
	readonly verdict: PathVerdict['verdict'] | 'cell';
	readonly rule: string;
	readonly reason: string;
	readonly owner: PathVerdict['owner'];
	/** What led there: `cell 3`, `import seaborn`, `matplotlib`, `this file`. */
	readonly chain: readonly string[];
	readonly uses: readonly Use[];
	/** The store that it is part of, or is itself, with how many files of it were used; null for all else. */
	readonly store: { readonly path: Name; readonly files: number } | null;
	/** Of a package, the distributions and conda packages that the run used and that require it; sorted. */
	readonly requiredBy: readonly string[];
	/** What a cell names, used and started; null where it was not asked of a cell. */
	readonly cell: CellExplanation | null;
}

/** A process that a cell started. */
export interface CellProcess {
	readonly pid: number;
	/** What it was when it ended, its words without secrets; null where the log does not show it. */
	readonly program: Name | null;
	readonly argv: readonly string[];
	/** The worker that it is, or belongs to. */
	readonly worker: string | null;
	readonly exitCode: number | null;
	readonly signal: string | null;
}

/** What a cell is and did: the `cell` of `cellar explain cell:N --json`. */
export interface CellExplanation {
	readonly number: number;
	readonly id: string | null;
	readonly status: RunCell['status'];
	readonly seconds: number | null;
	/** What its source names, read and not run; null where the language is not read. */
	readonly names: {
		readonly imports: readonly string[];
		readonly commands: readonly string[];
		readonly runs: readonly string[];
		readonly paths: readonly string[];
	} | null;
	/** Of the data in `dependencies`, what the cell itself read, and what it wrote; sorted. */
	readonly reads: readonly Name[];
	readonly writes: readonly Name[];
	/** The document of `cellar deps --for cell:N`. */
	readonly dependencies: Dependencies;
	/** In the order of their births. */
	readonly processes: readonly CellProcess[];
}
