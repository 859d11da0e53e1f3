import type { CellExecution, Mark, Seq, TaskAttempt } from '../../model/index.ts';
import type { AttemptTrace, ScopeState, Thread } from './threads.ts';

/** Same scope, same object: rows are kept by it. */
export interface Scopes {
	of(scope: Omit<ScopeState, 'named'>): ScopeState;
	/** A scope of its own, of which not all is known yet. */
	waiting(scope: Omit<ScopeState, 'named'>): ScopeState;
}

export function createScopes(): Scopes {
	const known = new Map<string, ScopeState>();
	return {
		of(scope) {
			const key = `${scope.cell}/${scope.task}/${scope.ambiguous}/${scope.worker?.number ?? ''}`;
			let state = known.get(key);
			if (state === undefined) known.set(key, (state = { ...scope, named: null }));
			return state;
		},
		waiting: (scope) => ({ ...scope, named: null }),
	};
}

/** What a scope turned out to be. */
export function settled(scope: ScopeState): ScopeState {
	let state = scope;
	while (state.named !== null) state = state.named;
	return state;
}

/** Which cell execution was active when. */
export interface Cells {
	begin(seq: Seq, execution: CellExecution): void;
	end(seq: Seq, execution: CellExecution): void;
	activeAt(seq: Seq): CellExecution | null;
	/** The scope of the thread that runs cells. Between two cells it belongs to none. */
	scopeAt(seq: Seq): ScopeState;
	/** No cell has begun yet. */
	readonly untouched: boolean;
}

interface Stretch {
	readonly from: Seq;
	readonly active: CellExecution | null;
	readonly scope: ScopeState;
}

/**
 * @param leaving cell executions that start coroutines: what the thread does after them may be theirs, and is ambiguous.
 * Looked at when a cell begins or ends, so it may grow meanwhile
 */
export function createCells(scopes: Scopes, leaving: ReadonlySet<CellExecution>): Cells {
	const stretches: Stretch[] = [
		{ from: 0, active: null, scope: scopes.of({ cell: null, worker: null, task: null, ambiguous: false }) },
	];
	const begun: CellExecution[] = [];

	const add = (from: Seq, active: CellExecution | null, ambiguous: boolean) => {
		stretches.push({ from, active, scope: scopes.of({ cell: active, worker: null, task: null, ambiguous }) });
	};
	const at = (seq: Seq): Stretch => {
		let k = stretches.length - 1;
		while (stretches[k]!.from > seq) k--;
		return stretches[k]!;
	};
	return {
		begin(seq, execution) {
			const ambiguous = begun.some((earlier) => earlier !== execution && leaving.has(earlier));
			begun.push(execution);
			add(seq, execution, ambiguous);
		},
		end(seq, execution) {
			if (stretches.at(-1)!.active !== execution) return;
			add(
				seq,
				null,
				begun.some((earlier) => leaving.has(earlier)),
			);
		},
		activeAt: (seq) => at(seq).active,
		scopeAt: (seq) => at(seq).scope,
		get untouched() {
			return begun.length === 0;
		},
	};
}

/** Where something was submitted, and on behalf of what. */
export interface Submission {
	readonly seq: Seq;
	readonly thread: Thread;
	readonly scope: ScopeState;
}

/** A task as its marks tell it; `task` is its ordinal by the first mark that names it, within one log. */
export interface TaskTrace {
	readonly task: number;
	/** What the engine calls it. */
	readonly engineId: string;
	readonly name: string | null;
	/** Where it was submitted, and on behalf of what. */
	readonly submitted: Submission | null;
	readonly attempts: readonly AttemptTrace[];
}

/** The tasks that one log names, by submit, link and begin. */
export interface Tasks {
	/** @returns its attempts that have begun and did not know by whom it was submitted */
	submit(mark: Mark, submission: Submission): readonly AttemptTrace[];
	/** The mark's name is another id of the same task from here on, and what begins by it is the mark's attempt. */
	link(mark: Mark): void;
	begin(
		mark: Mark,
		seq: Seq,
		thread: Thread,
		scopeOf: (attempt: TaskAttempt, submitted: Submission | null) => ScopeState,
	): AttemptTrace;
	/** How often it has begun. */
	attemptsOf(id: string): number;
	/** Many are submitted at once: those whose ids begin with the group's, and whose own submission is not marked. */
	submitGroup(id: string, submission: Submission, name: string | null): void;
	/** Where a group was submitted, or a task of that id. */
	groupOf(id: string): Submission | null;
	readonly all: readonly TaskTrace[];
	readonly groups: ReadonlyMap<string, { readonly submission: Submission }>;
	/** Further ids of tasks, or of one attempt of theirs. */
	readonly links: ReadonlyMap<string, { readonly of: TaskTrace; readonly attempt: string | null }>;
}

interface TaskState {
	readonly task: number;
	readonly engineId: string;
	name: string | null;
	submitted: Submission | null;
	readonly attempts: AttemptTrace[];
}

export function createTasks(): Tasks {
	const byId = new Map<string, TaskState>();
	const states: TaskState[] = [];
	const groups = new Map<string, { readonly submission: Submission; readonly name: string | null }>();
	const links = new Map<string, { readonly of: TaskTrace; readonly attempt: string | null }>();
	/** The nearest group that an id is below: `pool.7.3` is that of `pool.7.3.12`. */
	const groupAbove = (id: string) => {
		if (groups.size === 0) return null;
		for (let at = id.lastIndexOf('.'); at > 0; at = id.lastIndexOf('.', at - 1)) {
			const group = groups.get(id.slice(0, at));
			if (group !== undefined) return group;
		}
		return null;
	};
	const stateOf = (mark: Mark): TaskState => {
		let state = byId.get(mark.id);
		if (state === undefined) {
			state = { task: states.length + 1, engineId: mark.id, name: null, submitted: null, attempts: [] };
			states.push(state);
			byId.set(mark.id, state);
		}
		return state;
	};
	return {
		submit(mark, submission) {
			const state = stateOf(mark);
			const waiting = state.submitted === null ? [...state.attempts] : [];
			state.name ??= mark.name;
			state.submitted ??= submission;
			return waiting;
		},
		link(mark) {
			if (mark.name === null) return;
			const state = stateOf(mark);
			byId.set(mark.name, state);
			links.set(mark.name, { of: state, attempt: mark.attempt });
		},
		begin(mark, seq, thread, scopeOf) {
			const state = stateOf(mark);
			state.name ??= mark.name;
			const group = state.submitted === null ? groupAbove(mark.id) : null;
			state.submitted ??= group?.submission ?? null;
			state.name ??= group?.name ?? null;
			const number = mark.attempt ?? links.get(mark.id)?.attempt ?? null;
			const named = number === null ? null : `${state.task}.${number}`;
			// A coroutine goes on: step by step it is one attempt.
			const known = state.attempts.find((one) => one.thread === thread && (named === null || one.attempt === named));
			if (known !== undefined) {
				known.ended = null;
				return known;
			}
			// Who does not count attempts gives the task to another worker, and they are counted here.
			const unnamed = state.attempts.length === 0 ? String(state.task) : `${state.task}.${state.attempts.length + 1}`;
			const attempt = named ?? unnamed;
			const trace: AttemptTrace = {
				attempt,
				thread,
				scope: scopeOf(attempt, state.submitted),
				begun: seq,
				ended: null,
				lost: false,
			};
			state.attempts.push(trace);
			return trace;
		},
		attemptsOf: (id) => byId.get(id)?.attempts.length ?? 0,
		submitGroup: (id, submission, name) => void groups.set(id, { submission, name }),
		groupOf: (id) => groups.get(id)?.submission ?? byId.get(id)?.submitted ?? null,
		all: states,
		groups,
		links,
	};
}
