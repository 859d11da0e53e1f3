import type {
	Access,
	Change,
	Doubt,
	AttemptFact,
	ExecFact,
	Facts,
	HandedFact,
	LogId,
	NetworkFact,
	ProcessFact,
	ProcessOrdinal,
	Scope,
	Seq,
	TaskFact,
} from '../../model/index.ts';
import { settled, type Submission, type Tasks, type TaskTrace } from './scopes.ts';
import type { Process, Row, ScopeState, Thread } from './threads.ts';
import type { Workers } from './workers.ts';

/** A fact as it is recorded: its scope is known for good only at the end. */
export interface Told<F extends Scope> {
	readonly fact: Omit<F, keyof Scope | 'log' | 'process' | 'thread'>;
	readonly thread: Thread;
	readonly scope: ScopeState;
}

/** All that was recorded of one log. */
export interface Recorded {
	readonly threads: readonly Thread[];
	readonly rows: Iterable<Row>;
	/** All scopes of rows. */
	readonly scopes: readonly ScopeState[];
	readonly changes: readonly Told<Change>[];
	readonly execs: readonly Told<ExecFact>[];
	readonly network: readonly Told<NetworkFact>[];
}

/** Seconds since 1970 by the log's clock; null where the log does not tell. */
export interface Lifetime {
	readonly process: ProcessOrdinal;
	readonly began: number | null;
	readonly ended: number | null;
}

/** Turns what was recorded into facts. Lists are in the order of the log. */
export function factsOf(
	recorded: Recorded,
	workers: Workers,
	where: { readonly log: LogId; readonly host: string; readonly bootId: string },
): Omit<Facts, 'doubts' | 'tasks' | 'handed' | 'names'> {
	const { log } = where;
	const scoped = <F extends Scope>(told: Told<F>) => ({
		log,
		...told.fact,
		process: told.thread.process.leader.ordinal,
		...scopeFact(workers, told.thread.process, told.scope),
	});
	const bySeq = (a: { seq: Seq }, b: { seq: Seq }) => a.seq - b.seq;
	return {
		accesses: accessesOf(recorded, workers, log),
		changes: recorded.changes.map((told) => ({ ...scoped(told), thread: told.thread.ordinal })).sort(bySeq),
		processes: recorded.threads.filter((thread) => isReported(thread)).map((thread) => processFact(thread, workers, where)),
		execs: recorded.execs.map(scoped).sort(bySeq),
		network: recorded.network.map(scoped).sort(bySeq),
		workers: workers.facts,
	};
}

export function tasksOf(tasks: readonly TaskTrace[], workers: Workers, log: LogId): TaskFact[] {
	return tasks.map(({ task, engineId, name, submitted, attempts }) => ({
		task,
		engine: engineId.split('.', 1)[0] ?? engineId,
		engineId,
		function: name,
		submitted: submitted && submissionOf(submitted, workers, log),
		attempts: attemptsOf(attempts, workers, log),
	}));
}

export function handedOf({ groups, links }: Tasks, workers: Workers, log: LogId): HandedFact[] {
	return [
		...[...groups].map(([id, { submission }]) => ({
			id,
			task: null,
			attempt: null,
			submitted: submissionOf(submission, workers, log),
		})),
		...[...links].map(([id, { of, attempt }]) => ({ id, task: of.task, attempt, submitted: null })),
	];
}

function submissionOf({ seq, thread, scope }: Submission, workers: Workers, log: LogId): NonNullable<TaskFact['submitted']> {
	return { log, seq, ...scopeFact(workers, thread.process, scope) };
}

function attemptsOf(attempts: TaskTrace['attempts'], workers: Workers, log: LogId): AttemptFact[] {
	const ended = attempts.filter((one) => one.ended !== null && !one.lost).sort((a, b) => (a.ended ?? 0) - (b.ended ?? 0));
	const counted = ended.at(-1) ?? attempts.at(-1);
	return attempts.map((one) => ({
		log,
		attempt: one.attempt,
		counted: one === counted,
		process: one.thread.process.leader.ordinal,
		thread: one.thread.ordinal,
		worker: workers.idOf(one.thread.process, one.scope.worker),
		begun: one.begun,
		ended: one.ended,
	}));
}

export function lifetimesOf(threads: readonly Thread[]): Lifetime[] {
	return threads
		.filter((thread) => isReported(thread) && thread.process.leader === thread)
		.map((thread) => ({ process: thread.ordinal, began: thread.bornAt, ended: thread.endedAt }));
}

/** Cellar's own threads are no part of the run; the one that became the program is. */
function isReported(thread: Thread): boolean {
	return thread.ordinal > 0;
}

/** In the order of their first lines. What a task did before it was named, and after, is one row. */
function accessesOf({ rows, scopes }: Recorded, workers: Workers, log: LogId): Access[] {
	const accesses: Access[] = [];
	/** Of each scope that another one turned out to be: which access is whose use of what. */
	const doubled = new Map<ScopeState, Map<string, number>>();
	for (const scope of scopes) if (scope.named !== null) doubled.set(settled(scope), new Map());
	for (const row of rows) {
		const access = accessOf(row, workers, log);
		const known = doubled.size === 0 ? undefined : doubled.get(settled(row.scope));
		if (known === undefined) {
			accesses.push(access);
			continue;
		}
		const key = `${row.thread.ordinal} ${row.how} ${row.path}`;
		const at = known.get(key);
		if (at === undefined) known.set(key, accesses.push(access) - 1);
		else accesses[at] = joined(accesses[at]!, access);
	}
	return accesses.sort((a, b) => a.first - b.first);
}

function accessOf({ thread, scope, path, how, first, last, count, during }: Row, workers: Workers, log: LogId): Access {
	const { ordinal, process } = thread;
	const { cell, worker, task } = scopeFact(workers, process, scope);
	const { ambiguous } = settled(scope);
	// Written out: with hundreds of thousands of them, objects that are put together from others are slow and large.
	return {
		log,
		process: process.leader.ordinal,
		thread: ordinal,
		cell,
		worker,
		task,
		// A task may turn out to be another cell's than the one in which its thread was born.
		during: during === cell ? null : during,
		ambiguous,
		path,
		how,
		first,
		last,
		count,
	};
}

function joined(a: Access, b: Access): Access {
	const [early, late] = a.first < b.first ? [a, b] : [b, a];
	return { ...early, last: Math.max(early.last, late.last), count: early.count + late.count };
}

function scopeFact(workers: Workers, process: Process, scope: ScopeState): Scope {
	const { cell, worker, task } = settled(scope);
	return { cell, worker: workers.idOf(process, worker), task };
}

function processFact(
	thread: Thread,
	workers: Workers,
	{ log, host, bootId }: { readonly log: LogId; readonly host: string; readonly bootId: string },
): ProcessFact {
	const { process, parent } = thread;
	const isLeader = process.leader === thread;
	// One that executed a program later still had it when it made children of its own.
	const inherits = isLeader && process.parent?.leader.own === false && (process.executed === null || process.forkedFirst);
	return {
		ordinal: thread.ordinal,
		log,
		kind: isLeader ? 'process' : 'thread',
		process: process.leader.ordinal,
		parent: parent === null || parent.own ? null : parent.ordinal,
		pid: thread.pid,
		pidInside: thread.pidInside,
		host,
		bootId,
		inheritsFrom: inherits ? (process.parent?.leader.ordinal ?? null) : null,
		untilSeq: inherits ? thread.born : null,
		born: thread.born,
		ended: thread.ended,
		exitCode: thread.exitCode,
		signal: thread.signal,
		...scopeFact(workers, process, thread.birth),
	};
}

/** What may make the facts incomplete: each thing once, with how often it came. */
export interface Doubts {
	/** @param subject what makes two doubts of one code different: a program, a path; empty where only the number counts */
	add(code: string, subject: string, seq: Seq | null, message: string): void;
	forget(): void;
	all(): readonly Doubt[];
}

export function createDoubts(): Doubts {
	const known = new Map<string, { doubt: Doubt; count: number }>();
	return {
		add(code, subject, seq, message) {
			const key = `${code}\n${subject}`;
			const before = known.get(key);
			if (before === undefined) known.set(key, { doubt: { code, message, seq }, count: 1 });
			else before.count++;
		},
		forget: () => known.clear(),
		all: () =>
			[...known.values()].map(({ doubt, count }) =>
				count === 1 ? doubt : { ...doubt, message: `${doubt.message} (${count} times in the log)` },
			),
	};
}
