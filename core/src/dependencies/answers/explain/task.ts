import { CellarError, type FileFact, type Name, type ProcessFact, type TaskFact } from '../../../model/index.ts';
import type { Judgement } from '../../judge.ts';
import { createPrograms } from '../programs.ts';
import { parseSelector } from '../selector.ts';
import { countsOf, didBy, explanationOfPart } from './did.ts';
import { noPart, type Explanation, type TaskExplanation } from './explanation.ts';

/**
 * What a task ran, who asked for it, where and how often it ran, and what it used, made and started. Of its times, the lines are told.
 *
 * @param what `task:N`
 * @throws CellarError CELLAR_NO_SUCH_TASK; CELLAR_USAGE where it is not one task
 */
export function explainTask(j: Judgement, files: ReadonlyMap<Name, FileFact>, what: string): Explanation {
	const { facts, scopes } = j.world;
	const selector = parseSelector(what, j.run, facts.tasks);
	const task = facts.tasks.find((one) => `task:${one.task}` === what);
	if (task === undefined) throw new CellarError('CELLAR_USAGE', `${what} is not one task`, { hint: 'cellar explain task:17' });
	const programs = createPrograms(facts);
	const attempts = new Set(task.attempts.map((one) => one.attempt));
	const own = new Set(task.attempts.map((one) => one.process));
	const isStarted = (process: ProcessFact) => process.task !== null && attempts.has(process.task) && !own.has(process.ordinal);
	const did = didBy(j, files, selector, isStarted);
	const { submitted } = task;
	const cell = submitted?.cell == null ? null : scopes.cellOf(submitted.cell);
	const told: TaskExplanation = {
		...{ number: task.task, engine: task.engine, engineId: task.engineId, function: task.function },
		submitted: submitted === null ? null : { cell, worker: submitted.worker, task: submitted.task },
		attempts: task.attempts.map(({ attempt, counted, worker, process, log, begun, ended }) => ({
			...{ attempt, counted, worker, log, begun, ended },
			...{ pid: programs.fact(process)?.pid ?? null, began: null, seconds: null },
		})),
		loaded: did.dependencies.software.filter((item) => item.tasks.some((one) => attempts.has(one))).map((item) => item.name),
		...did,
	};
	const reason = `${whatItRan(task)}${cell === null ? '' : `, submitted by cell ${cell}`}, ${whereItRan(task)}: ${countsOf(did)}`;
	return explanationOfPart(what, 'task', reason, { ...noPart, task: told });
}

function whatItRan({ function: name, engine }: TaskFact): string {
	return name ?? `a task of ${engine}`;
}

function whereItRan({ attempts }: TaskFact): string {
	const counted = attempts.find((one) => one.counted);
	const at = counted ?? attempts.at(-1);
	if (at === undefined) return 'never ran';
	const where = at.worker === null ? 'in the manager' : `on ${at.worker}`;
	if (attempts.length === 1) return `ran ${where}${at.ended === null ? ' and did not end' : ''}`;
	const which =
		counted === undefined ? 'and the result of none was taken' : `and the result of attempt ${at.attempt} was taken, ${where}`;
	return `ran ${attempts.length} times ${which}`;
}
