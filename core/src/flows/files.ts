import type { Access, Facts, FileFact, JournalEntry, Name, PathVerdict } from '../model/index.ts';
import { look, sha256Of, type Blobs } from '../store/index.ts';

/** What the first use of a path says of its having been there before; null where it says nothing. */
function existedByUse(first: Access): boolean | null {
	if (first.how === 'missing') return false;
	if (first.how === 'read' || first.how === 'list' || first.how === 'execute' || first.how === 'stat') return true;
	return first.how === 'create' ? false : null;
}

/**
 * The state of every path that a run used, looked at now, at its end. Nothing is hashed yet: which of them matter is judged
 * by this.
 *
 * @param started milliseconds since 1970: a file that was born later was made by the run, unless it was used before
 */
export async function lookAtFiles(facts: Facts, journal: readonly JournalEntry[], started: number): Promise<Map<Name, FileFact>> {
	const saved = new Map(journal.flatMap((entry) => (entry.event === 'input' ? [[entry.path, entry] as const] : [])));
	const firsts = new Map<Name, Access>();
	for (const access of facts.accesses) {
		const known = firsts.get(access.path);
		if (known === undefined || access.first < known.first) firsts.set(access.path, access);
	}
	const renamed = facts.changes.flatMap((change) => (change.from === null ? [change.to] : [change.from, change.to]));
	const files = new Map<Name, FileFact>();
	for (const path of new Set([...firsts.keys(), ...renamed, ...saved.keys()])) {
		const seen = await look(path);
		const first = firsts.get(path);
		const input = saved.get(path);
		const { born } = seen;
		const existed =
			input?.existedBefore ?? (first === undefined ? null : existedByUse(first)) ?? (born === null ? null : born < started);
		files.set(path, {
			path,
			realPath: seen.realPath,
			kind: seen.kind,
			size: seen.size,
			mode: seen.mode,
			mtime: seen.mtime,
			existedBefore: existed,
			sha256Before: input?.sha256 ?? null,
			sha256After: null,
			blobBefore: input?.kept === true ? input.sha256 : null,
			blobAfter: null,
			whyNoBlob: null,
		});
	}
	return files;
}

/** What is kept of a file, by what it was judged to be. */
interface Keeping {
	readonly files: ReadonlyMap<Name, FileFact>;
	readonly verdicts: ReadonlyMap<Name, PathVerdict>;
	readonly blobs: Blobs;
	/** Bytes of outputs in all that go into the blob store. */
	readonly keepOutputs: number;
}

const written: ReadonlySet<PathVerdict['verdict']> = new Set(['output', 'intermediate', 'updated']);
const hashed: ReadonlySet<PathVerdict['verdict']> = new Set(['software', 'input', 'configuration', ...written]);

/**
 * Hashes what is a dependency, as of the end of the run, and keeps the bytes of what was written. A secret is neither hashed
 * nor kept; what was set aside otherwise is not worth either.
 */
export async function keepFiles(o: Keeping): Promise<Map<Name, FileFact>> {
	let left = o.keepOutputs;
	const kept = new Map<Name, FileFact>();
	for (const [path, file] of o.files) {
		const verdict = o.verdicts.get(path)?.verdict ?? 'unknown';
		if (file.kind !== 'file' && file.kind !== 'link')
			kept.set(path, { ...file, whyNoBlob: file.kind === 'gone' ? 'gone at the end' : 'not a file' });
		else if (verdict === 'secret') kept.set(path, { ...file, sha256Before: null, blobBefore: null, whyNoBlob: 'secret' });
		else if (!hashed.has(verdict)) kept.set(path, { ...file, whyNoBlob: verdict });
		else if (written.has(verdict)) {
			const saved = await o.blobs.putFile(path, left);
			if (saved?.kept === true) left -= saved.size;
			kept.set(path, {
				...file,
				sha256After: saved?.sha256 ?? null,
				blobAfter: saved?.kept === true ? saved.sha256 : null,
				whyNoBlob: saved?.kept === true ? null : 'too large',
			});
		} else {
			const sha256 = await sha256Of(path);
			// What the run read and never wrote was before what it is after, where it was not saved when it was first seen.
			kept.set(path, {
				...file,
				sha256Before: file.sha256Before ?? sha256,
				sha256After: sha256,
				whyNoBlob: file.blobBefore === null ? verdict : null,
			});
		}
	}
	return kept;
}
