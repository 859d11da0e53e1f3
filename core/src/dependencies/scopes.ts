import {
	createPathTable,
	type Access,
	type CellExecution,
	type Facts,
	type FactsWithoutAccesses,
	type How,
	type Name,
	type ProcessOrdinal,
	type Run,
	type Seq,
	type Sharers,
	type TaskAttempt,
	type Use,
	type WorkerId,
} from '../model/index.ts';
import { kept } from './kept.ts';
import { createOutside, outsideInOrder } from './outside.ts';
import { byName } from './paths.ts';
import type { Uses } from './uses.ts';

/** Which parts of a run used a thing. */
export interface Scopes {
	readonly cells: number[];
	readonly workers: string[];
	readonly tasks: string[];
	readonly manager: boolean;
	/** When the manager used it for no cell (outside.ts). */
	readonly outside: string[];
}

/** One part of a run, or several: what `--for` says. */
export type Part =
	| { readonly part: 'run' | 'manager' | 'workers' | 'program' }
	| { readonly part: 'worker'; readonly worker: WorkerId }
	| { readonly part: 'cell'; readonly cell: number }
	/** `workers`: those on which they ran, with the line at which the last of them began there. */
	| { readonly part: 'tasks'; readonly tasks: ReadonlySet<number>; readonly workers: ReadonlyMap<WorkerId, Seq> };

/** What is meant of a run: any of the parts. `text` is how it was asked. */
export interface Selector {
	readonly text: string;
	readonly parts: readonly Part[];
}

export const wholeRun: Selector = { text: 'run', parts: [{ part: 'run' }] };

/** Tells to which parts of a run accesses belong. */
export interface ScopeTeller {
	/** Every scope of the accesses. A worker also has what it inherited when it was forked. */
	of(accesses: Iterable<Use>): Scopes;
	/** Whether an access belongs to what is selected. */
	selects(selector: Selector, access: Use): boolean;
	/**
	 * Whether the tasks that are selected had it when they began: what their workers had read by then for no task, and before
	 * the fork. What that brought in, a task needs wherever it runs; but nothing tells what it made of data.
	 */
	inherits(selector: Selector, access: Use): boolean;
	/** The number of the cell that an execution was one of. */
	cellOf(execution: CellExecution): number | null;
	/** When the manager did it, where it did so for no cell; null for all else. */
	outside(access: Access): string | null;
	/** When an execution began, in milliseconds since 1970; null where that is not known. */
	beganAt(execution: CellExecution): number | null;
}

/** In which ways a use hands on what it read to a process that is forked later. */
const handedOn: ReadonlySet<How> = new Set(['read', 'readwrite', 'execute', 'list']);

/** Whether a task that begins later has what was read. */
export function isHandedOn(access: Access): boolean {
	return access.task === null && handedOn.has(access.how);
}

export function createScopes(run: Run, facts: Facts): ScopeTeller {
	const numbers = new Map(run.cells.flatMap((cell) => cell.executions.map((execution) => [execution, cell.number] as const)));
	const { heirs, workersOf: workersOfOne } = createHeirs(facts);
	const workersOf = (access: Use): Iterable<WorkerId> => access.shared?.by.workers.keys() ?? workersOfOne(access);
	const isUsedBy = (worker: WorkerId, access: Use) =>
		access.shared?.by.workers.has(worker) ?? workersOfOne(access).includes(worker);
	// Of a cell that was executed more than once only the last time is known.
	const began = new Map(run.cells.map((cell) => [cell.executions.at(-1), cell.began === null ? null : Date.parse(cell.began)]));
	const cellOf = (execution: CellExecution) => numbers.get(execution) ?? null;
	const outside = createOutside(run, facts);
	const isOfTask = (tasks: ReadonlySet<number>, task: TaskAttempt) => tasks.has(Number.parseInt(task, 10));
	const hasPart = (one: Part, access: Use): boolean => {
		switch (one.part) {
			case 'run':
			case 'program':
				return true;
			case 'manager':
				return access.worker === null;
			case 'workers':
				return access.shared !== undefined || workersOfOne(access).length > 0;
			case 'worker':
				return isUsedBy(one.worker, access);
			case 'cell':
				return access.cell !== null && cellOf(access.cell) === one.cell;
			case 'tasks':
				if (access.task === null) return false;
				return access.shared?.by.tasks.some((task) => isOfTask(one.tasks, task)) ?? isOfTask(one.tasks, access.task);
		}
	};
	/** Most things are used on behalf of one part alone, and many of the same: these are told once, by cell, worker, task and time. */
	const alone = new Map<CellExecution | null, ToldOfCell>();
	const toldOf = ({ cell, shared, worker, task }: Use): ToldOfTask => {
		const ofCell: ToldOfCell = kept(alone, cell, () => new Map());
		const ofWorker = kept(ofCell, shared?.by ?? worker, () => new Map<TaskAttempt | null, ToldOfTask>());
		return kept(ofWorker, shared === undefined ? task : null, () => new Map());
	};
	const loaders = loadersOf(facts);
	const inheritsIt = (one: Part, access: Use): boolean => {
		if (one.part !== 'tasks' || !isHandedOn(access)) return false;
		const loaded = loaders.get(access.process);
		if (loaded?.some((by) => one.tasks.has(by.task) && access.first < by.until && access.last >= by.from) === true) return true;
		const { shared } = access;
		if (shared === undefined) return workersOfOne(access).some((worker) => access.first < (one.workers.get(worker) ?? 0));
		return shared.someFirst((worker, first) => first < (one.workers.get(worker) ?? 0));
	};
	return {
		of(accesses) {
			const only = useOfOnly(accesses, heirs, outside);
			const told = only === null ? null : toldOf(only);
			const time = only === null ? null : outside(only);
			const known = told?.get(time);
			if (known !== undefined) return known;
			const cells = new Set<number>();
			const workers = new Set<string>();
			const tasks = new Set<string>();
			const times = new Set<string>();
			const seen = new Set<Sharers>();
			let manager = false;
			for (const access of accesses) {
				const cell = access.cell === null ? null : cellOf(access.cell);
				if (cell !== null) cells.add(cell);
				const sharers = access.shared?.by;
				if (sharers !== undefined) {
					// Most of what many workers used, the same of them did.
					if (seen.has(sharers)) continue;
					seen.add(sharers);
					for (const task of sharers.tasks) tasks.add(task);
				} else if (access.task !== null) tasks.add(access.task);
				if (access.worker === null) manager = true;
				const when = outside(access);
				if (when !== null) times.add(when);
				for (const worker of workersOf(access)) workers.add(worker);
			}
			const found = {
				cells: [...cells].toSorted((a, b) => a - b),
				workers: [...workers].toSorted(byOrdinal),
				tasks: [...tasks].toSorted(byOrdinal),
				manager,
				outside: outsideInOrder(times),
			};
			told?.set(time, found);
			return found;
		},
		selects: (selector, access) => selector.parts.some((one) => hasPart(one, access)),
		inherits: (selector, access) => selector.parts.some((one) => inheritsIt(one, access)),
		cellOf,
		outside,
		beganAt: (execution) => began.get(execution) ?? null,
	};
}

/** The scopes of paths, each told once. */
export interface PathScopes {
	/** Of all that was done with one. */
	all(path: Name): Scopes;
	/** Of those who opened it: who only asked whether it is there did not use what it holds. */
	openers(path: Name): Scopes;
	/** A path got more uses. */
	forget(path: Name): void;
}

export function createPathScopes(uses: Uses, scopes: ScopeTeller): PathScopes {
	const told = createPathTable<Scopes>(uses.numbers);
	const toldOfOpeners = createPathTable<Scopes>(uses.numbers);
	const all = (path: Name): Scopes => {
		const known = told.get(path);
		if (known !== undefined) return known;
		const found = scopes.of(uses.of(path));
		told.set(path, found);
		return found;
	};
	return {
		all,
		openers(path) {
			const known = toldOfOpeners.get(path);
			if (known !== undefined) return known;
			const accesses = uses.of(path);
			const found = accesses.every(isOpened) ? all(path) : scopes.of(accesses.filter(isOpened));
			toldOfOpeners.set(path, found);
			return found;
		},
		forget(path) {
			told.delete(path);
			toldOfOpeners.delete(path);
		},
	};
}

/** Not only looked at, or looked for. */
export function isOpened({ how }: Access): boolean {
	return how !== 'stat' && how !== 'missing';
}

/** By the time that `outside` tells. */
type ToldOfTask = Map<string | null, Scopes>;
type ToldOfCell = Map<Sharers | WorkerId | null, Map<TaskAttempt | null, ToldOfTask>>;

/** The first of accesses on behalf of one and the same part; null where there are several, or who may have handed on what it read. */
function useOfOnly(
	accesses: Iterable<Use>,
	heirs: ReadonlyMap<ProcessOrdinal, readonly Heir[]>,
	outside: (access: Access) => string | null,
): Use | null {
	let first: Use | null = null;
	let time: string | null = null;
	for (const access of accesses) {
		if (access.shared === undefined && heirs.has(access.process)) return null;
		first ??= access;
		const own = outside(access);
		if (time !== null && own !== time) return null;
		time = own;
		if (access.cell !== first.cell || access.shared?.by !== first.shared?.by) return null;
		if (access.shared !== undefined) continue;
		if (access.worker !== first.worker || access.task !== first.task) return null;
	}
	return first;
}

/** To whom what a process had read was handed on. */
export function createHeirs(facts: FactsWithoutAccesses): {
	readonly heirs: ReadonlyMap<ProcessOrdinal, readonly Heir[]>;
	/** On behalf of which workers an access was: its own, and those that were forked with what it had brought in. */
	readonly workersOf: (access: Access) => readonly WorkerId[];
} {
	const heirs = heirsOf(facts);
	return {
		heirs,
		workersOf(access) {
			const own = access.worker === null ? [] : [access.worker];
			const forked = handedOn.has(access.how) ? heirs.get(access.process) : undefined;
			if (forked === undefined) return own;
			return [
				...own,
				...forked.filter((heir) => access.first < heir.until && access.last >= heir.from).map((heir) => heir.worker),
			];
		},
	};
}

interface Heir {
	readonly worker: WorkerId;
	/** It has what was used between these lines: since the maker last executed a program, until the fork. */
	readonly from: Seq;
	readonly until: Seq;
}

/** For each process, the workers that were forked from it, or from a fork of it, without executing a program. */
function heirsOf(facts: FactsWithoutAccesses): ReadonlyMap<ProcessOrdinal, readonly Heir[]> {
	const processes = new Map(facts.processes.map((one) => [one.ordinal, one]));
	const execs = new Map<ProcessOrdinal, Facts['execs'][number][]>();
	for (const exec of facts.execs) {
		const known = execs.get(exec.process);
		if (known === undefined) execs.set(exec.process, [exec]);
		else known.push(exec);
	}
	const executed = (process: ProcessOrdinal, until: Seq) =>
		(execs.get(process) ?? []).reduce((last, exec) => (exec.seq < until ? Math.max(last, exec.seq) : last), 0);
	const heirs = new Map<ProcessOrdinal, Heir[]>();
	for (const { worker, process } of facts.workers) {
		let child = processes.get(process);
		// What executed a program of its own has nothing from its birth.
		if (executed(process, Infinity) > 0) continue;
		while (child !== undefined && child.inheritsFrom !== null && child.untilSeq !== null) {
			const above: ProcessOrdinal = processes.get(child.inheritsFrom)?.process ?? child.inheritsFrom;
			const heir = { worker, from: executed(above, child.untilSeq), until: child.untilSeq };
			heirs.set(above, [...(heirs.get(above) ?? []), heir]);
			child = heir.from > 0 ? undefined : processes.get(above);
		}
	}
	return heirs;
}

interface Loader {
	readonly task: number;
	readonly from: Seq;
	readonly until: Seq;
}

/**
 * For each process, the tasks of TaskVine that had what it had loaded by then: those that it ran itself, as a library does in
 * direct mode, or forked without executing a program. Its workers run all others as programs of their own.
 */
export function loadersOf(facts: FactsWithoutAccesses): ReadonlyMap<ProcessOrdinal, readonly Loader[]> {
	const loaders = new Map<ProcessOrdinal, Loader[]>();
	const tasks = facts.tasks.filter((task) => task.engine === 'taskvine');
	if (tasks.length === 0) return loaders;
	const processes = new Map(facts.processes.map((one) => [one.ordinal, one]));
	const execs = new Map<ProcessOrdinal, Seq[]>();
	for (const { process, seq } of facts.execs) execs.set(process, [...(execs.get(process) ?? []), seq]);
	for (const { task, attempts } of tasks) {
		for (const { process, begun, ended } of attempts) {
			if (execs.get(process)?.some((seq) => seq >= begun && (ended === null || seq < ended)) === true) continue;
			let [at, until]: [ProcessOrdinal | null, Seq] = [process, begun];
			while (at !== null) {
				const from = (execs.get(at) ?? []).reduce((last, seq) => (seq < until ? Math.max(last, seq) : last), 0);
				loaders.set(at, [...(loaders.get(at) ?? []), { task, from, until }]);
				const born = processes.get(at);
				if (from > 0 || born?.inheritsFrom == null || born.untilSeq === null) break;
				at = processes.get(born.inheritsFrom)?.process ?? born.inheritsFrom;
				until = born.untilSeq;
			}
		}
	}
	return loaders;
}

/** `w2` before `w10`, `9` before `17.2`. */
export function byOrdinal(a: string, b: string): number {
	const number = (text: string) => Number(/\d+(\.\d+)?/.exec(text)?.[0] ?? 0);
	return number(a) - number(b) || byName(a, b);
}

/** All scopes of several things together. */
export function joinScopes(all: readonly Scopes[]): Scopes {
	const cells = new Set<number>();
	const workers = new Set<string>();
	const tasks = new Set<string>();
	const outside = new Set<string>();
	let manager = false;
	let last: Scopes | null = null;
	for (const one of all) {
		// Things of one part share their lists.
		if (one.cells !== last?.cells) for (const cell of one.cells) cells.add(cell);
		if (one.workers !== last?.workers) for (const worker of one.workers) workers.add(worker);
		if (one.tasks !== last?.tasks) for (const task of one.tasks) tasks.add(task);
		if (one.outside !== last?.outside) for (const time of one.outside) outside.add(time);
		manager ||= one.manager;
		last = one;
	}
	return {
		cells: [...cells].toSorted((a, b) => a - b),
		workers: [...workers].toSorted(byOrdinal),
		tasks: [...tasks].toSorted(byOrdinal),
		manager,
		outside: outsideInOrder(outside),
	};
}
