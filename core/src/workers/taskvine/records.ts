import { createHash } from 'node:crypto';
import { createReadStream, statSync, type Stats } from 'node:fs';
import { createInterface } from 'node:readline';
import { encodeName, errnoOf, fsPath, type Access, type Facts, type How, type Name } from '../../model/index.ts';

/** What the managers of a run tell of the files that their workers keep under names of the engine's own. */
export interface VineRecords {
	/** The file or folder of the manager's that a name in a worker's cache stands for, as it was sent. */
	sent(cached: string): Name | null;
	/** Where the manager put what it took back under that name. */
	takenBack(cached: string): Name | null;
}

const writes: ReadonlySet<How> = new Set(['write', 'append', 'truncate', 'create', 'readwrite']);

/**
 * Reads the managers' own debug logs, which stand in each one's `vine-logs`, and knows the rule by which a file's name in the
 * cache is made, for files that they do not tell of.
 *
 * @param cwd where a relative path starts that no access of the manager's tells
 * @param place where a path of the run lies on this machine; null where nothing is there
 */
export async function readVineRecords(
	facts: Facts,
	cwd: Name,
	place: (path: Name) => Name | null = (path) => path,
): Promise<VineRecords> {
	const sent = new Map<string, Name>();
	const back = new Map<string, Name>();
	const logs = new Map<Name, Access>();
	for (const access of facts.accesses) {
		if (writes.has(access.how) && access.path.endsWith('/vine-logs/debug')) logs.set(access.path, access);
	}
	const managers = new Set([...logs.values()].map(({ process }) => process));
	const own = new Set(facts.accesses.flatMap(({ process, path }) => (managers.has(process) ? [path] : [])));
	const absolute = absoluteBy(own, cwd);
	for (const log of logs.keys()) await readDebug(place(log), sent, back);
	let ruled: ReadonlyMap<string, Name> | null = null;
	return {
		sent(cached) {
			const known = sent.get(cached);
			if (known !== undefined) return absolute(known);
			if (!cached.startsWith(meta)) return null;
			ruled ??= namesByRule(own, cwd, place);
			return ruled.get(cached) ?? null;
		},
		takenBack(cached) {
			const known = back.get(cached);
			return known === undefined ? null : absolute(known);
		},
	};
}

/** `… vine: HOST (ADDRESS) needs file SOURCE as NAME`, then `… tx to HOST (ADDRESS): put CACHED …`; and the way back. */
const needs = /vine: \S+ \(([^)]*)\) needs file (.*) as .*$/;
const puts = /vine: tx to \S+ \(([^)]*)\): put (\S+) /;
const returns = /vine: \S+ \([^)]*\) sending back (\S+) to (.*)$/;

async function readDebug(log: Name | null, sent: Map<string, Name>, back: Map<string, Name>): Promise<void> {
	if (log === null) return;
	const needed = new Map<string, string>();
	try {
		// Names are bytes: read as Latin-1, each stays what it is.
		const lines = createInterface({ input: createReadStream(fsPath(log), 'latin1'), crlfDelay: Infinity });
		for await (const line of lines) {
			const need = needs.exec(line);
			if (need !== null) {
				needed.set(need[1]!, need[2]!);
				continue;
			}
			const put = puts.exec(line);
			const source = put === null ? undefined : needed.get(put[1]!);
			if (put !== null && source !== undefined) {
				sent.set(put[2]!, nameOf(source));
				needed.delete(put[1]!);
			}
			const returned = returns.exec(line);
			if (returned !== null) back.set(returned[1]!, nameOf(returned[2]!));
		}
	} catch (error) {
		// Gone, or not ours to read: what was sent is then told by the rule of the names alone.
		if (errnoOf(error) === null) throw error;
	}
}

const nameOf = (latin1: string): Name => encodeName(Buffer.from(latin1, 'latin1'));

/** A path as the manager was given it, from its working folder: that may have changed, and what it opened tells where it was. */
function absoluteBy(own: ReadonlySet<Name>, cwd: Name): (path: Name) => Name {
	const known = new Map<Name, Name>();
	return (path) => {
		const found = known.get(path) ?? findAbsolute(path, own, cwd);
		known.set(path, found);
		return found;
	};
}

function findAbsolute(path: Name, own: ReadonlySet<Name>, cwd: Name): Name {
	const word = path.replace(/^(\.\/+)+/, '').replace(/\/+$/, '');
	if (word.startsWith('/')) return word;
	const usual = word === '' || word === '.' ? cwd : `${cwd}/${word}`;
	if (own.has(usual)) return usual;
	const others = [...own].filter((one) => one.endsWith(`/${word}`));
	return others.length === 1 ? others[0]! : usual;
}

const meta = 'file-meta-';

/** TaskVine calls a file by its path as it was given, its size and its time: `SOURCE-SIZE-ctime(mtime)`. */
function namesByRule(own: ReadonlySet<Name>, cwd: Name, place: (path: Name) => Name | null): ReadonlyMap<string, Name> {
	const names = new Map<string, Name>();
	for (const path of own) {
		const stat = lookAt(place(path));
		if (stat === null) continue;
		const given = path.startsWith(`${cwd}/`) ? [path, path.slice(cwd.length + 1)] : [path];
		for (const source of given) {
			const text = Buffer.concat([Buffer.from(fsPath(source)), Buffer.from(`-${stat.size}-${ctime(stat.mtime)}\n`)]);
			names.set(`${meta}${createHash('md5').update(text).digest('hex')}`, path);
		}
	}
	return names;
}

/** What a path leads to; null where that cannot be looked at. */
function lookAt(path: Name | null): Stats | null {
	try {
		return path === null ? null : statSync(fsPath(path));
	} catch {
		// Gone, too long, no right: none that was sent by this name can be found by it.
		return null;
	}
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** As C writes a time, in this machine's zone, without the newline at its end: `Fri Nov  6 12:34:33 2026`. */
function ctime(time: Date): string {
	const two = (number: number) => String(number).padStart(2, '0');
	const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
	const day = String(time.getDate()).padStart(2, ' ');
	return `${days[time.getDay()]} ${months[time.getMonth()]} ${day} ${clock} ${time.getFullYear()}`;
}
