import type { Dependencies, How, LogId, Name, PathVerdict, ProcessOrdinal, RunCell, Seq } from '../../../model/index.ts';

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
	readonly verdict: PathVerdict['verdict'] | 'cell' | 'task' | 'worker';
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
	/** What a cell, a task or a worker did; null where something else was asked. */
	readonly cell: CellExplanation | null;
	readonly task: TaskExplanation | null;
	readonly worker: WorkerExplanation | null;
}

/** Of what is no part of a run. */
export const noPart: Pick<Explanation, 'cell' | 'task' | 'worker'> = { cell: null, task: null, worker: null };

/** A process that a part of a run started. */
export interface OwnProcess {
	readonly pid: number;
	/** What it was when it ended, its words without secrets; null where the log does not show it. */
	readonly program: Name | null;
	readonly argv: readonly string[];
	/** The worker that it is, or belongs to. */
	readonly worker: string | null;
	readonly exitCode: number | null;
	readonly signal: string | null;
}

/** What a part of a run used, made and started. */
export interface Did {
	/** Of the data in `dependencies`, what the part itself read, and what it wrote, any file of a store being the store; sorted. */
	readonly reads: readonly Name[];
	readonly writes: readonly Name[];
	/** The document of `cellar deps --for` the part. */
	readonly dependencies: Dependencies;
	/** In the order of their births. */
	readonly processes: readonly OwnProcess[];
}

/** What a cell is and did: the `cell` of `cellar explain cell:N --json`. */
export interface CellExplanation extends Did {
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
}

/** One time that a task ran. */
export interface AttemptExplanation {
	readonly attempt: string;
	/** It is the one whose result was taken. */
	readonly counted: boolean;
	/** Null where a thread of the manager ran it. */
	readonly worker: string | null;
	readonly pid: number | null;
	/** The log that tells of it, and its lines there; `ended` is null where it was running when the log ended. */
	readonly log: LogId;
	readonly begun: Seq;
	readonly ended: Seq | null;
	/** When it began, since the run did, and how long it took; null where the log does not tell. */
	readonly began: number | null;
	readonly seconds: number | null;
}

/** What a task is and did: the `task` of `cellar explain task:N --json`. */
export interface TaskExplanation extends Did {
	readonly number: number;
	readonly engine: string;
	/** What the engine calls it. */
	readonly engineId: string;
	readonly function: string | null;
	/** On behalf of what it was submitted; null where that was not marked. */
	readonly submitted: { readonly cell: number | null; readonly worker: string | null; readonly task: string | null } | null;
	/** In the order in which they began; none where it never ran. */
	readonly attempts: readonly AttemptExplanation[];
	/** Of the software in `dependencies`, by name, what the task itself loaded; the rest its worker had loaded before. */
	readonly loaded: readonly string[];
}

/** What a worker is and did: the `worker` of `cellar explain worker:ID --json`. */
export interface WorkerExplanation extends Did {
	readonly id: string;
	readonly engine: string;
	readonly host: string;
	readonly pid: number;
	readonly log: LogId;
	/** How many tasks it ran, each attempt counted; null where its engine does not mark them. */
	readonly tasks: number | null;
	/** The functions that it ran, with how many tasks; the most frequent first. */
	readonly functions: readonly { readonly name: string | null; readonly tasks: number }[];
	/** Of the software in `dependencies`, by name, what no other worker used. */
	readonly alone: readonly string[];
}
