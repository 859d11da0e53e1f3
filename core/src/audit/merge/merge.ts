import {
	accessesOf,
	columnsOf,
	type AccessColumns,
	type CellExecution,
	type Facts,
	type FactsWithoutAccesses,
	type LogId,
	type ProcessOrdinal,
	type Scope,
	type TaskAttempt,
	type TaskFact,
	type WorkerId,
} from '../../model/index.ts';
import { withManagers } from './managers.ts';
import { attemptsInOrder, joinTasks, type JoinedTask, type JoinedTasks } from './tasks.ts';

/** Several logs told as one run. */
export interface Merging {
	/** All but the accesses, of which there may be too many to be held. */
	readonly facts: FactsWithoutAccesses;
	/** The accesses of one of the logs, with the run's names. @param at the place of that log, as they were given */
	accesses(at: number, accesses: AccessColumns): AccessColumns;
}

/**
 * The facts of several logs as those of one run: processes get numbers and workers ids that are the run's, tasks are joined by what
 * their engine calls them, and what a task used belongs to the cell that submitted it, whichever log it stands in.
 *
 * @param first the manager's, or what was merged before: its processes and workers keep their names
 * @param logs those of the workers' own logs, in the order in which these began
 * @param keepTasks the tasks of `first` keep their numbers too, as somebody may have been told them
 */
export function mergeFacts(first: Facts, logs: readonly Facts[], keepTasks = false): Facts {
	if (logs.length === 0) return first;
	const all = [first, ...logs];
	const merging = mergeLogs(all, keepTasks);
	return { ...merging.facts, accesses: all.flatMap((facts, at) => accessesOf(merging.accesses(at, columnsOf(facts.accesses)))) };
}

/** As `mergeFacts`, for logs of which the accesses are read one after another. @param logs the first of them, and the others */
export function mergeLogs(logs: readonly FactsWithoutAccesses[], keepTasks: boolean): Merging {
	const all = withManagers(logs);
	const tasks = joinTasks(all, keepTasks);
	const names = namesOf(all, tasks);
	const each = <T>(of: (facts: FactsWithoutAccesses, names: Names) => readonly T[]): T[] =>
		all.flatMap((facts, at) => of(facts, names[at]!));
	const facts: FactsWithoutAccesses = {
		changes: each((facts, { process, scope }) =>
			facts.changes.map((fact) => ({ ...fact, ...scope(fact), process: process(fact.process), thread: process(fact.thread) })),
		),
		processes: each((facts, { process, processOrNull, scope }) =>
			facts.processes.map((fact) => ({
				...{ ...fact, ...scope(fact), ordinal: process(fact.ordinal), process: process(fact.process) },
				...{ parent: processOrNull(fact.parent), inheritsFrom: processOrNull(fact.inheritsFrom) },
			})),
		),
		execs: each((facts, { process, scope }) =>
			facts.execs.map((fact) => ({ ...fact, ...scope(fact), process: process(fact.process) })),
		),
		network: each((facts, { process, scope }) =>
			facts.network.map((fact) => ({ ...fact, ...scope(fact), process: process(fact.process) })),
		),
		workers: each((facts, { process, worker }) =>
			facts.workers.map((fact) => ({ ...fact, worker: worker(fact.worker), process: process(fact.process) })),
		),
		tasks: taskFacts(tasks, all, names),
		names: each((facts, { scope }) =>
			facts.names.map((fact) => {
				const { worker, task } = scope({ cell: null, worker: fact.worker, task: fact.task });
				return { ...fact, worker, task };
			}),
		),
		handed: each((facts, { handed }) => facts.handed.map(handed)),
		// A line says nothing where nobody can say of which log.
		doubts: all.flatMap((facts, at) => (at === 0 ? facts.doubts : facts.doubts.map((doubt) => ({ ...doubt, seq: null })))),
	};
	return { facts, accesses: (at, accesses) => renamed(accesses, names[at]!) };
}

/** What things of one log are called in the run. */
interface Names {
	readonly process: (ordinal: ProcessOrdinal) => ProcessOrdinal;
	readonly processOrNull: (ordinal: ProcessOrdinal | null) => ProcessOrdinal | null;
	readonly worker: (id: WorkerId) => WorkerId;
	/** An attempt, and the cell that submitted its task; null for one that is of no task. */
	readonly attempt: (text: TaskAttempt) => { readonly task: TaskAttempt; readonly cell: CellExecution | null } | null;
	readonly scope: (fact: Scope) => Scope;
	readonly handed: (fact: Facts['handed'][number]) => Facts['handed'][number];
}

function namesOf(all: readonly FactsWithoutAccesses[], tasks: JoinedTasks): Names[] {
	const cellOf = cellsOf(all, tasks);
	let processes = 0;
	let workers = 0;
	return all.map((facts, at) => {
		const offset = processes;
		const ids = new Map<WorkerId, WorkerId>();
		for (const { worker } of facts.workers) ids.set(worker, at === 0 ? worker : `w${workers + ids.size + 1}`);
		for (const { ordinal } of facts.processes) processes = Math.max(processes, offset + ordinal);
		workers += ids.size;
		/** By the task as the log has it: thousands of facts share one. */
		const known = new Map<TaskAttempt, ReturnType<Names['attempt']>>();
		const attempt: Names['attempt'] = (text) => {
			let found = known.get(text);
			if (found === undefined) {
				const joined = tasks.of(at, Number.parseInt(text, 10));
				found = joined && { task: `${joined.number}${tasks.attemptOf(at, text).replace(/^\d+/, '')}`, cell: cellOf(joined) };
				known.set(text, found);
			}
			return found;
		};
		const worker = (id: WorkerId) => ids.get(id) ?? id;
		const scope = (fact: Scope): Scope => {
			const one = fact.task === null ? null : attempt(fact.task);
			return {
				cell: fact.cell ?? one?.cell ?? null,
				worker: fact.worker === null ? null : worker(fact.worker),
				task: one?.task ?? null,
			};
		};
		return {
			process: (ordinal) => ordinal + offset,
			processOrNull: (ordinal) => (ordinal === null ? null : ordinal + offset),
			worker,
			attempt,
			scope,
			handed: ({ id, task, attempt: number, submitted }) => ({
				...{ id, attempt: number },
				task: task === null ? null : (tasks.of(at, task)?.number ?? null),
				submitted: submitted && { ...submitted, ...scope(submitted) },
			}),
		};
	});
}

/** Which of the facts a log is told by: all that were merged before are the first. */
function indexByLog(all: readonly FactsWithoutAccesses[]): (log: LogId) => number {
	const indexes = new Map<LogId, number>();
	for (const [at, { processes }] of all.entries()) if (at > 0) for (const { log } of processes) indexes.set(log, at);
	return (log) => indexes.get(log) ?? 0;
}

/** The cell that a task was submitted by; of one that another task submitted, that one's. */
function cellsOf(all: readonly FactsWithoutAccesses[], tasks: JoinedTasks): (task: JoinedTask) => CellExecution | null {
	const indexOf = indexByLog(all);
	return (task) => {
		const seen = new Set<JoinedTask>();
		let one: JoinedTask | null = task;
		while (one !== null && !seen.has(one)) {
			const { submitted }: JoinedTask = one;
			if (submitted === null) return null;
			if (submitted.cell !== null || submitted.task === null) return submitted.cell;
			seen.add(one);
			one = tasks.of(indexOf(submitted.log), Number.parseInt(submitted.task, 10));
		}
		return null;
	};
}

function taskFacts(tasks: JoinedTasks, all: readonly FactsWithoutAccesses[], names: readonly Names[]): TaskFact[] {
	const indexOf = indexByLog(all);
	const namesIn = (log: LogId) => names[indexOf(log)]!;
	return tasks.all.map(({ number, engine, engineId, function: name, submitted, attempts }) => ({
		...{ task: number, engine, engineId, function: name },
		submitted: submitted && { ...submitted, ...namesIn(submitted.log).scope(submitted) },
		attempts: attemptsInOrder(attempts).map((one) => {
			const { process, worker } = namesIn(one.log);
			return {
				...one,
				attempt: `${number}${one.attempt.replace(/^\d+/, '')}`,
				...{ process: process(one.process), thread: process(one.thread), worker: one.worker && worker(one.worker) },
			};
		}),
	}));
}

function renamed(of: AccessColumns, { process, worker, attempt }: Names): AccessColumns {
	const joined = mapped(of.task, (task) => (task === null ? null : attempt(task)));
	return {
		// A column that stays as it is, is written as it was read.
		...of,
		process: mapped(of.process, process),
		thread: mapped(of.thread, process),
		worker: mapped(of.worker, (id) => (id === null ? null : worker(id))),
		...(holdsAny(of.task) && {
			cell: mapped(of.cell, (cell, at) => cell ?? joined[at]?.cell ?? null),
			task: mapped(joined, (one) => one?.task ?? null),
		}),
	};
}

function holdsAny(values: ArrayLike<unknown>): boolean {
	for (let at = 0; at < values.length; at++) if (values[at] !== null) return true;
	return false;
}

/** As `Array.from`, several times as fast. */
function mapped<T, U>(values: ArrayLike<T>, to: (value: T, at: number) => U): U[] {
	const all: U[] = [];
	for (let at = 0; at < values.length; at++) all.push(to(values[at]!, at));
	return all;
}
