import type { Name } from './names.ts';

/** A thread or process of a run, unique in it: a pid comes again, an ordinal does not. */
export type ProcessOrdinal = number;
/** The n-th execution of a cell in a run, from 1; which cell it was stands in the run's `cells`. */
export type CellExecution = number;
/** `w1`, `w2`, … in the order of appearance. */
export type WorkerId = string;
/** A task's ordinal by submission, from 1, with the attempt: `17` or `17.2`. */
export type TaskAttempt = string;
/** The number of the log's line at which a call started, from 1. */
export type Seq = number;
/** Which log a fact comes from: `manager`, or the worker whose own log it is. */
export type LogId = string;

export const hows = ['read', 'write', 'append', 'truncate', 'create', 'readwrite', 'execute', 'list', 'stat', 'missing'] as const;
/** In which way a path was used. `missing`: it was looked for and was not there. */
export type How = (typeof hows)[number];

/** What an access, a network use or a birth belongs to; all null is start-up, or the program. */
export interface Scope {
	readonly cell: CellExecution | null;
	readonly worker: WorkerId | null;
	readonly task: TaskAttempt | null;
}

/** A thread used a path, on behalf of at most one cell, worker and task. `count` is how often it did so in this way. */
export interface Access extends Scope {
	readonly log: LogId;
	/** The process, by the ordinal of its first thread. */
	readonly process: ProcessOrdinal;
	readonly thread: ProcessOrdinal;
	/** The cell execution that was active at the first of them, where it is not `cell`. */
	readonly during: CellExecution | null;
	/** Several scopes are possible and the log cannot tell which: `cell` is then the likeliest. */
	readonly ambiguous: boolean;
	/** Absolute, as asked (links not resolved), in the run's encoding of names. */
	readonly path: Name;
	readonly how: How;
	readonly first: Seq;
	readonly last: Seq;
	readonly count: number;
}

/** Which workers used something in the same way, and for which tasks: one for all uses of which that is the same. */
export interface Sharers {
	/** Another for each. */
	readonly number: number;
	readonly workers: ReadonlySet<WorkerId>;
	readonly tasks: readonly TaskAttempt[];
}

/**
 * An access as it is judged. What many workers with logs of their own did in the same way is one: the earliest of theirs by its line,
 * with the last line and the count of all.
 */
export interface Use extends Access {
	/** Where it is several accesses. */
	readonly shared?: Shared;
}

export interface Shared {
	/** Who did it. */
	readonly by: Sharers;
	/** In how many logs. */
	readonly logs: number;
	/** Whether something is so of one of the workers and the first line at which that one did it, where a task may have it from there. */
	someFirst(is: (worker: WorkerId, first: Seq) => boolean): boolean;
}

/** A call that changed which file a path names. `from` is null for a removal's target and for a link's text that is not absolute. */
export interface Change extends Scope {
	readonly log: LogId;
	readonly seq: Seq;
	readonly process: ProcessOrdinal;
	readonly thread: ProcessOrdinal;
	readonly kind: 'rename' | 'link' | 'symlink' | 'remove';
	readonly from: Name | null;
	readonly to: Name;
}

/** A thread or a process, by its birth. */
export interface ProcessFact extends Scope {
	readonly ordinal: ProcessOrdinal;
	readonly log: LogId;
	readonly kind: 'process' | 'thread';
	/** The process that a thread belongs to; a process's own ordinal otherwise. */
	readonly process: ProcessOrdinal;
	/** The thread that made it; null for the program that was started. */
	readonly parent: ProcessOrdinal | null;
	readonly pid: number;
	/** Its pid in its own PID namespace, where that differs. */
	readonly pidInside: number | null;
	readonly host: string;
	readonly bootId: string;
	/** A forked child has what this process had loaded and opened before `untilSeq`, until it executes a program. */
	readonly inheritsFrom: ProcessOrdinal | null;
	readonly untilSeq: Seq | null;
	readonly born: Seq;
	/** Where it ended; null where it was still there when the log ended. */
	readonly ended: Seq | null;
	readonly exitCode: number | null;
	readonly signal: string | null;
}

/** A program that a process became. `argv` holds no secrets: words that are neither options nor existing paths are `…`. */
export interface ExecFact extends Scope {
	readonly log: LogId;
	readonly seq: Seq;
	readonly process: ProcessOrdinal;
	readonly path: Name;
	readonly argv: readonly string[];
}

/** A connection, or an attempt. Loopback and Unix sockets are kept too; what is a dependency is decided later. */
export interface NetworkFact extends Scope {
	readonly log: LogId;
	readonly seq: Seq;
	readonly process: ProcessOrdinal;
	readonly address: string;
	readonly port: number | null;
	/** The name that was looked up, where the trace shows it. */
	readonly name: string | null;
	readonly how: 'connect' | 'bind';
}

/** How a worker was recognised; the rest of it stands in the run's `workers`. */
export interface WorkerFact {
	readonly worker: WorkerId;
	readonly process: ProcessOrdinal;
	readonly engine: string;
	readonly pid: number;
	readonly born: Seq;
}

/** A task as its marks tell it. */
export interface TaskFact {
	/** Its ordinal: by the first mark that names it, which is its submission where that was marked. */
	readonly task: number;
	/** What handed it to a worker, such as `pool`, `futures`, `loky`. */
	readonly engine: string;
	/** What the engine calls it. */
	readonly engineId: string;
	/** The name of what it ran; of a batch, of its first call. */
	readonly function: string | null;
	/** Where it was submitted, and on behalf of what; null where that was not marked. */
	readonly submitted: (Scope & { readonly log: LogId; readonly seq: Seq }) | null;
	/** Each time that it ran, in the order in which they began; none where it never did. */
	readonly attempts: readonly AttemptFact[];
}

/**
 * An id under which tasks that were submitted in one log may be named in another: a group of them, whose ids begin with the group's,
 * or one more id of a task.
 */
export interface HandedFact {
	readonly id: string;
	/** The task that it names; null for a group. */
	readonly task: number | null;
	/** What the engine numbers that attempt of the task which the id names; null where the id is that of all. */
	readonly attempt: string | null;
	/** Where the group was submitted; null for another id of a task, which has its own. */
	readonly submitted: TaskFact['submitted'];
}

/** One time that a task ran. */
export interface AttemptFact {
	readonly log: LogId;
	readonly attempt: TaskAttempt;
	/** It is the one whose result the engine took: of several the last that ended. */
	readonly counted: boolean;
	readonly process: ProcessOrdinal;
	readonly thread: ProcessOrdinal;
	/** Null where a thread of the manager ran it. */
	readonly worker: WorkerId | null;
	readonly begun: Seq;
	/** Null where it was running when the log ended. */
	readonly ended: Seq | null;
}

/** As what a task saw a file: an engine gives it copies and links under names of its own. */
export interface NameFact {
	readonly log: LogId;
	readonly worker: WorkerId | null;
	/** Null where it was the worker itself. */
	readonly task: TaskAttempt | null;
	/** The file, by the manager's name, as in `accesses`. */
	readonly path: Name;
	/** From the folder in which the task was started. */
	readonly as: Name;
}

/** Something that the log shows and that may make the facts incomplete: io_uring, a process that was not traced, a cut line. */
export interface Doubt {
	readonly code: string;
	readonly message: string;
	readonly seq: Seq | null;
}

/** All that one log told, in memory; on disk each list is a table (FORMATS). */
export interface Facts {
	readonly accesses: readonly Access[];
	readonly changes: readonly Change[];
	readonly processes: readonly ProcessFact[];
	readonly execs: readonly ExecFact[];
	readonly network: readonly NetworkFact[];
	readonly workers: readonly WorkerFact[];
	readonly tasks: readonly TaskFact[];
	readonly handed: readonly HandedFact[];
	/** None of what every process calls by the same name. */
	readonly names: readonly NameFact[];
	readonly doubts: readonly Doubt[];
}

/** What is known of a run, or of a log, before its accesses are. */
export type FactsWithoutAccesses = Omit<Facts, 'accesses'>;

/** Of what was not traced. */
export const noFacts: Facts = {
	accesses: [],
	changes: [],
	processes: [],
	execs: [],
	network: [],
	workers: [],
	tasks: [],
	handed: [],
	names: [],
	doubts: [],
};

/** The state of a file that the run used, looked at before, during and after it. Times are milliseconds since 1970. */
export interface FileFact {
	readonly path: Name;
	/** Links resolved; null where it was gone when it was looked at. */
	readonly realPath: Name | null;
	readonly kind: 'file' | 'directory' | 'link' | 'other' | 'gone';
	readonly size: number | null;
	readonly mode: number | null;
	readonly mtime: number | null;
	/** Null where it could not be known. */
	readonly existedBefore: boolean | null;
	readonly sha256Before: string | null;
	readonly sha256After: string | null;
	/** The digest under which the blob store keeps the bytes as they were before (an input) or after (an output). */
	readonly blobBefore: string | null;
	readonly blobAfter: string | null;
	/** Why no blob was kept: `software`, `too large`, `secret`, `changed before it could be saved`, …; null where one was. */
	readonly whyNoBlob: string | null;
}

/** One representation of one output of a cell execution: a plot has a row for `image/png` and one for `text/plain`. */
export interface OutputFact {
	readonly cell: CellExecution;
	/** Which of the execution's outputs, from 0. */
	readonly output: number;
	/** nbformat's `output_type`. */
	readonly kind: 'stream' | 'display_data' | 'execute_result' | 'error';
	/** Its media type; a stream and an error's traceback are `text/plain`. */
	readonly media: string;
	/** `stdout` or `stderr` of a stream, the exception's name of an error; null for others. */
	readonly name: string | null;
	readonly bytes: number;
	/** Of the text as UTF-8, of a picture's own bytes (base64 undone), of JSON as it is written. */
	readonly sha256: string;
	/** The digest under which the blob store keeps it; null where it was not kept. */
	readonly blob: string | null;
}
