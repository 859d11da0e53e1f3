import { isSecretName, isToolFolder, whySecret } from '../../dependencies/index.ts';
import { encodeName, type FileFact, type JournalEntry, type Name, type Run } from '../../model/index.ts';
import type { Written } from '../../sandbox/index.ts';
import { look, readTables, type Blobs } from '../../store/index.ts';
import { outcomeOf } from '../verify.ts';
import type { Inside } from './view.ts';

/**
 * Keeps what an untraced repeat wrote where the recorded run had an output, and what it wrote beside: below the working
 * folder, unless the record set such a path aside.
 *
 * @param recorded the run folder in the image's record
 */
export async function keepWritten(o: {
	readonly written: readonly Written[];
	readonly recorded: string;
	readonly first: Run;
	readonly blobs: Blobs;
}): Promise<FileFact[]> {
	const outputs = new Set((await outcomeOf(o.recorded, o.blobs)).files.map((file) => file.path));
	const known = new Set((await readTables(o.recorded)).files.map((file) => file.path));
	const cwd = encodeName(Buffer.from(o.first.circumstances.cwd));
	const isResult = (item: Written) =>
		outputs.has(item.path) ||
		(item.path.startsWith(`${cwd}/`) &&
			!known.has(item.path) &&
			!item.path.includes('/__pycache__/') &&
			!isToolFolder(item.path));
	const files: FileFact[] = [];
	for (const item of o.written) {
		if (item.kind !== 'file' || item.hostPath === null || !isResult(item) || isSecret(item.path, item.hostPath)) continue;
		const kept = await o.blobs.putFile(item.hostPath, Infinity);
		const { size, mode, mtime } = look(item.hostPath);
		files.push({
			...{ path: item.path, realPath: item.path, kind: 'file', size, mode, mtime },
			existedBefore: item.existed,
			sha256Before: null,
			sha256After: kept?.sha256 ?? null,
			blobBefore: null,
			blobAfter: kept?.sha256 ?? null,
			whyNoBlob: kept === null ? 'not readable' : null,
		});
	}
	return files;
}

/** By its name in the sandbox, or by what is in it. */
function isSecret(path: Name, hostPath: Name): boolean {
	return isSecretName(path) || whySecret(hostPath) !== null;
}

/** Bytes of first states in all; a larger one is kept by its hash alone, as in an audit. */
const keptFirst = 2_000_000_000;

/** Journals what the files that a traced repeat changed were before, as an audit does: its image still has them. */
export async function keepFirstStates(
	written: readonly Written[],
	inside: Inside,
	blobs: Blobs,
	append: (entry: JournalEntry) => Promise<void>,
): Promise<void> {
	let left = keptFirst;
	for (const { path, existed } of written) {
		const before = existed ? inside.before(path) : null;
		const kept = before === null || isSecret(path, before) ? null : await blobs.putFile(before, left);
		if (kept === null) continue;
		if (kept.kept) left -= kept.size;
		await append({ event: 'input', path, sha256: kept.sha256, kept: kept.kept, existedBefore: true });
	}
}
