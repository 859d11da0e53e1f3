import { CellarError, type Run, type Seq, type TaskFact } from '../../model/index.ts';
import type { Part, Selector } from '../scopes.ts';

/**
 * Reads what `--for` says: `run`, `manager`, `workers`, `worker:ID`, `cell:N`, `task:N`, `function:NAME`, `program`, several
 * joined by commas.
 *
 * @param tasks the run's; only needed where the text names some
 * @throws CellarError CELLAR_NO_SUCH_CELL, CELLAR_NO_SUCH_WORKER, CELLAR_NO_SUCH_TASK with those there are; CELLAR_USAGE
 */
export function parseSelector(text: string, run: Run, tasks: readonly TaskFact[] = []): Selector {
	const words = text.split(',').map((word) => word.trim());
	return { text: words.join(','), parts: words.map((word) => partOf(word, run, tasks)) };
}

/** Whether a selector names tasks, so that they must be known to read it. */
export function namesTasks(text: string): boolean {
	return text.split(',').some((word) => /^(task|function):/.test(word.trim()));
}

function partOf(word: string, run: Run, tasks: readonly TaskFact[]): Part {
	if (word === 'run' || word === 'manager' || word === 'workers' || word === 'program') return { part: word };
	const colon = word.indexOf(':');
	const kind = colon < 0 ? word : word.slice(0, colon);
	const id = colon < 0 ? '' : word.slice(colon + 1);
	if (kind === 'cell' && colon > 0) return { part: 'cell', cell: cellNamed(id, run) };
	if (kind === 'worker' && colon > 0) return { part: 'worker', worker: workerNamed(id, run) };
	if (kind === 'task' && colon > 0) return partOfTasks(taskNamed(id, run, tasks));
	if (kind === 'function' && colon > 0) return partOfTasks(tasksOfFunction(id, run, tasks));
	throw new CellarError('CELLAR_USAGE', `--for ${word}: there is no such part of a run`, {
		hint: 'use run, manager, workers, worker:ID, cell:N, task:N, function:NAME or program; several are joined by commas',
	});
}

function cellNamed(id: string, run: Run): number {
	const numbers = run.cells.map((cell) => cell.number);
	const found = run.cells.find((cell) => String(cell.number) === id);
	if (found !== undefined) return found.number;
	const range = numbers.length === 0 ? 'it has no code cells' : `its code cells are ${rangeOf(numbers)}`;
	throw new CellarError('CELLAR_NO_SUCH_CELL', `run ${run.run} has no cell ${id}: ${range}`, {
		hint: 'cells are counted from 1, code cells only, from the top of the notebook',
	});
}

function workerNamed(id: string, run: Run): string {
	if (run.workers.some((worker) => worker.id === id)) return id;
	const all = run.workers.map((worker) => worker.id);
	const some = all.length > 10 ? `${all.slice(0, 9).join(', ')}, … ${all.at(-1)}` : all.join(', ');
	throw new CellarError('CELLAR_NO_SUCH_WORKER', `run ${run.run} has no worker ${id}`, {
		hint: all.length === 0 ? 'this run had no workers' : `its workers are ${some}`,
	});
}

function taskNamed(id: string, run: Run, tasks: readonly TaskFact[]): readonly TaskFact[] {
	const found = tasks.filter(({ task }) => String(task) === id);
	if (found.length > 0) return found;
	throw new CellarError('CELLAR_NO_SUCH_TASK', `run ${run.run} has no task ${id}`, {
		hint: tasks.length === 0 ? noTasks : `its tasks are ${rangeOf(tasks.map(({ task }) => task))}, as they were submitted`,
	});
}

/** All tasks of a function: by its whole name, or by the last word of it where that is no other's name. */
function tasksOfFunction(name: string, run: Run, tasks: readonly TaskFact[]): readonly TaskFact[] {
	const whole = tasks.filter((task) => task.function === name);
	const found = whole.length > 0 ? whole : tasks.filter((task) => task.function?.split('.').at(-1) === name);
	if (found.length > 0) return found;
	const names = [...new Set(tasks.flatMap((task) => task.function ?? []))].toSorted();
	const some = names.length > 10 ? `${names.slice(0, 10).join(', ')}, …` : names.join(', ');
	throw new CellarError('CELLAR_NO_SUCH_TASK', `run ${run.run} has no task that ran ${name}`, {
		hint: names.length === 0 ? noTasks : `its tasks ran ${some}`,
	});
}

const noTasks = 'no tasks are known of this run: those of engines that the notebook starts itself are (docs/guides)';

function partOfTasks(tasks: readonly TaskFact[]): Part {
	const workers = new Map<string, Seq>();
	// Of TaskVine's a task is a program of its own, or a library's: it has nothing from the worker.
	for (const { worker, begun } of tasks.flatMap((task) => (task.engine === 'taskvine' ? [] : task.attempts))) {
		if (worker !== null) workers.set(worker, Math.max(begun, workers.get(worker) ?? 0));
	}
	return { part: 'tasks', tasks: new Set(tasks.map(({ task }) => task)), workers };
}

function rangeOf(numbers: readonly number[]): string {
	const [first] = numbers;
	return numbers.length === 1 ? String(first) : `${first} to ${numbers.at(-1)}`;
}
