import type { Mark, Seq } from '../../model/index.ts';
import type { Doubts } from './facts.ts';
import { createCells, createTasks, settled, type Cells, type Scopes, type Submission, type Tasks } from './scopes.ts';
import type { AttemptTrace, MarkedWorker, OpenTask, ScopeState, Thread } from './threads.ts';

/** What marks make of the threads: who runs cells, who is a worker, who runs which task. */
export interface Marking {
	readonly cells: Cells;
	readonly tasks: Tasks;
	readonly workers: readonly MarkedWorker[];
	/** The thread that runs cells: the kernel's first. Others belong to the cell in which they were born. */
	runner: Thread | null;
	/** Programs that run cells on its behalf: what they do belongs to the cell that is active. */
	readonly deputies: Set<Thread>;
	/** How many programs the launcher still becomes before the one that was asked for; null until it has said so. */
	execsLeft: number | null;
	/** What the thread does at that place of the log belongs to this. */
	scopeOf(thread: Thread, seq: Seq): ScopeState;
	apply(mark: Mark, thread: Thread, seq: Seq): void;
	/** A task begins on the thread, though no mark says so. */
	begin(id: string, name: string | null, thread: Thread, seq: Seq): AttemptTrace;
	end(id: string, thread: Thread, seq: Seq): void;
	/** A thread has ended, and with it the tasks that it had begun. */
	close(thread: Thread, seq: Seq): void;
}

/**
 * @param forget drops all that was recorded: what came before `begin/group/launcher` was the launcher's start
 */
export function createMarking(o: {
	readonly scopes: Scopes;
	readonly doubts: Doubts;
	readonly leaving: ReadonlySet<number>;
	readonly forget: () => void;
}): Marking {
	const { scopes, doubts } = o;
	const cells = createCells(scopes, o.leaving);
	const tasks = createTasks();
	const workers: MarkedWorker[] = [];

	const withoutTask = (thread: Thread, seq: Seq): ScopeState => {
		if (thread !== marking.runner && !marking.deputies.has(thread)) return thread.base;
		const scope = cells.scopeAt(seq);
		return thread.base.worker === null ? scope : scopes.of({ ...scope, worker: thread.base.worker });
	};

	const cellMark = (mark: Mark, thread: Thread, seq: Seq) => {
		const execution = Number(mark.id);
		if (!Number.isSafeInteger(execution)) return;
		// A kernel that marks its own cells does so on the thread that runs them.
		if (!thread.own) marking.runner = thread;
		if (mark.verb === 'begin') cells.begin(seq, execution);
		else if (mark.verb === 'end') cells.end(seq, execution);
	};

	const workerMark = (mark: Mark, thread: Thread, seq: Seq) => {
		if (mark.verb === 'begin') {
			const worker: MarkedWorker = { number: workers.length + 1, id: mark.id, thread, seq };
			workers.push(worker);
			marking.close(thread, seq);
			thread.base = scopes.of({ ...thread.birth, worker, task: null });
		} else if (mark.id === '?') {
			thread.process.noWorker = true;
		} else if (mark.verb === 'end' && thread.base.worker?.id === mark.id) {
			marking.close(thread, seq);
			thread.base = thread.birth;
		}
	};

	const taskMark = (mark: Mark, thread: Thread, seq: Seq) => {
		if (mark.verb === 'submit') submitTask(mark, { seq, thread, scope: marking.scopeOf(thread, seq) });
		else if (mark.verb === 'link') tasks.link(mark);
		else if (mark.verb === 'begin' && mark.id === '?') {
			thread.tasks.push({ id: mark.id, scope: scopes.waiting(withoutTask(thread, seq)), trace: null });
		} else if (mark.verb === 'begin') beginTask(mark, thread, seq);
		else if (mark.verb === 'end') {
			const at = thread.tasks.findLastIndex((task) => isOf(task, mark));
			if (at >= 0) endTasks(thread.tasks.splice(at), seq);
		}
	};

	/** It is done for the cell that submitted it, on whatever thread, and whenever that was born. */
	const onBehalf = (base: ScopeState, submitted: Submission | null): ScopeState => {
		if (submitted === null) return base;
		const { cell, ambiguous, task } = settled(submitted.scope);
		return { ...base, cell, ambiguous, task };
	};

	/** An engine may know a task's id only when it has sent it, and by then a worker may have begun. */
	const submitTask = (mark: Mark, submission: Submission) => {
		for (const { scope, attempt } of tasks.submit(mark, submission)) {
			scope.named = scopes.of({ ...onBehalf(scope, submission), task: attempt });
		}
	};

	const beginTask = (mark: Mark, thread: Thread, seq: Seq): AttemptTrace => {
		const base = withoutTask(thread, seq);
		const trace = tasks.begin(mark, seq, thread, (task, submitted) =>
			submitted === null ? scopes.waiting({ ...base, task }) : scopes.of({ ...onBehalf(base, submitted), task }),
		);
		// What was done since the bytes arrived was this task's.
		if (thread.tasks.at(-1)?.id === '?') thread.tasks.pop()!.scope.named = trace.scope;
		thread.tasks.push({ id: mark.id, scope: trace.scope, trace });
		return trace;
	};

	/** What a thread does between these two it does for whoever submitted the group. */
	const groupTask = (mark: Mark, thread: Thread, seq: Seq) => {
		const id = `group ${mark.id}`;
		if (mark.verb === 'submit') tasks.submitGroup(mark.id, { seq, thread, scope: marking.scopeOf(thread, seq) }, mark.name);
		else if (mark.verb === 'begin') {
			const group = tasks.groupOf(mark.id);
			if (group !== null) {
				const scope = scopes.of(onBehalf(withoutTask(thread, seq), group));
				thread.tasks.push({ id, scope, trace: null });
			}
		} else if (mark.verb === 'end') {
			const at = thread.tasks.findLastIndex((task) => task.id === id && task.trace === null);
			if (at >= 0) endTasks(thread.tasks.splice(at), seq);
		}
	};

	const groupMark = (mark: Mark, thread: Thread, seq: Seq) => {
		if (mark.id === 'cellar') thread.process.cellars = true;
		else if (mark.id !== 'launcher') return groupTask(mark, thread, seq);
		// The program itself may say what it likes: only the thread from which all came is the launcher.
		if (thread.parent !== null || marking.execsLeft !== null) return;
		if (mark.verb === 'end' && thread.own) marking.execsLeft = Number(mark.attempt ?? 0) || 0;
		else if (mark.verb === 'begin' && !thread.own) {
			thread.own = true;
			o.forget();
		}
	};

	const marking: Marking = {
		cells,
		tasks,
		workers,
		runner: null,
		deputies: new Set(),
		execsLeft: null,
		scopeOf(thread, seq) {
			const { tasks } = thread;
			return tasks.length > 0 ? tasks[tasks.length - 1]!.scope : withoutTask(thread, seq);
		},
		apply(mark, thread, seq) {
			if (mark.verb === 'fault') {
				const message = `${mark.id} could not be marked: what its workers did is told by their birth alone`;
				doubts.add('CELLAR_UNMARKED', mark.id, seq, message);
			} else if (mark.kind === 'cell') cellMark(mark, thread, seq);
			else if (mark.kind === 'worker') workerMark(mark, thread, seq);
			else if (mark.kind === 'task') taskMark(mark, thread, seq);
			else groupMark(mark, thread, seq);
		},
		begin(id, name, thread, seq) {
			const before = tasks.attemptsOf(id);
			const attempt = before === 0 ? null : String(before + 1);
			return beginTask({ verb: 'begin', kind: 'task', id, attempt, name }, thread, seq);
		},
		end(id, thread, seq) {
			taskMark({ verb: 'end', kind: 'task', id, attempt: null, name: null }, thread, seq);
		},
		close(thread, seq) {
			endTasks(thread.tasks.splice(0), seq);
		},
	};
	return marking;
}

function isOf(task: OpenTask, mark: Mark): boolean {
	return task.id === mark.id && (mark.attempt === null || (task.trace?.attempt.endsWith(`.${mark.attempt}`) ?? false));
}

function endTasks(tasks: readonly OpenTask[], seq: Seq): void {
	for (const { trace } of tasks) {
		if (trace !== null) trace.ended ??= seq;
	}
}
