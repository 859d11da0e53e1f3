import type { Facts, Scope, WorkerId } from '../../model/index.ts';

/**
 * The facts of a log that a worker wrote of itself: nothing in it is the manager's. Where one worker marked itself in it, all is that
 * one's, also what the program did that started it; where several did, the program that started them is a worker of its own.
 *
 * @param engine whose worker the program's command starts, `worker` where that is not known: of a worker that did not mark itself
 */
export function factsOfWorker(facts: Facts, engine: string): Facts {
	const program = facts.processes.find(({ parent, kind }) => parent === null && kind === 'process');
	if (program === undefined) return facts;
	const [only, ...others] = facts.workers;
	const own = facts.workers.find((worker) => worker.process === program.ordinal) ?? (others.length === 0 ? only : undefined);
	const marked = facts.workers[0]?.engine;
	const added = { worker: `w${facts.workers.length + 1}`, process: program.ordinal, pid: program.pid, born: program.born };
	const worker: WorkerId = own?.worker ?? added.worker;
	const withWorker = <F extends Scope>(fact: F): F => (fact.worker === null ? { ...fact, worker } : fact);
	return {
		accesses: facts.accesses.map(withWorker),
		changes: facts.changes.map(withWorker),
		processes: facts.processes.map(withWorker),
		execs: facts.execs.map(withWorker),
		network: facts.network.map(withWorker),
		workers:
			own === undefined
				? [{ ...added, engine: marked ?? engine }, ...facts.workers]
				: facts.workers.map((one) => (one === only && others.length === 0 ? { ...one, engine: named(one.engine, engine) } : one)),
		tasks: facts.tasks.map((task) => ({
			...task,
			submitted: task.submitted && withWorker(task.submitted),
			attempts: task.attempts.map((attempt) => (attempt.worker === null ? { ...attempt, worker } : attempt)),
		})),
		handed: facts.handed.map((one) => ({ ...one, submitted: one.submitted && withWorker(one.submitted) })),
		names: facts.names.map((one) => (one.worker === null ? { ...one, worker } : one)),
		doubts: facts.doubts,
	};
}

/** What a process is called that was told by its birth alone: it may have been ended before it said what it is. */
const byBirth: ReadonlySet<string> = new Set(['fork', 'multiprocessing.spawn', 'multiprocessing.forkserver']);

function named(found: string, engine: string): string {
	return byBirth.has(found) && engine !== 'worker' ? engine : found;
}
