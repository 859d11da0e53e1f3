import type { CellOutput, OutputComparison } from '../model/index.ts';
import { compareErrors, type ErrorOutput } from './kinds/errors.ts';
import { compareMedia } from './kinds/media.ts';
import { isNumber } from './kinds/numbers.ts';
import { compareText, shown } from './kinds/text.ts';
import { differs, type Strictness } from './strictness.ts';

type Stream = Extract<CellOutput, { output_type: 'stream' }>;
type Shown = Extract<CellOutput, { output_type: 'display_data' | 'execute_result' }>;

/**
 * Compares the outputs of one cell. Each kind is aligned by itself and in order: stdout, stderr, what is shown, errors.
 * Where the texts of a stream were cut or interleaved in another way, which depends on timing, they are compared joined.
 *
 * @returns in the order in which the first cell has them; those that only the second has come last
 */
export function compareOutputs(a: readonly CellOutput[], b: readonly CellOutput[], o: Strictness): readonly OutputComparison[] {
	const [left, right] = [a.map(withPlace), b.map(withPlace)];
	const streamNames = [
		...new Set([...left, ...right].flatMap(({ output }) => (output.output_type === 'stream' ? [output.name] : []))),
	];
	const placed = [
		...streamNames.flatMap((name) => compareStreams(streams(left, name), streams(right, name), name, o)),
		...compareInOrder(left.filter(isShown), right.filter(isShown), (x, y) => compareMedia(x.data, y.data, o)),
		...compareInOrder(left.filter(isError), right.filter(isError), (x, y) => ({ kind: 'error', ...compareErrors(x, y, o) })),
	];
	return placed.toSorted((x, y) => x.place - y.place).map(({ comparison }) => comparison);
}

interface Placed<Output extends CellOutput = CellOutput> {
	readonly place: number;
	readonly output: Output;
}

function withPlace(output: CellOutput, place: number): Placed {
	return { place, output };
}

function isShown(placed: Placed): placed is Placed<Shown> {
	return placed.output.output_type === 'display_data' || placed.output.output_type === 'execute_result';
}

function isError(placed: Placed): placed is Placed<ErrorOutput> {
	return placed.output.output_type === 'error';
}

function isStream(placed: Placed): placed is Placed<Stream> {
	return placed.output.output_type === 'stream';
}

/** The blocks of one stream, those that follow each other directly as one: where a message was cut is chance. */
function streams(outputs: readonly Placed[], name: string): readonly Placed<Stream>[] {
	const blocks: Placed<Stream>[] = [];
	outputs
		.filter((placed) => isStream(placed) && placed.output.name === name)
		.forEach((placed) => {
			if (!isStream(placed)) return;
			const last = blocks.at(-1);
			const follows =
				last !== undefined &&
				outputs.slice(last.place + 1, placed.place).every((other) => isStream(other) && other.output.name === name);
			if (follows)
				blocks[blocks.length - 1] = {
					place: last.place,
					output: { ...last.output, text: last.output.text + placed.output.text },
				};
			else blocks.push(placed);
		});
	return blocks;
}

interface PlacedComparison {
	readonly place: number;
	readonly comparison: OutputComparison;
}

function compareStreams(
	a: readonly Placed<Stream>[],
	b: readonly Placed<Stream>[],
	name: string,
	o: Strictness,
): readonly PlacedComparison[] {
	const compare = (x: Stream, y: Stream): OutputComparison => {
		const judged = compareText(x.text, y.text, o);
		const reason = judged.reason === null ? null : name === 'stdout' ? judged.reason : `${name}: ${judged.reason}`;
		return { kind: isNumber(x.text) && isNumber(y.text) ? 'number' : 'text', ...judged, reason };
	};
	if (a.length === 0 || b.length === 0) return compareInOrder(a, b, compare);
	const blockwise = compareInOrder(a, b, compare);
	if (blockwise.every(({ comparison }) => comparison.verdict === 'same')) return blockwise;
	const joined = (blocks: readonly Placed<Stream>[]): Stream => ({
		output_type: 'stream',
		name,
		text: blocks.map(({ output }) => output.text).join(''),
	});
	return [{ place: a[0]?.place ?? 0, comparison: compare(joined(a), joined(b)) }];
}

function compareInOrder<Output extends CellOutput>(
	a: readonly Placed<Output>[],
	b: readonly Placed<Output>[],
	compare: (x: Output, y: Output) => OutputComparison,
): readonly PlacedComparison[] {
	const length = Math.max(a.length, b.length);
	return Array.from({ length }, (_, at) => {
		const [x, y] = [a[at], b[at]];
		if (x && y) return { place: x.place, comparison: compare(x.output, y.output) };
		const only = x ?? y!; // there are no more places than outputs
		const { kind } = compare(only.output, only.output);
		const which = x ? 'the second has no such output' : 'the first had no such output';
		return {
			place: x ? x.place : Number.MAX_SAFE_INTEGER,
			comparison: { kind, ...differs(`${which}: ${described(only.output)}`) },
		};
	});
}

function described(output: CellOutput): string {
	if (output.output_type === 'stream') return `${output.name} ${shown(output.text)}`;
	if (output.output_type === 'error') return `${output.ename} ${shown(output.evalue)}`;
	const text = output.data['text/plain'];
	return typeof text === 'string' ? shown(text) : Object.keys(output.data).join(', ');
}
