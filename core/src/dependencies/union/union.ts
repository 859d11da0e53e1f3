import {
	accessAt,
	columnsOf,
	type Access,
	type AccessColumns,
	type FactsWithoutAccesses,
	type How,
	type Name,
	type PathNumbers,
	type Seq,
	type Sharers,
	type TaskAttempt,
	type Use,
} from '../../model/index.ts';
import { isLibrary, toldToLoader } from '../owners/libraries.ts';
import { baseOf, cleaned, parentOf } from '../paths.ts';
import { createHeirs, isHandedOn, loadersOf } from '../scopes.ts';
import { createNumbers } from './numbers.ts';
import { createRows } from './rows.ts';
import { createSets } from './sets.ts';

/** The accesses of a run as they are judged. */
export interface Union {
	/**
	 * Adds some, log by log: those of the manager first.
	 *
	 * @param numbers those of their paths
	 */
	add(accesses: AccessColumns, numbers: Int32Array): void;
	/** All of them, in the order in which they came. */
	uses(): Use[];
}

/** What does not change a path: by whom, and in which order, does not matter then. */
const reading: ReadonlySet<How> = new Set(['read', 'list', 'stat', 'missing', 'execute']);

/**
 * The columns of a group, which is all that workers did in one way with one path on behalf of one cell: another group of the path; the place
 * of its earliest access, and that one's line; the log that told of it last, and how many did; the last line; the set of the workers,
 * how many of them are of that log, and the entry of the one that came last.
 */
const group = { next: 0, place: 1, first: 2, log: 3, logs: 4, last: 5, workers: 6, ofLog: 7, entry: 8 };
/** The columns of an entry, which is when a worker did it: the entry of the worker before, and its first line. */
const entry = { before: 0, first: 1 };

/** In place of a group: the accesses of this path must be told apart, whoever they are of. */
const apart = 2 ** 32 - 1;

/**
 * Makes one use of what many workers with logs of their own did in the same way, so that what a run needed is judged by what is
 * different, however many its workers are. Who did it, and for which tasks, is kept; what one worker alone did stays as it is, and so
 * does whatever is judged by the process or by the order of lines: what was written, renamed, removed, or loaded as a library.
 *
 * @param facts the run's, all but the accesses; a log has fewer than 2^32 lines
 * @param paths those of the accesses, by their numbers
 */
export function createUnion(facts: FactsWithoutAccesses, { paths }: PathNumbers): Union {
	const { heirs, workersOf } = createHeirs(facts);
	const loaders = loadersOf(facts);
	const isApart = pathsApart(facts);
	const logs = createNumbers();
	const workers = createNumbers();
	const sets = createSets();
	const order: Access[] = [];
	/** The group of each access in `order`; 0 where it has none. */
	const groupAt = createRows(1);
	/** The first group of each path. */
	const heads = createRows(1);
	const groups = createRows(Object.keys(group).length);
	const entries = createRows(Object.keys(entry).length);
	const counts = [0];
	const tasks = new Map<number, Set<TaskAttempt>>();
	// Nothing else has the number 0.
	for (const rows of [groups, entries]) rows.push();

	const put = (access: Access, one: number): number => {
		groupAt.set(groupAt.push(), 0, one);
		return order.push(access) - 1;
	};
	const headOf = (path: number): number => {
		while (heads.size() <= path) {
			const made = heads.push();
			if (isApart(paths[made]!)) heads.set(made, 0, apart);
		}
		return heads.get(path, 0);
	};
	/** Notes a worker of a group, or that it did it earlier than is known. */
	const join = (one: number, worker: number, first: Seq) => {
		let [set, at] = [groups.get(one, group.workers), groups.get(one, group.entry)];
		const ofLog = groups.get(one, group.ofLog);
		for (let n = 0; n < ofLog; n++) {
			if (sets.last(set) === worker) {
				if (at > 0 && first < entries.get(at, entry.first)) entries.set(at, entry.first, first);
				return;
			}
			[set, at] = [sets.before(set), entries.get(at, entry.before)];
		}
		groups.set(one, group.workers, sets.with(groups.get(one, group.workers), worker));
		groups.set(one, group.ofLog, ofLog + 1);
		if (!isHandedOn(order[groups.get(one, group.place)]!)) return;
		const made = entries.push();
		entries.set(made, entry.before, groups.get(one, group.entry));
		entries.set(made, entry.first, first);
		groups.set(one, group.entry, made);
	};
	const count = (one: number, of: AccessColumns, at: number) => {
		const [log, worker, task, first, last] = [logs.of(of.log[at]!), of.worker[at]!, of.task[at]!, of.first[at]!, of.last[at]!];
		if (groups.get(one, group.log) !== log) {
			groups.set(one, group.log, log);
			groups.set(one, group.logs, groups.get(one, group.logs) + 1);
			groups.set(one, group.ofLog, 0);
		}
		if (last > groups.get(one, group.last)) groups.set(one, group.last, last);
		counts[one]! += of.count[at]!;
		if (heirs.has(of.process[at]!)) for (const heir of workersOf(accessAt(of, at))) join(one, workers.of(heir), first);
		else if (worker !== null) join(one, workers.of(worker), first);
		if (task !== null) tasks.get(one)?.add(task);
	};
	const makeGroup = (access: Access, path: number, next: number) => {
		const made = groups.push();
		groups.set(made, group.next, next);
		groups.set(made, group.place, put(access, made));
		groups.set(made, group.first, access.first);
		counts.push(0);
		heads.set(path, 0, made);
	};
	const addOne = (of: AccessColumns, at: number, path: number) => {
		const isAlone =
			of.log[at] === 'manager' || of.worker[at] === null || !reading.has(of.how[at]!) || loaders.has(of.process[at]!);
		const head = isAlone ? apart : headOf(path);
		// Each log has its own copy of the same path.
		const access = () => accessAt(of, at, paths[path]);
		if (head === apart) {
			put(access(), 0);
			return;
		}
		let one = head;
		while (one !== 0 && !isAlike(order[groups.get(one, group.place)]!, of, at)) one = groups.get(one, group.next);
		if (one === 0) {
			makeGroup(access(), path, head);
			return;
		}
		const place = groups.get(one, group.place);
		if (groups.get(one, group.logs) === 0) {
			const alone = order[place]!;
			if (alone.task !== null) tasks.set(one, new Set());
			count(one, columnsOf([alone]), 0);
		}
		count(one, of, at);
		if (of.first[at]! < groups.get(one, group.first)) {
			order[place] = access();
			groups.set(one, group.first, of.first[at]!);
		}
	};
	return {
		add(accesses, numbers) {
			for (let at = 0; at < numbers.length; at++) addOne(accesses, at, numbers[at]!);
		},
		uses() {
			const known = new Map<string, Sharers>();
			const sharersOf = (one: number): Sharers => {
				const own = [...(tasks.get(one) ?? [])];
				const key = `${groups.get(one, group.workers)} ${own.join()}`;
				let found = known.get(key);
				if (found === undefined) {
					const ids = [];
					for (let set = groups.get(one, group.workers); set !== 0; set = sets.before(set)) ids.push(workers.at(sets.last(set)));
					known.set(key, (found = { number: known.size, workers: new Set(ids.toReversed()), tasks: own }));
				}
				return found;
			};
			const someFirst = (one: number, is: (worker: string, first: Seq) => boolean): boolean => {
				let set = groups.get(one, group.workers);
				for (let at = groups.get(one, group.entry); at !== 0; at = entries.get(at, entry.before)) {
					if (is(workers.at(sets.last(set)), entries.get(at, entry.first))) return true;
					set = sets.before(set);
				}
				return false;
			};
			return order.map((access, place) => {
				const one = groupAt.get(place, 0);
				const inLogs = groups.get(one, group.logs);
				if (inLogs === 0) return access;
				return {
					...access,
					...{ last: groups.get(one, group.last), count: counts[one]! },
					shared: { by: sharersOf(one), logs: inLogs, someFirst: (is) => someFirst(one, is) },
				};
			});
		},
	};
}

function isAlike(a: Access, of: AccessColumns, at: number): boolean {
	return (
		a.how === of.how[at] &&
		a.cell === of.cell[at] &&
		(a.task === null) === (of.task[at] === null) &&
		a.during === of.during[at] &&
		a.ambiguous === of.ambiguous[at]
	);
}

/** Whether what was done with a path must be told apart, whoever did it. */
function pathsApart(facts: FactsWithoutAccesses): (path: Name) => boolean {
	const byLoader = new Set(facts.execs.flatMap((exec) => toldToLoader(exec) ?? []).map(baseOf));
	const isMoved = movedBy(facts);
	// A worker of TaskVine is known by these folders of its own.
	const spaces = facts.workers.some(({ engine }) => engine === 'taskvine') ? /\/(transfer|trash)$/ : null;
	return (path) => spaces?.test(path) === true || isLibrary(path) || byLoader.has(baseOf(path)) || isMoved(cleaned(path));
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
