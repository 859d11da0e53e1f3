import type { CellExecution, How, Name, ProcessOrdinal, Seq, TaskAttempt } from '../../model/index.ts';
import type { BirthKind } from '../log/events.ts';
import type { Folders } from './paths.ts';

/** A thread by its birth: a pid comes again, this does not. */
export interface Thread {
	/** 0 for what is Cellar's own: it has no place in the run. */
	ordinal: ProcessOrdinal;
	readonly pid: number;
	pidInside: number | null;
	readonly process: Process;
	readonly parent: Thread | null;
	readonly born: Seq;
	bornAt: number | null;
	ended: Seq | null;
	endedAt: number | null;
	exitCode: number | null;
	signal: string | null;
	folders: Folders;
	/** It is Cellar's own: the launcher, the marker process and what they start. */
	own: boolean;
	/** The scope in which it was born. */
	readonly birth: ScopeState;
	/** The same, or that of the worker that it says it is. */
	base: ScopeState;
	/** Tasks that it has begun and not ended, the newest last. */
	tasks: OpenTask[];
	readonly rows: Rows;
	/** Calls that began, counted then, and have not returned. */
	readonly counted: Set<Seq>;
	/** The last address that it listened on: a fork server listens where its maker bound. */
	bound: Name | null;
}

export interface OpenTask {
	/** The engine's id; `?` where it is not known yet. */
	readonly id: string;
	readonly scope: ScopeState;
	/** Null as long as the id is not known. */
	readonly trace: AttemptTrace | null;
}

export interface Process {
	leader: Thread;
	readonly parent: Process | null;
	/** How it was made; null for the program that was started. */
	readonly made: BirthKind | null;
	/** It has called `execve`, with or without success. */
	triedExec: boolean;
	/** The program that it runs, by its own `execve` or inherited; and in which line its own was. */
	program: Name | null;
	executed: Seq | null;
	/** It made a process of its own before that. */
	forkedFirst: boolean;
	/** The engine whose worker it is, by what it executed. */
	engine: string | null;
	/** It forks workers for others: who asked it to, the first first. Null for every other process. */
	requests: { readonly seq: Seq; readonly scope: ScopeState }[] | null;
}

/** What an access belongs to, as far as it is known while the log is read: workers get their ids at the end. */
export interface ScopeState {
	readonly cell: CellExecution | null;
	/** A worker that marked itself; one that is recognised by its birth is found through its process. */
	readonly worker: MarkedWorker | null;
	readonly task: TaskAttempt | null;
	readonly ambiguous: boolean;
	/** Of `begin/task/?`: the scope of the next named begin on that thread. */
	named: ScopeState | null;
}

/** A worker that said so itself, by `begin/worker` on one of its threads. */
export interface MarkedWorker {
	/** In the order of their marks. */
	readonly number: number;
	readonly id: string;
	readonly thread: Thread;
	readonly seq: Seq;
}

/** One time that a task ran, and on which thread. */
export interface AttemptTrace {
	readonly attempt: TaskAttempt;
	readonly thread: Thread;
	readonly scope: ScopeState;
	readonly begun: Seq;
	/** Null where it was still running when the log ended. */
	ended: Seq | null;
}

/** What one thread did to one path in one way, on behalf of one scope. */
export interface Row {
	readonly path: Name;
	readonly how: How;
	readonly first: Seq;
	last: Seq;
	count: number;
	/** The cell that was active at the first, where it is another than the scope's. */
	readonly during: CellExecution | null;
	/** The same path in another way. */
	next: Row | null;
}

/** The accesses of one thread: as many rows as there are different ones. */
export interface Rows {
	add(scope: ScopeState, path: Name, how: How, seq: Seq, active: CellExecution | null): void;
	forget(): void;
	byScope(): Iterable<readonly [ScopeState, Iterable<Row>]>;
}

export function createRows(): Rows {
	const byScope = new Map<ScopeState, Map<Name, Row>>();
	let lastScope: ScopeState | null = null;
	let rows = new Map<Name, Row>();
	return {
		add(scope, path, how, seq, active) {
			if (scope !== lastScope) {
				lastScope = scope;
				rows = byScope.get(scope) ?? new Map<Name, Row>();
				byScope.set(scope, rows);
			}
			const head = rows.get(path);
			for (let row = head ?? null; row !== null; row = row.next) {
				if (row.how !== how) continue;
				row.count++;
				// A call that began before another may be told after it.
				if (seq > row.last) row.last = seq;
				return;
			}
			const during = active === scope.cell ? null : active;
			const row: Row = { path, how, first: seq, last: seq, count: 1, during, next: null };
			if (head === undefined) rows.set(path, row);
			else {
				row.next = head.next;
				head.next = row;
			}
		},
		forget() {
			byScope.clear();
			lastScope = null;
		},
		*byScope() {
			for (const [scope, paths] of byScope) yield [scope, chained(paths.values())];
		},
	};
}

function* chained(heads: Iterable<Row>): Generator<Row> {
	for (const head of heads) for (let row: Row | null = head; row !== null; row = row.next) yield row;
}
