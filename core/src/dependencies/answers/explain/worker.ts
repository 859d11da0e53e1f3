import { CellarError, type FileFact, type Name, type TaskFact } from '../../../model/index.ts';
import type { Judgement } from '../../judge.ts';
import { byName } from '../../paths.ts';
import { parseSelector } from '../selector.ts';
import { count, countsOf, didBy, explanationOfPart } from './did.ts';
import { noPart, type Explanation, type WorkerExplanation } from './explanation.ts';

/**
 * What a worker is, which tasks it ran, what it used that no other worker did, and all that it used, made and started.
 *
 * @param what `worker:ID`
 * @throws CellarError CELLAR_NO_SUCH_WORKER; CELLAR_USAGE where it is not one worker
 */
export function explainWorker(j: Judgement, files: ReadonlyMap<Name, FileFact>, what: string): Explanation {
	const { facts } = j.world;
	const selector = parseSelector(what, j.run);
	const worker = j.run.workers.find((one) => `worker:${one.id}` === what);
	if (worker === undefined) {
		throw new CellarError('CELLAR_USAGE', `${what} is not one worker`, { hint: 'cellar explain worker:w1' });
	}
	const { id, engine, host, pid, log, tasks } = worker;
	const itself = facts.workers.find((one) => one.worker === id)?.process;
	const did = didBy(j, files, selector, (process) => process.worker === id && process.ordinal !== itself);
	const isAlone = j.run.workers.length > 1;
	const told: WorkerExplanation = {
		...{ id, engine, host, pid, log, tasks },
		functions: functionsOn(id, facts.tasks),
		alone: did.dependencies.software
			.filter((item) => isAlone && item.workers.length === 1 && !item.manager)
			.map((item) => item.name),
		...did,
	};
	const ran = tasks === null ? '' : `, ran ${count(tasks, 'task', 'tasks')}`;
	const reason = `${engine}, process ${pid} on ${host}${ran}: ${countsOf(did)}`;
	return explanationOfPart(what, 'worker', reason, { ...noPart, worker: told });
}

function functionsOn(worker: string, tasks: readonly TaskFact[]): WorkerExplanation['functions'] {
	const counts = new Map<string | null, number>();
	for (const task of tasks) {
		const ran = task.attempts.filter((one) => one.worker === worker).length;
		if (ran > 0) counts.set(task.function, (counts.get(task.function) ?? 0) + ran);
	}
	return [...counts]
		.map(([name, number]) => ({ name, tasks: number }))
		.toSorted((a, b) => b.tasks - a.tasks || byName(a.name ?? '', b.name ?? ''));
}
