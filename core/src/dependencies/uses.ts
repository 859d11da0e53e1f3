import type { Access, Facts, How, Name } from '../model/index.ts';
import { cleaned, keepingLast, parentOf } from './paths.ts';

/** The accesses of a run by path, links not followed. What a rename moved is also found under its new name. */
export interface Uses {
	/** Every path, those that only follow from others included. */
	paths(): IterableIterator<Name>;
	/** The same, with their accesses. */
	entries(): IterableIterator<[Name, readonly Access[]]>;
	of(path: Name): readonly Access[];
	has(path: Name, how: How): boolean;
	/** Adds accesses that the log does not name so: what was done to a file before it got this name. */
	derive(path: Name, from: readonly Access[]): void;
	/** The name that a path was renamed to, the last of them. */
	renamedTo(path: Name): Name | null;
	/** The run removed the path, or renamed it away, and did not make it again. */
	isRemoved(path: Name): boolean;
}

const nothing: readonly Access[] = [];
const writes: ReadonlySet<How> = new Set(['write', 'append', 'truncate', 'create', 'readwrite']);

/** Indexes the accesses of a run, and folds renames into their targets at once, those of folders too. */
export function indexUses(facts: Facts): Uses {
	const byPath = new Map<Name, Access[]>();
	const tree = createTree();
	const push = (path: Name, access: Access) => {
		const known = byPath.get(path);
		if (known !== undefined) return void known.push(access);
		byPath.set(path, [access]);
		tree.add(path);
	};
	for (const access of facts.accesses) {
		// What is known is clean.
		const known = byPath.get(access.path);
		if (known !== undefined) known.push(access);
		else push(cleaned(access.path), access);
	}
	const renamed = new Map<Name, Name>();
	const removed = new Map<Name, number>();
	const derive = (path: Name, from: readonly Access[]) => {
		for (const access of from) push(path, { ...access, path });
	};
	for (const change of facts.changes.toSorted((a, b) => a.seq - b.seq)) {
		const to = cleaned(change.to);
		const made: Access = {
			...{ log: change.log, process: change.process, thread: change.thread },
			...{ cell: change.cell, worker: change.worker, task: change.task, during: null, ambiguous: false },
			...{ path: to, how: 'create', first: change.seq, last: change.seq, count: 1 },
		};
		if (change.kind === 'remove') removed.set(to, change.seq);
		else if (change.kind !== 'rename' || change.from === null) derive(to, [made]);
		else moveUses(cleaned(change.from), to, made);
	}

	function moveUses(from: Name, to: Name, made: Access): void {
		// What lay below a folder comes under its new name by the folder's one rename.
		for (const path of [from, ...tree.below(from)]) {
			const last = removed.get(path) ?? 0;
			const known = (byPath.get(path) ?? []).filter((one) => one.how !== 'missing' && one.first < made.first && one.last > last);
			if (known.length === 0 && path !== from) continue;
			const target = `${to}${path.slice(from.length)}`;
			derive(target, [...known.filter((one) => writes.has(one.how)), made]);
			renamed.set(path, target);
			removed.set(path, made.first);
		}
	}

	/** A list of accesses grows in its place: only where there was none, the answer becomes another. */
	const of = keepingLast((path) => byPath.get(path) ?? nothing);
	return {
		paths: () => byPath.keys(),
		entries: () => byPath.entries(),
		of,
		has: (path, how) => of(path).some((access) => access.how === how),
		derive(path, from) {
			derive(path, from);
			of.forget();
		},
		renamedTo: (path) => renamed.get(path) ?? null,
		isRemoved(path) {
			const at = removed.get(path);
			return at !== undefined && byPath.get(path)?.some((one) => one.how !== 'missing' && one.last > at) !== true;
		},
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
