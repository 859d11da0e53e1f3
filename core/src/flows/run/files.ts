import { accessSync, constants, statSync } from 'node:fs';
import {
	createPathTable,
	fsPath,
	type AccessColumns,
	type Facts,
	type FactsWithoutAccesses,
	type FileFact,
	type How,
	type JournalEntry,
	type LogId,
	type Name,
	type PathNumbers,
	type PathTable,
	type PathVerdict,
} from '../../model/index.ts';
import { look, sha256Of, type Blobs, type Look } from '../../store/index.ts';
import type { Inside } from '../replay/view.ts';

/** A first state that the journal tells of. */
type Saved = Extract<JournalEntry, { readonly event: 'input' }>;

/** What the first use of a path says of its having been there before; null where it says nothing. */
function existedByUse(how: How): boolean | null {
	if (how === 'missing') return false;
	if (how === 'read' || how === 'list' || how === 'execute' || how === 'stat') return true;
	return how === 'create' ? false : null;
}

/**
 * The state of every path that a run used, looked at now, at its end. Nothing is hashed yet: which of them matter is judged
 * by this.
 *
 * @param o.started milliseconds since 1970: a file that was born later was made by the run, unless it was used before
 * @param o.ended of a run that is made whole after its death: what was written later is somebody else's; null where it is now
 * @param o.inside where the run was not on this machine's own files; it knows what was there before
 */
export function lookAtFiles(
	facts: FactsWithoutAccesses,
	used: Existed,
	journal: readonly JournalEntry[],
	o: Looking,
): PathTable<FileFact> {
	const saved = new Map<Name, Saved>(journal.flatMap((entry) => (entry.event === 'input' ? [[entry.path, entry]] : [])));
	const files = createPathTable<FileFact>(used.numbers);
	const folders = new Map<Name, Name | null>();
	for (const [path, existed] of used.entries()) files.set(path, lookAtFile(path, saved.get(path), existed, o, folders));
	const others = facts.changes.flatMap((change) => (change.from === null ? [change.to] : [change.from, change.to]));
	for (const path of [...others, ...saved.keys()]) {
		if (!files.has(path)) files.set(path, lookAtFile(path, saved.get(path), null, o, folders));
	}
	// A folder takes no place that is not free.
	for (const path of namesMoved(files, facts.changes)) files.set(path, lookAtFile(path, saved.get(path), false, o, folders));
	return files;
}

/** What the first uses of paths say of their having been there before. */
export interface Existed {
	readonly numbers: PathNumbers;
	/** Adds some accesses, log by log. @param ofAccesses the numbers of their paths */
	add(accesses: Pick<AccessColumns, 'log' | 'how' | 'first'>, ofAccesses: Int32Array): void;
	/** Null where they say nothing. */
	entries(): Iterable<readonly [path: Name, existed: boolean | null]>;
}

/** Of several logs each has a first: where one of them did not find it, or made it, the others used what was made meanwhile. */
export function createExisted(numbers: PathNumbers): Existed {
	/** By the numbers of paths; and the log in which each was last seen, by its ordinal. */
	const told: (boolean | null)[] = [];
	const seenIn: number[] = [];
	let log: LogId | null = null;
	let logs = 0;
	return {
		numbers,
		*entries() {
			for (const [path, existed] of told.entries()) yield [numbers.at(path), existed];
		},
		add(accesses, ofAccesses) {
			for (const at of byFirst(accesses)) {
				if (accesses.log[at] !== log) {
					log = accesses.log[at]!;
					logs++;
				}
				const path = ofAccesses[at]!;
				while (told.length <= path) {
					told.push(null);
					seenIn.push(0);
				}
				if (seenIn[path] === logs) continue;
				seenIn[path] = logs;
				const known = told[path]!;
				const says = existedByUse(accesses.how[at]!);
				if (known === null || says === false) told[path] = says ?? known;
			}
		},
	};
}

/** The places of accesses log by log, and by their first lines: so they mostly are. */
function byFirst({ log, first }: Pick<AccessColumns, 'log' | 'first'>): Iterable<number> {
	const ranks = new Map<LogId, number>();
	let isSorted = true;
	for (let at = 0; at < log.length; at++) {
		if (at > 0 && log[at] === log[at - 1]) isSorted &&= first[at - 1]! <= first[at]!;
		else if (ranks.has(log[at]!)) isSorted = false;
		else ranks.set(log[at]!, ranks.size);
	}
	const places = Uint32Array.from(log, (_, at) => at);
	return isSorted ? places : places.sort((a, b) => ranks.get(log[a]!)! - ranks.get(log[b]!)! || first[a]! - first[b]!);
}

interface Looking {
	readonly started: number;
	readonly ended: number | null;
	readonly inside: Inside | null;
	/** What was looked at already, since the run ended. */
	readonly looks?: Looks | undefined;
}

/** Looks at the files of a run that is over, while its log is being read. */
export interface Looks {
	/** A path that is to be looked at. */
	sighted(path: Name): void;
	/** Looks at some of those that wait; false where none does. */
	some(): boolean;
	/** What was seen of a path, which is not kept any longer; undefined where it was not looked at. */
	take(path: Name): Look | undefined;
}

export function createLooks(): Looks {
	const waiting: Name[] = [];
	const known = new Map<Name, Look>();
	const folders = new Map<Name, Name | null>();
	return {
		sighted: (path) => void waiting.push(path),
		some() {
			for (const path of waiting.splice(-atOnce)) known.set(path, look(path, folders));
			return waiting.length > 0;
		},
		take(path) {
			const seen = known.get(path);
			known.delete(path);
			return seen;
		},
	};
}

/** A millisecond's work. */
const atOnce = 100;

function lookAtFile(
	path: Name,
	saved: Saved | undefined,
	existed: boolean | null,
	o: Looking,
	folders: Map<Name, Name | null>,
): FileFact {
	const seen = o.inside !== null ? lookInside(path, o.inside) : (o.looks?.take(path) ?? look(path, folders));
	const { born } = seen;
	return {
		path,
		realPath: seen.realPath,
		kind: seen.kind,
		size: sizeOf(seen, o.inside),
		mode: seen.mode,
		mtime: seen.mtime,
		existedBefore:
			saved?.existedBefore ?? existed ?? (o.inside !== null ? o.inside.existed(path) : born === null ? null : born < o.started),
		sha256Before: saved?.sha256 ?? null,
		sha256After: null,
		blobBefore: saved?.kept === true ? saved.sha256 : null,
		blobAfter: null,
		whyNoBlob: isLater(seen, o.ended) ? changedLater : saved?.kept === false ? 'too large' : null,
	};
}

/**
 * The files as they were looked at, with those for which others stood: where bytecode was read, its source is what was used,
 * and must still be the same when it is packed.
 */
export function withSources(
	looked: PathTable<FileFact>,
	verdicts: ReadonlyMap<Name, PathVerdict>,
	o: Looking,
): PathTable<FileFact> {
	const files = looked.copy();
	const folders = new Map<Name, Name | null>();
	for (const path of verdicts.keys()) if (!files.has(path)) files.set(path, lookAtFile(path, undefined, null, o, folders));
	return files;
}

/** The names that lay below folders which were renamed, as they were called afterwards; those are left out that were used themselves. */
function namesMoved(used: ReadonlyMap<Name, unknown>, changes: Facts['changes']): ReadonlySet<Name> {
	const moved = new Set<Name>();
	if (!changes.some((change) => change.kind === 'rename')) return moved;
	const all = new Set(used.keys());
	const folders = new Set<Name>();
	const note = (path: Name) => {
		for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
			const folder = path.slice(0, at);
			if (folders.has(folder)) return;
			folders.add(folder);
		}
	};
	for (const path of all) note(path);
	for (const { kind, from, to } of changes) {
		// Most of what is renamed is a file.
		if (kind !== 'rename' || from === null || !folders.has(from)) continue;
		for (const path of [...all].filter((one) => one.startsWith(`${from}/`))) {
			const name = `${to}${path.slice(from.length)}`;
			if (!all.has(name)) moved.add(name);
			all.add(name);
			note(name);
		}
	}
	return moved;
}

/** Why nothing is known of a file that changed between the death of its run and the run's being made whole. */
export const changedLater = 'changed after the run';

function isLater(seen: Look, ended: number | null): boolean {
	return ended !== null && seen.kind === 'file' && seen.mtime !== null && seen.mtime > ended;
}

function lookInside(path: Name, inside: Inside): Look {
	const place = inside.place(path, false);
	return { ...look(place ?? nowhere), path, realPath: place === null ? null : inside.real(path) };
}

/** Where nothing is: for what is not there inside, whatever this machine has at the same path. */
const nowhere = '/.cellar/nothing';

/** Of a link to a file, what it leads to: that is what was read. */
function sizeOf(seen: Look, inside: Inside | null): number | null {
	if (seen.kind !== 'link' || seen.realPath === null) return seen.size;
	const place = inside === null ? seen.realPath : inside.place(seen.realPath, false);
	const state = place === null ? undefined : statSync(fsPath(place), { throwIfNoEntry: false });
	return state?.isFile() === true ? state.size : seen.size;
}

/** What is kept of a file, by what it was judged to be. */
interface Keeping {
	readonly files: PathTable<FileFact>;
	readonly verdicts: ReadonlyMap<Name, PathVerdict>;
	readonly blobs: Blobs;
	/** Bytes of outputs in all that go into the blob store. */
	readonly limit: number;
	/** Where the run was not on this machine's own files. */
	readonly inside: Inside | null;
}

/** A limit below which no file is: it is hashed and not kept. */
const nothing = -1;

const written: ReadonlySet<PathVerdict['verdict']> = new Set(['output', 'intermediate', 'updated']);
const hashed: ReadonlySet<PathVerdict['verdict']> = new Set(['software', 'input', 'configuration', ...written]);

/**
 * Hashes what is a dependency, as of the end of the run, and keeps the bytes of what was written. A secret is neither hashed
 * nor kept; what was set aside otherwise is not worth either.
 */
export async function keepFiles(o: Keeping): Promise<PathTable<FileFact>> {
	let left = o.limit;
	const placeOf = (path: Name) => (o.inside === null ? path : (o.inside.place(path, true) ?? nowhere));
	const kept = createPathTable<FileFact>(o.files.numbers);
	for (const [path, file] of o.files) {
		const verdict = o.verdicts.get(path)?.verdict ?? 'unknown';
		if (file.kind !== 'file' && file.kind !== 'link')
			kept.set(path, { ...file, whyNoBlob: file.kind === 'gone' ? 'gone at the end' : 'not a file' });
		else if (verdict === 'secret') kept.set(path, { ...file, sha256Before: null, blobBefore: null, whyNoBlob: 'secret' });
		else if (!hashed.has(verdict)) kept.set(path, { ...file, whyNoBlob: verdict });
		// Its source is hashed in its place.
		else if (o.verdicts.get(path)?.rule === 'bytecode') kept.set(path, { ...file, whyNoBlob: 'bytecode' });
		else if (file.whyNoBlob === changedLater) kept.set(path, file);
		else if (written.has(verdict)) {
			const place = placeOf(path);
			// An intermediate is made again by who repeats, and compared with nothing: its hash is enough.
			const isResult = verdict !== 'intermediate';
			const saved = await o.blobs.putFile(place, isResult ? left : nothing);
			if (saved?.kept === true) left -= saved.size;
			kept.set(path, {
				...file,
				sha256After: saved?.sha256 ?? null,
				blobAfter: saved?.kept === true ? saved.sha256 : null,
				whyNoBlob: saved === null ? whyNot(place) : saved.kept ? null : isResult ? 'too large' : 'intermediate',
			});
		} else {
			const sha256 = await sha256Of(placeOf(path));
			// What the run read and never wrote was before what it is after, where it was not saved when it was first seen.
			kept.set(path, {
				...file,
				sha256Before: file.sha256Before ?? sha256,
				sha256After: sha256,
				whyNoBlob: file.blobBefore === null ? (file.whyNoBlob ?? verdict) : null,
			});
		}
	}
	return kept;
}

/** Why a file that was there a moment ago could not be copied. */
function whyNot(path: Name): string {
	const { realPath } = look(path);
	if (realPath === null) return 'gone at the end';
	if (look(realPath).kind !== 'file') return 'not a file';
	try {
		accessSync(fsPath(realPath), constants.R_OK);
	} catch {
		return 'not readable';
	}
	return 'still changing';
}
