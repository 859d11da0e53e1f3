import type { AttemptFact, HandedFact, Seq, TaskFact } from '../../model/index.ts';
import { flag, int, later, long, orNull, text } from './column.ts';
import type { Columns } from './table.ts';

/** One attempt of a task, with the task that it is one of; a task that never ran has one row without an attempt. */
type TaskRow = Pick<TaskFact, 'task' | 'engine' | 'engineId' | 'function'> & {
	readonly submittedLog: string | null;
	readonly submitted: Seq | null;
	readonly submittedCell: number | null;
	readonly submittedWorker: string | null;
	readonly submittedTask: string | null;
} & Nullable<AttemptFact>;
type Nullable<T> = { readonly [Field in keyof T]: T[Field] | null };

export const tasks: Columns<TaskRow> = {
	task: int,
	engine: text,
	engineId: text,
	function: orNull(text),
	submittedLog: orNull(text),
	submitted: orNull(long),
	submittedCell: orNull(int),
	submittedWorker: orNull(text),
	submittedTask: orNull(text),
	log: orNull(text),
	attempt: orNull(text),
	counted: orNull(flag),
	process: orNull(int),
	thread: orNull(int),
	worker: orNull(text),
	begun: orNull(long),
	ended: orNull(long),
};

/** An id by which another log may name what this one submitted. */
type HandedRow = Pick<HandedFact, 'id' | 'task' | 'attempt'> & Pick<TaskRow, keyof ReturnType<typeof submissionRow>>;

export const handed: Columns<HandedRow> = {
	id: text,
	task: orNull(int),
	attempt: later(orNull(text)),
	submittedLog: orNull(text),
	submitted: orNull(long),
	submittedCell: orNull(int),
	submittedWorker: orNull(text),
	submittedTask: orNull(text),
};

const never: Nullable<AttemptFact> = {
	log: null,
	attempt: null,
	counted: null,
	process: null,
	thread: null,
	worker: null,
	begun: null,
	ended: null,
};

export function rowsOfTasks(facts: readonly TaskFact[]): TaskRow[] {
	return facts.flatMap(({ task, engine, engineId, function: name, submitted, attempts }) => {
		const told = { ...{ task, engine, engineId, function: name }, ...submissionRow(submitted) };
		return attempts.length === 0 ? [{ ...told, ...never }] : attempts.map((attempt) => ({ ...told, ...attempt }));
	});
}

export function tasksOfRows(rows: readonly TaskRow[]): TaskFact[] {
	const byTask = new Map<number, TaskFact & { readonly attempts: AttemptFact[] }>();
	for (const row of rows) {
		const { task, engine, engineId } = row;
		let fact = byTask.get(task);
		if (fact === undefined) {
			byTask.set(task, (fact = { task, engine, engineId, function: row.function, submitted: submissionOf(row), attempts: [] }));
		}
		const attempt = attemptOf(row);
		if (attempt !== null) fact.attempts.push(attempt);
	}
	return [...byTask.values()];
}

export function rowsOfHanded(facts: readonly HandedFact[]): HandedRow[] {
	return facts.map(({ id, task, attempt, submitted }) => ({ id, task, attempt, ...submissionRow(submitted) }));
}

export function handedOfRows(rows: readonly HandedRow[]): HandedFact[] {
	return rows.map((row) => ({ id: row.id, task: row.task, attempt: row.attempt, submitted: submissionOf(row) }));
}

function submissionRow(submitted: TaskFact['submitted']) {
	return {
		...{ submittedLog: submitted?.log ?? null, submitted: submitted?.seq ?? null },
		...{ submittedCell: submitted?.cell ?? null, submittedWorker: submitted?.worker ?? null },
		submittedTask: submitted?.task ?? null,
	};
}

function submissionOf(row: Omit<HandedRow, 'id' | 'task' | 'attempt'>): TaskFact['submitted'] {
	const { submittedLog: log, submitted: seq } = row;
	const scope = { cell: row.submittedCell, worker: row.submittedWorker, task: row.submittedTask };
	return log === null || seq === null ? null : { log, seq, ...scope };
}

function attemptOf({ log, attempt, counted, process, thread, worker, begun, ended }: TaskRow): AttemptFact | null {
	if (log === null || attempt === null || counted === null || process === null || thread === null || begun === null) return null;
	return { log, attempt, counted, process, thread, worker, begun, ended };
}
