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
	/** Null where it is the only one: most paths are of one worker where many have their own. */
	several: Several | null;
}

interface Several {
	log: LogId;
	logs: number;
	last: Seq;
	count: number;
	/** By the numbers of workers; where those of the present log begin. */
	readonly workers: number[];
	readonly firsts: Seq[];
	ofLog: number;
	readonly tasks: Set<TaskAttempt> | null;
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
	/** Null for those whose accesses must be told apart, whoever they are of. */
	const paths = new Map<Name, Group[] | null>();
	const numbers = new Map<WorkerId, number>();
	const ids: WorkerId[] = [];
	const order: (Access | Group)[] = [];

	const groupsOf = (path: Name): Group[] | null => {
		let known = paths.get(path);
		if (known === undefined) {
			// A worker of TaskVine is known by these folders of its own.
			const isSpace = ofTaskvine.size > 0 && /\/(transfer|trash)$/.test(path);
			const isApart = isSpace || isLibrary(path) || byLoader.has(baseOf(path)) || isMoved(cleaned(path));
			paths.set(path, (known = isApart ? null : []));
		}
		return known;
	};
	const numberOf = (worker: WorkerId): number => {
		let number = numbers.get(worker);
		if (number === undefined) numbers.set(worker, (number = ids.push(worker) - 1));
		return number;
	};
	const join = ({ workers, firsts, ofLog }: Several, { first }: Access, worker: WorkerId) => {
		const number = numberOf(worker);
		const at = workers.indexOf(number, ofLog);
		if (at < 0) {
			workers.push(number);
			firsts.push(first);
		} else if (first < firsts[at]!) firsts[at] = first;
	};
	const count = (several: Several, access: Access) => {
		const { log, last, task, process } = access;
		if (several.log !== log) {
			several.log = log;
			several.logs++;
			several.ofLog = several.workers.length;
		}
		if (last > several.last) several.last = last;
		several.count += access.count;
		if (heirs.has(process)) for (const one of workersOf(access)) join(several, access, one);
		else if (access.worker !== null) join(several, access, access.worker);
		if (task !== null) several.tasks?.add(task);
	};
	return {
		add(accesses) {
			for (const access of accesses) {
				const { log, worker, process, task } = access;
				const isApart = log === 'manager' || worker === null || !reading.has(access.how) || loaders.has(process);
				const groups = isApart ? null : groupsOf(access.path);
				if (groups === null) {
					order.push(access);
					continue;
				}
				const group = groups.find((one) => isAlike(one.access, access));
				if (group === undefined) {
					const made = { access, several: null };
					groups.push(made);
					order.push(made);
					continue;
				}
				if (group.several === null) {
					const none = { logs: 1, last: 0, count: 0, workers: [], firsts: [], ofLog: 0 };
					group.several = { log: group.access.log, ...none, tasks: task === null ? null : new Set() };
					count(group.several, group.access);
				}
				count(group.several, access);
				if (access.first < group.access.first) group.access = access;
			}
		},
		uses() {
			const known = new Map<string, Sharers>();
			const sharersOf = ({ workers, tasks }: Several): Sharers => {
				const key = `${workers.join()} ${[...(tasks ?? [])].join()}`;
				let found = known.get(key);
				if (found === undefined) {
					const places = new Map(workers.map((number, place) => [ids[number]!, place]));
					known.set(key, (found = { number: known.size, workers: places, tasks: [...(tasks ?? [])] }));
				}
				return found;
			};
			return order.map((one) => {
				if (!('access' in one)) return one;
				const { access, several } = one;
				if (several === null) return access;
				const { last, count: all, logs, firsts } = several;
				return { ...access, last, count: all, shared: { by: sharersOf(several), logs, firsts } };
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
