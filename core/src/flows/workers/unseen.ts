import type { Facts, TaskFact, Warning } from '../../model/index.ts';

/** Engines that may have workers which somebody else started: those of all others are born of the kernel, and so are seen. */
const mayHaveOthers: ReadonlySet<string> = new Set(['dask', 'ipyparallel', 'parsl', 'ray', 'taskvine']);

/**
 * How many tasks each engine was handed that were not seen to run, where others of its tasks were: some of its workers may be audited
 * and some not. A task that never ran, as it was cancelled, looks the same, and the text says so.
 *
 * @param facts of a run that finished: of one that was ended, what still waited is no news
 */
export function unseenTasks({ tasks, handed }: Pick<Facts, 'tasks' | 'handed'>): Warning[] {
	const sent = new Set(handed.map(({ task }) => task));
	const byEngine = new Map<string, { handed: number; ran: number }>();
	for (const task of tasks) {
		if (task.submitted === null || !mayHaveOthers.has(task.engine) || isKept(task, sent)) continue;
		const count = byEngine.get(task.engine) ?? { handed: 0, ran: 0 };
		const ran = count.ran + (task.attempts.length > 0 ? 1 : 0);
		byEngine.set(task.engine, { handed: count.handed + 1, ran });
	}
	return [...byEngine]
		.filter(([, { handed, ran }]) => ran > 0 && ran < handed)
		.toSorted(([a], [b]) => (a < b ? -1 : 1))
		.map(([engine, { handed, ran }]) => ({
			code: 'CELLAR_TASKS_UNSEEN',
			message: `${handed - ran} of ${handed} tasks that were handed to ${engine} were not seen to run: they were cancelled, failed before they began, had their results already, or ran on workers that are not in the run, and then what they used is not known`,
		}));
}

/** Parsl kept it: it answers from its memory what it has computed before, and has other executors that run a task as one of theirs. What it sends to workers gets another number then. */
function isKept({ engine, engineId, task, attempts }: TaskFact, sent: ReadonlySet<number | null>): boolean {
	return engine === 'parsl' && !engineId.startsWith('parsl.executor') && attempts.length === 0 && !sent.has(task);
}
