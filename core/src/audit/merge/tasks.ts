import type { AttemptFact, Facts, HandedFact, LogId, TaskAttempt, TaskFact } from '../../model/index.ts';

/** A task of the whole run, while the logs that name it are joined. */
export interface JoinedTask {
	/** Its number in the run; known when all are there. */
	number: number;
	readonly engine: string;
	readonly engineId: string;
	function: string | null;
	submitted: TaskFact['submitted'];
	readonly attempts: AttemptFact[];
	/** It stood in the first of the facts that are joined. */
	readonly known: boolean;
}

/** The tasks of all logs as one list, and which of them each log's own is. */
export interface JoinedTasks {
	readonly all: readonly JoinedTask[];
	/** By the index of the facts, in the order in which they were given, and the number of the task there; null for one that they do not tell of. */
	of(index: number, task: number): JoinedTask | null;
	/** An attempt as the log has it, with the number that whoever handed it out gave it. */
	attemptOf(index: number, attempt: TaskAttempt): TaskAttempt;
}

/**
 * Joins tasks by what their engine calls them. One that a log submitted is that log's own, for two hosts may use the same words; one
 * that was begun where it was not submitted is the task that was submitted under that name, by itself or with its group.
 *
 * @param all with the numbers of processes, and the ids of workers, of the whole run
 * @param keep the numbers of the first are kept; otherwise all are numbered by their submission
 */
export function joinTasks(all: readonly Pick<Facts, 'tasks' | 'handed'>[], keep: boolean): JoinedTasks {
	const joined: JoinedTask[] = [];
	const places = all.map(() => new Map<number, JoinedTask>());
	const numbers = all.map(() => new Map<number, string>());
	/** How often a task that nobody numbers the attempts of had begun in logs before this one. */
	const before = all.map(() => new Map<number, number>());
	const byId = new Map<string, JoinedTask>();
	/** By an id that names one attempt of a task: its number. */
	const tries = new Map<string, string>();
	const groups = new Map<string, NonNullable<TaskFact['submitted']>>();

	const add = (index: number, task: TaskFact): JoinedTask => {
		const one: JoinedTask = { ...task, number: 0, attempts: [], known: index === 0 };
		joined.push(one);
		if (!byId.has(task.engineId)) byId.set(task.engineId, one);
		return one;
	};
	for (const [index, { tasks, handed }] of all.entries()) {
		for (const task of tasks) if (index === 0 || isOwn(task)) places[index]!.set(task.task, add(index, task));
		for (const { id, task, attempt, submitted } of handed) {
			const named = task === null ? undefined : places[index]!.get(task);
			if (named !== undefined && !byId.has(id)) {
				byId.set(id, named);
				if (attempt !== null) tries.set(id, attempt);
			}
			if (submitted !== null && !groups.has(id)) groups.set(id, submitted);
		}
	}
	for (const [index, { tasks }] of all.entries()) {
		for (const task of tasks) {
			const own = places[index]!.get(task.task);
			const known = own ?? byId.get(task.engineId) ?? add(index, task);
			const number = own === undefined ? tries.get(task.engineId) : undefined;
			places[index]!.set(task.task, known);
			if (number !== undefined) numbers[index]!.set(task.task, number);
			known.function ??= task.function;
			known.submitted ??= task.submitted ?? groupAbove(task.engineId, groups);
			if (countedHere.has(task.engine)) before[index]!.set(task.task, known.attempts.length);
			known.attempts.push(
				...task.attempts.map((one) => ({
					...one,
					attempt: numbered(after(one.attempt, before[index]!.get(task.task)), number),
				})),
			);
		}
	}
	const ordered = keep
		? [...joined.filter((one) => one.known), ...bySubmission(joined.filter((one) => !one.known))]
		: bySubmission(joined);
	for (const [at, task] of ordered.entries()) task.number = at + 1;
	return {
		all: ordered,
		of: (index, task) => places[index]?.get(task) ?? null,
		attemptOf(index, attempt) {
			const task = Number.parseInt(attempt, 10);
			return numbered(after(attempt, before[index]?.get(task)), numbers[index]?.get(task));
		},
	};
}

/** Engines that do not number a task's attempts: each log counts its own. */
const countedHere: ReadonlySet<string> = new Set(['taskvine']);

/** An attempt as it is counted where some came before it in other logs. */
function after(attempt: TaskAttempt, count = 0): TaskAttempt {
	if (count === 0) return attempt;
	const [task = '', number = '1'] = attempt.split('.', 2);
	return `${task}.${Number(number) + count}`;
}

/** A log that knows its task by the id of one attempt has but that one, and does not number it. */
function numbered(attempt: TaskAttempt, number: string | undefined): TaskAttempt {
	return number === undefined || attempt.includes('.') ? attempt : `${attempt}.${number}`;
}

/** It was submitted in the log whose task it is: not only begun there. */
function isOwn({ submitted, attempts }: TaskFact): boolean {
	return submitted !== null && attempts.every(({ log }) => log === submitted.log);
}

/** The nearest group that an id is below: `dask.7.3` is that of `dask.7.3.key`. */
function groupAbove(id: string, groups: ReadonlyMap<string, NonNullable<HandedFact['submitted']>>): TaskFact['submitted'] {
	if (groups.size === 0) return null;
	for (let at = id.lastIndexOf('.'); at > 0; at = id.lastIndexOf('.', at - 1)) {
		const group = groups.get(id.slice(0, at));
		if (group !== undefined) return group;
	}
	return null;
}

/** What the manager submitted comes first, in its order: between logs there is none. */
function bySubmission(tasks: readonly JoinedTask[]): JoinedTask[] {
	const place = ({ submitted, attempts }: JoinedTask): readonly [LogId, number] | null => {
		if (submitted !== null) return [submitted.log, submitted.seq];
		return attempts[0] === undefined ? null : [attempts[0].log, attempts[0].begun];
	};
	const ranks = new Map<LogId, number>([['manager', 0]]);
	for (const task of tasks) {
		const log = place(task)?.[0];
		if (log !== undefined && !ranks.has(log)) ranks.set(log, ranks.size);
	}
	return tasks
		.map((task, at) => {
			const [log, seq] = place(task) ?? [null, 0];
			return { task, at, rank: log === null ? Infinity : (ranks.get(log) ?? Infinity), seq };
		})
		.sort((a, b) => (a.rank === b.rank ? 0 : a.rank - b.rank) || a.seq - b.seq || a.at - b.at)
		.map(({ task }) => task);
}

/**
 * The attempts of a task in the order of their numbers, where the engine gives them some; otherwise as they stand. It is the last
 * that ended that counted.
 */
export function attemptsInOrder(attempts: readonly AttemptFact[]): AttemptFact[] {
	// In one log it is known, unless that log took each try for a task of its own.
	const isOneLogs = new Set(attempts.map(({ log }) => log)).size < 2;
	if (isOneLogs && attempts.filter((one) => one.counted).length < 2) return [...attempts];
	const numberOf = ({ attempt }: AttemptFact) => Number(/\.(\d+)$/.exec(attempt)?.[1] ?? NaN);
	const numbered = attempts.every((one) => !Number.isNaN(numberOf(one)));
	const ordered = numbered ? attempts.toSorted((a, b) => numberOf(a) - numberOf(b)) : [...attempts];
	const counted = ordered.findLast((one) => one.ended !== null) ?? ordered.at(-1);
	return ordered.map((one) => ({ ...one, counted: one === counted }));
}
