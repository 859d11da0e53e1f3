import {
	createPathTable,
	numberPaths,
	type Facts,
	type How,
	type LogId,
	type Name,
	type NumberedPaths,
	type PathNumbers,
	type Seq,
	type Use,
} from '../model/index.ts';
import { kept } from './kept.ts';
import { cleaned, parentOf } from './paths.ts';

/** The accesses of a run by path, links not followed. What a rename moved is also found under its new name. */
export interface Uses {
	/** Every path, those that only follow from others included. */
	paths(): Iterable<Name>;
	/** The same, with their accesses. */
	entries(): Iterable<[Name, readonly Use[]]>;
	/** Of all paths of the run. */
	readonly numbers: PathNumbers;
	of(path: Name): readonly Use[];
	has(path: Name, how: How): boolean;
	/** Adds accesses that the log does not name so: what was done to a file before it got this name. */
	derive(path: Name, from: readonly Use[]): void;
	/** The name that a path was renamed to, the last of them. */
	renamedTo(path: Name): Name | null;
	/** One log removed the path, or renamed it away, and did not make it again. */
	isRemoved(path: Name): boolean;
}

const nothing: readonly Use[] = [];
const writes: ReadonlySet<How> = new Set(['write', 'append', 'truncate', 'create', 'readwrite']);

/** Indexes the accesses of a run, and folds renames into their targets at once, those of folders too. */
export function indexUses(facts: Facts, { numbers, ofAccesses }: NumberedPaths = numberPaths(facts.accesses)): Uses {
	const byPath = createPathTable<Use[]>(numbers);
	const tree = createTree();
	const push = (path: Name, access: Use) => {
		const known = byPath.get(path);
		if (known !== undefined) return void known.push(access);
		byPath.set(path, [access]);
		tree.add(path);
	};
	const { accesses } = facts;
	for (let at = 0; at < accesses.length; at++) {
		const access = accesses[at]!;
		// What is known is clean.
		const known = byPath.at(ofAccesses[at]!);
		if (known !== undefined) known.push(access);
		else push(cleaned(numbers.at(ofAccesses[at]!)), access);
	}
	const renamed = new Map<Name, Name>();
	const removed = new Map<Name, Map<LogId, Seq>>();
	const remove = (path: Name, { log, seq }: { readonly log: LogId; readonly seq: Seq }) => {
		const known = removed.get(path);
		if (known === undefined) removed.set(path, new Map([[log, seq]]));
		else known.set(log, seq);
	};
	const derive = (path: Name, from: readonly Use[]) => {
		for (const access of from) push(path, { ...access, path });
	};
	const byLog = createByLog(byPath);
	for (const change of facts.changes.toSorted((a, b) => a.seq - b.seq)) {
		const to = cleaned(change.to);
		const creates: Use = {
			...{ log: change.log, process: change.process, thread: change.thread },
			...{ cell: change.cell, worker: change.worker, task: change.task, during: null, ambiguous: false },
			...{ path: to, how: 'create', first: change.seq, last: change.seq, count: 1 },
		};
		if (change.kind === 'remove') remove(to, change);
		else if (change.kind !== 'rename' || change.from === null) derive(to, [creates]);
		else moveUses(cleaned(change.from), to, creates);
	}

	function moveUses(from: Name, to: Name, creates: Use): void {
		const { log, first: seq } = creates;
		// What lay below a folder comes under its new name by the folder's one rename.
		for (const path of [from, ...tree.below(from)]) {
			const since = removed.get(path)?.get(log) ?? 0;
			const own = byLog.own(path, log).filter((one) => one.first < seq && one.last > since);
			// Lines of different logs have no order. Where a log wrote a file itself, it is its own that it renames, whatever others have
			// under that name, on other hosts; where it did not, it is what others have written.
			const written = own.filter((one) => writes.has(one.how));
			const wrote =
				written.length > 0 ? written : byLog.others(path, log).filter((one) => one.last > (removed.get(path)?.get(one.log) ?? 0));
			if (own.length === 0 && wrote.length === 0 && path !== from) continue;
			const target = `${to}${path.slice(from.length)}`;
			derive(target, [...wrote, creates]);
			renamed.set(path, target);
			remove(path, { log, seq });
		}
	}

	const of = (path: Name) => byPath.get(path) ?? nothing;
	return {
		numbers,
		paths: () => byPath.keys(),
		entries: () => byPath.entries(),
		of,
		has: (path, how) => of(path).some((access) => access.how === how),
		derive,
		renamedTo: (path) => renamed.get(path) ?? null,
		isRemoved(path) {
			for (const [log, at] of removed.get(path) ?? []) if (!byLog.own(path, log).some((one) => one.last > at)) return true;
			return false;
		},
	};
}

/** The accesses of a path that found it, log by log: of what thousands of workers each renamed, each has its own. */
function createByLog(byPath: ReadonlyMap<Name, readonly Use[]>): {
	own(path: Name, log: LogId): readonly Use[];
	/** What other logs wrote. */
	others(path: Name, log: LogId): readonly Use[];
} {
	const known = new Map<Name, { told: number; readonly logs: Map<LogId, Use[]> }>();
	const logsOf = (path: Name): ReadonlyMap<LogId, readonly Use[]> => {
		const uses = byPath.get(path) ?? nothing;
		const found = kept(known, path, () => ({ told: 0, logs: new Map<LogId, Use[]>() }));
		// The list may have grown since.
		for (; found.told < uses.length; found.told++) {
			const use = uses[found.told]!;
			if (use.how === 'missing') continue;
			const own = found.logs.get(use.log);
			if (own === undefined) found.logs.set(use.log, [use]);
			else own.push(use);
		}
		return found.logs;
	};
	return {
		own: (path, log) => logsOf(path).get(log) ?? nothing,
		others: (path, log) =>
			[...logsOf(path)].flatMap(([other, uses]) => (other === log ? [] : uses.filter((one) => writes.has(one.how)))),
	};
}

/** Which known paths lie below a folder. Built when it is first asked: most runs rename no folder. */
function createTree(): { add(path: Name): void; below(folder: Name): Name[] } {
	let waiting: Name[] = [];
	const children = new Map<Name, Set<Name>>();
	const insert = (path: Name) => {
		for (let at = path; at !== '/' && at !== ''; at = parentOf(at)) {
			const folder = parentOf(at);
			const known = children.get(folder);
			if (known?.has(at) === true) return;
			if (known === undefined) children.set(folder, new Set([at]));
			else known.add(at);
		}
	};
	const below = (folder: Name): Name[] => [...(children.get(folder) ?? [])].flatMap((path) => [path, ...below(path)]);
	return {
		add: (path) => void waiting.push(path),
		below(folder) {
			for (const path of waiting) insert(path);
			waiting = [];
			return below(folder);
		},
	};
}
