import type { FileComparison, Name } from '../model/index.ts';
import { comparePng, isPng } from './kinds/images.ts';
import { compareText } from './kinds/text.ts';
import { differs, notCompared, same, type Judged, type Strictness } from './strictness.ts';

/** A file that a run wrote and left. */
export interface OutcomeFile {
	readonly path: Name;
	readonly sha256: string | null;
	/** Its bytes as they were when the run ended; null where they were not kept. */
	readonly bytes: () => Promise<Buffer | null>;
}

/** Longer texts do not fit into one of JavaScript's. */
const mostText = 256 * 2 ** 20;

/**
 * Compares two files: by their hashes, then by their kind: PNG by pixels, text (CSV, JSON, logs) with its numbers and masks,
 * anything else by bytes.
 */
export async function compareFiles(a: OutcomeFile, b: OutcomeFile, o: Strictness): Promise<FileComparison> {
	const { verdict, reason } = await judge(a, b, o);
	return { path: a.path, verdict, reason };
}

async function judge(a: OutcomeFile, b: OutcomeFile, o: Strictness): Promise<Judged> {
	if (a.sha256 !== null && a.sha256 === b.sha256) return same;
	const [left, right] = await Promise.all([a.bytes(), b.bytes()]);
	if (left === null || right === null) {
		const hashes = a.sha256 === null || b.sha256 === null ? 'there is no hash of both' : 'the hashes differ';
		return notCompared(`${hashes}, and the bytes of ${left === null ? 'the first' : 'the second'} were not kept`);
	}
	if (left.equals(right)) return same;
	if (isPng(left) && isPng(right)) return comparePng(left, right, o);
	const [textA, textB] = [textOf(left), textOf(right)];
	return textA !== null && textB !== null ? compareText(textA, textB, o) : compareBytes(left, right);
}

/** The text of a file that is valid UTF-8 without a NUL; null for all else. */
function textOf(bytes: Buffer): string | null {
	if (bytes.length > mostText || bytes.includes(0)) return null;
	try {
		return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch (error) {
		if (error instanceof TypeError) return null;
		throw error;
	}
}

function compareBytes(a: Buffer, b: Buffer): Judged {
	const length = Math.min(a.length, b.length);
	let at = 0;
	while (at < length && a[at] === b[at]) at++;
	const sizes = a.length === b.length ? `${a.length} bytes each` : `${a.length} bytes against ${b.length}`;
	return differs(`${sizes}, the first difference at byte ${at}; files of this kind are compared by bytes`);
}
