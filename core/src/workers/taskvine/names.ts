import {
	workspacesOf,
	type Access,
	type Doubt,
	type Facts,
	type How,
	type Name,
	type NameFact,
	type Seq,
} from '../../model/index.ts';
import type { VineRecords } from './records.ts';

/** What a file in a task's folder is, by what its worker did: a link to something in the cache, or what was moved there. */
interface Stand {
	readonly cached: string;
	/** What lies below a folder of the cache. */
	readonly rest: string;
	readonly from: 'input' | 'output';
}

/** The engine's view of one worker's workspace. */
interface Space {
	readonly folder: Name;
	/** By the path in a task's folder, and how often that was put away before: of another manager's task its name comes again. */
	readonly stands: Map<string, Stand>;
	/** Which inputs a task's folder has. */
	readonly inputs: Map<string, Set<string>>;
	/** Where the folders of tasks were put away. */
	readonly away: Map<string, Seq[]>;
	/** The inputs of the mini-task that made something in a cache: on whatever worker, for workers hand on what they have. */
	readonly madeOf: Map<string, ReadonlySet<string>>;
}

const reads: ReadonlySet<How> = new Set(['read', 'execute', 'list', 'stat']);
const deepest = 20;

/**
 * The facts with the manager's names in the place of those that TaskVine gave its workers: what a task read as `data.txt` in a
 * folder of its own is told under the name of the file that was sent there, and what it wrote under that of the file that the
 * manager made of it. `names` then says as what each task saw it.
 *
 * @returns the same facts where no worker is TaskVine's
 */
export function withManagersNames(facts: Facts, records: VineRecords): Facts {
	const spaces = spacesOf(facts);
	if (spaces.size === 0) return facts;
	const begun = new Map(facts.tasks.flatMap(({ attempts }) => attempts.map((one) => [`${one.log} ${one.attempt}`, one.begun])));
	const names = new Map<string, NameFact>();
	const written = new Map<string, Access>();
	const accesses: Access[] = [];
	for (const access of facts.accesses) {
		const space = access.worker === null ? undefined : spaces.get(access.worker);
		// What a task does after its folder was put away is of that folder all the same.
		const since = begun.get(`${access.log} ${access.task}`) ?? access.first;
		const stand = space === undefined ? null : standOf(access.path, since, space);
		if (space === undefined || stand === null) {
			accesses.push(access);
			continue;
		}
		const isInput = stand.from === 'input';
		// A link to the cache that is written to changes the cache's copy: the manager's file stays as it was.
		if (isInput && !reads.has(access.how)) {
			if (access.how !== 'missing') written.set(access.path, access);
			accesses.push(access);
			continue;
		}
		const originals = isInput ? sourcesOf(stand.cached, stand.rest, space, records) : targetOf(stand, records);
		if (originals.length === 0) accesses.push(access);
		for (const path of originals) {
			accesses.push({ ...access, path });
			const as = access.path.slice(access.path.indexOf('/', space.folder.length + 1) + 1);
			const { log, worker, task } = access;
			names.set(`${log} ${worker} ${task} ${path}\n${as}`, { log, worker, task, path, as });
		}
	}
	return { ...facts, accesses, names: [...facts.names, ...names.values()], doubts: [...facts.doubts, ...doubtsOf(written)] };
}

function doubtsOf(written: ReadonlyMap<string, Access>): Doubt[] {
	const [first] = written.values();
	if (first === undefined) return [];
	const count = written.size === 1 ? '' : ` (and ${written.size - 1} more)`;
	return [
		{
			code: 'CELLAR_INPUT_WRITTEN',
			message: `a task wrote to a file that it was sent, ${first.path}${count}: later tasks of that worker may have read what it wrote`,
			seq: first.first,
		},
	];
}

const inSandbox = /^(?:task|func|mini|libr)\.\d+(?=\/)/;

/** What each worker linked and moved, by the worker. */
function spacesOf(facts: Facts): ReadonlyMap<string, Space> {
	const spaces = new Map<string, Space>();
	const madeOf = new Map<string, ReadonlySet<string>>();
	for (const { worker, folder } of workspacesOf(facts)) {
		spaces.set(worker, { folder, stands: new Map(), inputs: new Map(), away: new Map(), madeOf });
	}
	const processes = new Set(facts.workers.map(({ process }) => process));
	for (const { kind, from, to, worker, process, seq } of facts.changes) {
		const space = worker === null ? undefined : spaces.get(worker);
		// Only what the worker itself does: a task may link what it likes.
		if (space === undefined || from === null || !processes.has(process)) continue;
		if (kind === 'rename' && below(to, `${space.folder}/trash`) !== null) takeAway(space, from, seq);
		else if (kind === 'rename') takeOutput(space, from, to);
		else if (kind === 'link' || kind === 'symlink') takeInput(space, from, to);
	}
	return spaces;
}

function takeAway({ folder, away, inputs }: Space, from: Name, seq: Seq): void {
	const sandbox = below(from, folder);
	if (sandbox === null) return;
	away.set(sandbox, [...(away.get(sandbox) ?? []), seq]);
	inputs.delete(sandbox);
}

function takeInput(space: Space, from: Name, to: Name): void {
	const cached = below(from, `${space.folder}/cache`);
	const sandbox = inSandbox.exec(below(to, space.folder) ?? '')?.[0];
	if (cached === null || sandbox === undefined) return;
	const [name, rest] = parted(cached);
	takeStand(space, sandbox, to, { cached: name, rest, from: 'input' });
	const inputs = space.inputs.get(sandbox);
	if (inputs === undefined) space.inputs.set(sandbox, new Set([name]));
	else inputs.add(name);
}

function takeOutput(space: Space, from: Name, to: Name): void {
	// What a mini-task made waits among the transfers until it is looked at.
	const cached = below(to, `${space.folder}/cache`) ?? below(to, `${space.folder}/transfer`);
	const sandbox = inSandbox.exec(below(from, space.folder) ?? '')?.[0];
	if (cached === null || sandbox === undefined) return;
	takeStand(space, sandbox, from, { cached, rest: '', from: 'output' });
	const inputs = space.inputs.get(sandbox);
	if (sandbox.startsWith('mini.') && inputs !== undefined) space.madeOf.set(cached, inputs);
}

function takeStand({ stands, away }: Space, sandbox: string, path: Name, stand: Stand): void {
	stands.set(keyOf(path, away.get(sandbox)?.length ?? 0), stand);
}

const keyOf = (path: Name, turn: number) => `${turn} ${path}`;

/** What a path in a task's folder stands for, itself or by a folder above it. @param since where the task began */
function standOf(path: Name, since: Seq, { folder, stands, away }: Space): Stand | null {
	const own = below(path, folder);
	if (own === null) return null;
	const turn = away.get(inSandbox.exec(own)?.[0] ?? '')?.filter((seq) => seq < since).length ?? 0;
	for (let at = path.length; at > folder.length; at = path.lastIndexOf('/', at - 1)) {
		const stand = stands.get(keyOf(path.slice(0, at), turn));
		if (stand !== undefined) return { ...stand, rest: `${stand.rest}${path.slice(at)}` };
	}
	return null;
}

/** The manager's files that something in the cache is; of what a mini-task made, those that it was made of. */
function sourcesOf(cached: string, rest: string, space: Space, records: VineRecords, depth = 0): Name[] {
	const source = records.sent(cached);
	if (source !== null) return [`${source}${rest}`];
	const inputs = depth > deepest ? undefined : space.madeOf.get(cached);
	return [...new Set([...(inputs ?? [])].flatMap((one) => sourcesOf(one, '', space, records, depth + 1)))];
}

function targetOf({ cached, rest }: Stand, records: VineRecords): Name[] {
	const target = records.takenBack(cached);
	return target === null ? [] : [`${target}${rest}`];
}

/** What follows `folder/`. */
function below(path: Name, folder: Name): Name | null {
	return path.startsWith(folder) && path[folder.length] === '/' ? path.slice(folder.length + 1) : null;
}

function parted(path: Name): [string, string] {
	const at = path.indexOf('/');
	return at < 0 ? [path, ''] : [path.slice(0, at), path.slice(at)];
}
