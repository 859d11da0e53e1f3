import type { Access, FactsWithoutAccesses, How, LogId, Name, Seq, Sharers, TaskAttempt, Use, WorkerId } from '../model/index.ts';
import { isLibrary, toldToLoader } from './owners/libraries.ts';
import { baseOf, cleaned, parentOf } from './paths.ts';
import { createHeirs, loadersOf } from './scopes.ts';

/** The accesses of a run as they are judged. */
export interface Union {
	/** Adds some, log by log: those of the manager first. */
	add(accesses: Iterable<Access>): void;
	/** All of them, in the order in which they came. */
	uses(): Use[];
}

/** What does not change a path: by whom, and in which order, does not matter then. */
const reading: ReadonlySet<How> = new Set(['read', 'list', 'stat', 'missing', 'execute']);

/** What workers did in one way with one path, on behalf of one cell. */
interface Group {
	/** The earliest of them by its line. */
	access: Access;
	log: LogId | null;
	logs: number;
	size: number;
	last: Seq;
	count: number;
	/** By the numbers of workers; where those of the present log begin. */
	readonly workers: number[];
	readonly firsts: Seq[];
	ofLog: number;
	readonly tasks: Set<TaskAttempt> | null;
}

interface Path {
	/** Its accesses must be told apart, whoever they are of. */
	readonly isApart: boolean;
	readonly groups: Group[];
}

/**
 * Makes one use of what many workers with logs of their own did in the same way, so that what a run needed is judged by what is
 * different, however many its workers are. Who did it, and for which tasks, is kept; what one worker alone did stays as it is, and so
 * does whatever is judged by the process or by the order of lines: what was written, renamed, removed, or loaded as a library.
 *
 * @param facts the run's, all but the accesses
 */
export function createUnion(facts: FactsWithoutAccesses): Union {
	const { heirs, workersOf } = createHeirs(facts);
	const loaders = loadersOf(facts);
	const byLoader = new Set(facts.execs.flatMap((exec) => toldToLoader(exec) ?? []).map(baseOf));
	const isMoved = movedBy(facts);
	const ofTaskvine = new Set(facts.workers.flatMap(({ worker, engine }) => (engine === 'taskvine' ? [worker] : [])));
	const paths = new Map<Name, Path>();
	const numbers = new Map<WorkerId, number>();
	const ids: WorkerId[] = [];
	const order: (Access | Group)[] = [];

	const pathOf = (path: Name): Path => {
		let known = paths.get(path);
		if (known === undefined) {
			// A worker of TaskVine is known by these folders of its own.
			const isSpace = ofTaskvine.size > 0 && /\/(transfer|trash)$/.test(path);
			const isApart = isSpace || isLibrary(path) || byLoader.has(baseOf(path)) || isMoved(cleaned(path));
			paths.set(path, (known = { isApart, groups: [] }));
		}
		return known;
	};
	const numberOf = (worker: WorkerId): number => {
		let number = numbers.get(worker);
		if (number === undefined) numbers.set(worker, (number = ids.push(worker) - 1));
		return number;
	};
	const join = (group: Group, access: Access, worker: WorkerId) => {
		const number = numberOf(worker);
		const at = group.workers.indexOf(number, group.ofLog);
		if (at < 0) {
			group.workers.push(number);
			group.firsts.push(access.first);
		} else if (access.first < group.firsts[at]!) group.firsts[at] = access.first;
	};
	return {
		add(accesses) {
			for (const access of accesses) {
				const { log, worker, process, task } = access;
				if (log === 'manager' || worker === null || !reading.has(access.how) || loaders.has(process)) {
					order.push(access);
					continue;
				}
				const { isApart, groups } = pathOf(access.path);
				if (isApart) {
					order.push(access);
					continue;
				}
				let group = groups.find((one) => isAlike(one.access, access));
				if (group === undefined) {
					const none = { workers: [], firsts: [], ofLog: 0, tasks: task === null ? null : new Set<TaskAttempt>() };
					group = { access, log: null, logs: 0, size: 0, last: 0, count: 0, ...none };
					groups.push(group);
					order.push(group);
				}
				if (group.log !== log) {
					group.log = log;
					group.logs++;
					group.ofLog = group.workers.length;
				}
				if (access.first < group.access.first) group.access = access;
				if (access.last > group.last) group.last = access.last;
				group.count += access.count;
				group.size++;
				if (heirs.has(process)) for (const one of workersOf(access)) join(group, access, one);
				else join(group, access, worker);
				if (task !== null) group.tasks?.add(task);
			}
		},
		uses() {
			const known = new Map<string, Sharers>();
			const sharersOf = (group: Group): Sharers => {
				const tasks = [...(group.tasks ?? [])];
				const key = `${group.workers.join()} ${tasks.join()}`;
				let found = known.get(key);
				if (found === undefined) {
					const workers = new Map(group.workers.map((number, place) => [ids[number]!, place]));
					known.set(key, (found = { number: known.size, workers, tasks }));
				}
				return found;
			};
			return order.map((one) => {
				if (!('access' in one)) return one;
				if (one.size === 1) return one.access;
				const { access, last, count, logs, firsts } = one;
				return { ...access, last, count, shared: { by: sharersOf(one), logs, firsts } };
			});
		},
	};
}

function isAlike(a: Access, b: Access): boolean {
	return (
		a.how === b.how &&
		a.cell === b.cell &&
		(a.task === null) === (b.task === null) &&
		a.during === b.during &&
		a.ambiguous === b.ambiguous
	);
}

/** Whether what is told of a path depends on the order of the lines: it, or a folder above it, was renamed, or it was removed. */
function movedBy({ changes }: FactsWithoutAccesses): (path: Name) => boolean {
	const removed = new Set<Name>();
	const renamed = new Set<Name>();
	for (const { kind, from, to } of changes) {
		if (kind === 'remove') removed.add(cleaned(to));
		if (kind === 'rename' && from !== null) renamed.add(cleaned(from));
	}
	return (path) => {
		if (removed.has(path)) return true;
		if (renamed.size === 0) return false;
		for (let at = path; at !== '/' && at !== ''; at = parentOf(at)) if (renamed.has(at)) return true;
		return false;
	};
}
