import type {
	CellResult,
	Comparison,
	FileComparison,
	Name,
	OutputComparison,
	OutputVerdict,
	ProgramEnd,
} from '../model/index.ts';
import { compareFiles, type OutcomeFile } from './files.ts';
import { readIgnored, type Ignored } from './ignore.ts';
import { shown } from './kinds/text.ts';
import { compareOutputs } from './outputs.ts';
import { notCompared, worst, type Strictness, type Window } from './strictness.ts';

/** What a run came to. */
export interface Outcome {
	readonly run: string;
	/** One entry an execution; of a cell that ran more than once the last counts. */
	readonly cells: readonly CellResult[];
	/** How the program ended, where the run had no notebook; null where that is not known. */
	readonly program?: ProgramEnd | null;
	/** How many code cells the notebook has; those without a result did not run. */
	readonly codeCells: number;
	/** The run's folder: files below it are aligned by their path from there, others by their whole path. Null: all by the whole path. */
	readonly folder: Name | null;
	readonly files: readonly OutcomeFile[];
}

/** A verdict, and whether it leaves the comparison incomplete. */
interface Weighed<Part> {
	readonly part: Part;
	readonly incomplete: boolean;
}

type CellComparison = Comparison['cells'][number];

/**
 * Compares two runs: every cell that either has, output by output, and every file that either wrote.
 *
 * @param a the recorded run, to which the reasons refer as the first
 * @returns `sandbox` is null: whoever ran the second knows
 * @throws CellarError CELLAR_USAGE for a pattern of `ignore` that cannot be read
 */
export async function compareOutcomes(
	a: Outcome,
	b: Outcome,
	o: { readonly rtol: number; readonly atol: number; readonly ignore: readonly string[] },
): Promise<Comparison> {
	const ignored = readIgnored(o.ignore);
	const strictness: Strictness = { rtol: o.rtol, atol: o.atol, when: { a: windowOf(a), b: windowOf(b) } };
	const cells = compareCells(a, b, strictness, ignored);
	const files = await compareAllFiles(a, b, strictness, ignored);
	const program = compareEnds(a.program, b.program);
	const verdicts = [...cells, ...files, ...(program === null ? [] : [weigh(program)])].map(({ part, incomplete }) =>
		part.verdict === 'not compared' && !incomplete ? 'same' : part.verdict,
	);
	return {
		format: 1,
		a: a.run,
		b: b.run,
		verdict: overall(verdicts),
		cells: cells.map(({ part }) => part),
		files: files.map(({ part }) => part),
		...(program === null ? {} : { program }),
		sandbox: null,
	};
}

/** Null where neither run was a program's. */
function compareEnds(a: Outcome['program'], b: Outcome['program']): NonNullable<Comparison['program']> | null {
	if (a === undefined && b === undefined) return null;
	if (a == null || b == null) return { verdict: 'not compared', reason: 'how it ended is not known of both runs' };
	if (a.exitCode === b.exitCode && a.signal === b.signal) return { verdict: 'same', reason: null };
	return { verdict: 'differs', reason: `the first run ${endText(a)}, the second ${endText(b)}` };
}

function endText({ exitCode, signal }: ProgramEnd): string {
	return exitCode === null ? `was ended by ${signal ?? 'a signal'}` : `exited with ${exitCode}`;
}

function overall(verdicts: readonly OutputVerdict[]): Comparison['verdict'] {
	const verdict = worst(verdicts);
	if (verdict === 'raised') return 'differs';
	return verdict === 'not compared' ? 'incomplete' : verdict;
}

/** From the start of the first cell to the end of the last; null for a run without any. */
function windowOf(outcome: Outcome): Window | null {
	const spans = outcome.cells.map(({ started, seconds }) => ({
		from: Date.parse(started),
		to: Date.parse(started) + seconds * 1000,
	}));
	if (spans.length === 0) return null;
	return { from: Math.min(...spans.map(({ from }) => from)), to: Math.max(...spans.map(({ to }) => to)) };
}

function compareCells(a: Outcome, b: Outcome, o: Strictness, ignored: Ignored): readonly Weighed<CellComparison>[] {
	const [left, right] = [lastResults(a), lastResults(b)];
	const numbers = Array.from({ length: Math.max(a.codeCells, b.codeCells, ...left.keys(), ...right.keys()) }, (_, at) => at + 1);
	return numbers.map((number) => {
		const pattern = ignored.cell(number);
		if (pattern !== null) return told(number, 'not compared', `left out by --ignore ${pattern}`, false);
		return compareCell(number, left.get(number) ?? null, right.get(number) ?? null, o);
	});
}

function lastResults(outcome: Outcome): ReadonlyMap<number, CellResult> {
	return new Map(outcome.cells.filter(({ status }) => status !== 'not run').map((result) => [result.number, result]));
}

/** How a cell failed that did not end by itself. */
const failures: Partial<Record<CellResult['status'], string>> = {
	'timed out': 'ran out of time',
	died: 'lost its kernel',
	raised: 'raised an error',
};

function compareCell(number: number, a: CellResult | null, b: CellResult | null, o: Strictness): Weighed<CellComparison> {
	if (a === null && b === null) return told(number, 'not compared', 'it ran in neither run', false);
	if (a === null || b === null)
		return told(number, 'not compared', `it did not run in the ${a === null ? 'first' : 'second'} run`, true);
	if (a.status === 'interrupted' || b.status === 'interrupted') {
		return told(number, 'not compared', `it was interrupted in the ${a.status === 'interrupted' ? 'first' : 'second'} run`, true);
	}
	const outputs = compareOutputs(a.outputs, b.outputs, o);
	if (a.status === b.status)
		return weigh({ number, verdict: worst(outputs.map(({ verdict }) => verdict)), outputs: [...outputs] });
	const [inA, inB] = [failures[a.status], failures[b.status]];
	const verdict = inB === undefined ? 'differs' : 'raised';
	const reason = `the first run ${inA ?? 'finished'}, the second ${inB ?? 'finished'}${errorOf(b) ?? errorOf(a) ?? ''}`;
	return weigh({
		number,
		verdict,
		outputs: [{ kind: 'error', verdict, reason, largestDifference: null }, ...outputs.filter(({ kind }) => kind !== 'error')],
	});
}

function errorOf(result: CellResult): string | null {
	const error = result.outputs.find((output) => output.output_type === 'error');
	return error?.output_type === 'error' ? `: ${error.ename} ${shown(error.evalue)}` : null;
}

function told(number: number, verdict: OutputVerdict, reason: string, incomplete: boolean): Weighed<CellComparison> {
	const output: OutputComparison = { kind: 'text', ...notCompared(reason), verdict };
	return { part: { number, verdict, outputs: [output] }, incomplete };
}

/** What could not be compared although it should have been leaves the comparison incomplete. */
function weigh<Part extends { readonly verdict: OutputVerdict }>(part: Part): Weighed<Part> {
	return { part, incomplete: part.verdict === 'not compared' };
}

async function compareAllFiles(
	a: Outcome,
	b: Outcome,
	o: Strictness,
	ignored: Ignored,
): Promise<readonly Weighed<FileComparison>[]> {
	const [left, right] = [byKey(a), byKey(b)];
	const keys = [...new Set([...left.keys(), ...right.keys()])].toSorted();
	const compared: Weighed<FileComparison>[] = [];
	for (const key of keys) {
		const [fileA, fileB] = [left.get(key), right.get(key)];
		const { path } = fileA ?? fileB!; // the key comes from one of them
		const pattern = ignored.file(path, key.startsWith('/') ? null : key);
		if (pattern !== null) {
			compared.push({ part: { path, verdict: 'not compared', reason: `left out by --ignore ${pattern}` }, incomplete: false });
		} else if (fileA && fileB) {
			// One after the other: two pictures in memory are enough.
			compared.push(weigh(await compareFiles(fileA, fileB, o)));
		} else {
			compared.push(
				weigh({ path, verdict: 'differs', reason: fileA ? 'the second run did not write it' : 'only the second run wrote it' }),
			);
		}
	}
	return compared;
}

/** Files by what names them in both runs: the path from the run's folder, or the whole path. */
function byKey(outcome: Outcome): ReadonlyMap<string, OutcomeFile> {
	const start = outcome.folder === null ? null : `${outcome.folder.replace(/\/$/, '')}/`;
	return new Map(
		outcome.files.map((file) => [
			start !== null && file.path.startsWith(start) ? file.path.slice(start.length) : file.path,
			file,
		]),
	);
}
