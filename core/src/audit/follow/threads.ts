import type { CellExecution, How, Name, ProcessOrdinal, Seq, TaskAttempt } from '../../model/index.ts';
import type { BirthKind } from '../log/events.ts';
import { createCallTable, type CallTable } from '../tables/calls.ts';
import { createRowTable } from '../tables/rows.ts';
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
	/** Of each scope that it used files for: what its rows are kept by. */
	readonly owners: Map<ScopeState, number>;
	/** The last of them. */
	owner: { readonly scope: ScopeState; readonly number: number } | null;
	/** Calls that began, counted then, and have not returned. */
	readonly counted: Set<Seq>;
	/** The last address that it listened on: a fork server listens where its maker bound. */
	bound: Name | null;
	/** The name of which it asked for the addresses last. */
	lookup: Lookup | null;
}

/** A name that was looked up, and the port of the first connection that followed from it; null as long as none did. */
export interface Lookup {
	readonly name: string;
	port: number | null;
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
	/** As what it asked for folders that it opened, where that is not what `-y` calls them. */
	readonly folders: Map<Name, Name>;
	/** Names that its threads looked up and that no connection has followed from, and the names of the addresses where one has. */
	readonly lookups: Set<Lookup>;
	readonly hosts: Map<string, string>;
	/** It is Cellar's own beside the launcher: what starts a worker that is traced already. */
	cellars: boolean;
	/** The engine whose worker it is, by what it executed. */
	engine: string | null;
	/** Whatever its birth looks like, it is no worker: it has said so, as a server of multiprocessing's does, or is an engine's server. */
	noWorker: boolean;
	/** What TaskVine's worker it is, or is below; null for every other process. */
	vine: { readonly place: 'worker' | 'transfer' | 'task' | 'library'; readonly worker: VineWorker } | null;
	/** The folder in which it has made the first of those by which such a worker is told, and how many; the last port that it reached, as `manager` of `VineWorker`. */
	workspace: { readonly folder: Name; readonly parts: number } | null;
	reached: string | null;
	/** It forks workers for others: who asked it to, the first first. Null for every other process. */
	requests: { readonly seq: Seq; readonly scope: ScopeState }[] | null;
}

/** A worker of TaskVine's. */
export interface VineWorker {
	readonly workspace: Name;
	readonly process: Process;
	/** As it reached it: by the port, in a log of its own with the time, `9123,1795359814336`. */
	manager: string | null;
	/** Of each task that it runs, by the name of its folder. */
	readonly running: Map<string, AttemptTrace>;
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
	/** Nobody took its result, however it ended. */
	lost: boolean;
}

/** What one thread did to one path in one way, on behalf of one scope. */
export interface Row {
	readonly thread: Thread;
	readonly scope: ScopeState;
	readonly path: Name;
	readonly how: How;
	readonly first: Seq;
	readonly last: Seq;
	readonly count: number;
	/** The cell that was active at the first, where it is another than the scope's. */
	readonly during: CellExecution | null;
}

/** The accesses of a log: as many rows as there are different ones. They are kept as numbers. */
export interface Accesses {
	/** The number of a path that is used in a way. */
	useOf(path: Name, how: How): number;
	/** How many paths there are. */
	readonly pathCount: number;
	/** Counts a use. @param active the cell that was active then @returns the number of its row */
	add(owner: number, use: number, seq: Seq, active: CellExecution | null): number;
	/** What most calls are, so that they need not be looked at. */
	readonly calls: CallTable;
	/** Calls that say so much are the use that has just been counted in a row (see `CallTable`). */
	learn(said: number, row: number, folder: Name | null): void;
	/** Counts a call by an owner of which it is known that it is the same use as that of a row. */
	addAs(row: number, owner: number, said: number, seq: Seq, active: CellExecution | null): void;
	/** What the rows of a thread for a scope are kept by. */
	ownerOf(thread: Thread, scope: ScopeState): number;
	forget(): void;
	/** In the order in which they came. */
	rows(): Iterable<Row>;
	/** Of all rows. */
	scopes(): readonly ScopeState[];
}

const hows: readonly How[] = ['read', 'write', 'append', 'truncate', 'create', 'readwrite', 'execute', 'list', 'stat', 'missing'];

export function createAccesses(): Accesses {
	const table = createRowTable();
	const calls = createCallTable((row, count, last) => table.repeat(row, count, last));
	const owners: { readonly thread: Thread; readonly scope: ScopeState }[] = [];
	const paths: Name[] = [];
	const numbers = new Map<Name, number>();
	/** What `during` was, by the number that stands for it in a row: there are few. */
	const actives: (CellExecution | null)[] = [];

	const numberOf = (path: Name): number => {
		let number = numbers.get(path);
		if (number === undefined) {
			number = paths.push(path) - 1;
			numbers.set(path, number);
		}
		return number;
	};
	let lastActive = 0;
	const activeNumber = (active: CellExecution | null): number => {
		if (lastActive < actives.length && actives[lastActive] === active) return lastActive;
		const known = actives.lastIndexOf(active);
		return (lastActive = known >= 0 ? known : actives.push(active) - 1);
	};
	const add = (owner: number, use: number, seq: Seq, active: CellExecution | null): number =>
		table.add(owner, use, seq, activeNumber(active === owners[owner]!.scope.cell ? null : active));
	return {
		calls,
		get pathCount() {
			return paths.length;
		},
		useOf: (path, how) => numberOf(path) * hows.length + hows.indexOf(how),
		add,
		learn: (said, row, folder) => calls.learn(said, table.get(row).owner, row, folder),
		addAs: (row, owner, said, seq, active) => calls.turn(said, owner, add(owner, table.useOf(row), seq, active)),
		ownerOf(thread, scope) {
			if (thread.owner?.scope === scope) return thread.owner.number;
			let number = thread.owners.get(scope);
			if (number === undefined) {
				number = owners.push({ thread, scope }) - 1;
				thread.owners.set(scope, number);
			}
			thread.owner = { scope, number };
			return number;
		},
		forget() {
			calls.forget();
			table.clear();
			numbers.clear();
			paths.length = 0;
		},
		scopes: () => owners.map((one) => one.scope),
		*rows() {
			calls.settle();
			for (let row = 0; row < table.size; row++) {
				const { owner, use, first, last, count, during } = table.get(row);
				const path = paths[Math.floor(use / hows.length)]!;
				const how = hows[use % hows.length]!;
				const { thread, scope } = owners[owner]!;
				yield { thread, scope, path, how, first, last, count, during: actives[during]! };
			}
		},
	};
}
