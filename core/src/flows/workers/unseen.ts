import type { Facts, TaskFact, Warning } from '../../model/index.ts';
import type { WorkerState } from '../../store/index.ts';

/** The engine of which a batch job was to start workers, by the job's name (agent/core.py); null for what is no job. */
function jobOf({ id, task }: Facts['handed'][number]): string | null {
	return task === null ? (/^job\.([^.]+)\./.exec(id)?.[1] ?? null) : null;
}

/**
 * Jobs of which no worker has begun: they wait, were cancelled, or ran where nobody looked.
 *
 * @param unaudited those whose hosts had nothing to audit them by, with the hosts
 */
export function unseenJobs(
	{ handed }: Pick<Facts, 'handed'>,
	workers: readonly Pick<WorkerState, 'report'>[],
	unaudited: ReadonlyMap<string, string>,
): Warning[] {
	const begun = new Set(workers.map(({ report }) => report?.job));
	const byEngine = new Map<string, string[]>();
	for (const one of handed) {
		const engine = jobOf(one);
		if (engine !== null) byEngine.set(engine, [...(byEngine.get(engine) ?? []), one.id]);
	}
	return [...byEngine]
		.toSorted(([a], [b]) => (a < b ? -1 : 1))
		.flatMap(([engine, jobs]) => {
			const unseen = jobs.filter((job) => !begun.has(job));
			const bare = unseen.flatMap((job) => unaudited.get(job) ?? []);
			const waiting = unseen.length - bare.length;
			const of = `of ${jobs.length} batch jobs for workers of ${engine},`;
			const hosts = [...new Set(bare)].toSorted().join(', ');
			return [
				...(waiting === 0
					? []
					: [
							`${of} ${waiting} started none that is in the run: they still wait, were cancelled before, or ran where this run’s folder is not to be seen`,
						]),
				...(bare.length === 0
					? []
					: [
							`${of} ${bare.length} ran unaudited on ${hosts}, where neither this Cellar and its Node are at their places nor a bundle of it that starts there: cellar worker bundle makes one for the next run`,
						]),
			];
		})
		.map((message) => ({ code: 'CELLAR_JOBS_UNSEEN', message }));
}

/** A manager was made (agent/engines/taskvine.py): that is no task. */
function isBirth({ id }: Facts['handed'][number]): boolean {
	return /^taskvine\.\d+\.born\./.test(id);
}

/** What it is handed, it hands to another engine, as whose tasks they run. */
const handsOn: ReadonlySet<string> = new Set(['joblib']);

/** Engines that were handed tasks of which no one is known to have run: their workers were started where nobody looked. */
export function unseenWorkers({ tasks, handed }: Pick<Facts, 'tasks' | 'handed'>): Warning[] {
	const ran = new Set(tasks.flatMap((task) => (task.attempts.length > 0 ? [task.engine] : [])));
	const engines = [
		...tasks.flatMap((task) => (task.submitted === null ? [] : [task.engine])),
		...handed.flatMap((one) => (one.task === null && jobOf(one) === null && !isBirth(one) ? [one.id.split('.', 1)[0]!] : [])),
	];
	return [...new Set(engines)]
		.filter((engine) => !ran.has(engine) && !handsOn.has(engine))
		.toSorted()
		.map((engine) => ({
			code: 'CELLAR_WORKERS_UNSEEN',
			message: `tasks were handed to ${engine}, and no worker that ran one is in the run: what they used is not known, unless their workers are started by cellar worker`,
		}));
}

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
