import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CellOutput, Comparison } from '../../core/src/model/index.ts';
import { compareOutcomes, type Outcome } from '../../core/src/verify/index.ts';
import { cell, displayed, printed, raised, run } from './ground.ts';
import { gradient, gradientBut, png } from './pictures.ts';

function compare(
	a: Outcome,
	b: Outcome,
	o: { rtol?: number; atol?: number; ignore?: readonly string[] } = {},
): Promise<Comparison> {
	return compareOutcomes(a, b, { rtol: 0, atol: 0, ignore: [], ...o });
}

/** `number: verdict` of each cell. */
function verdicts(comparison: Comparison): readonly string[] {
	return comparison.cells.map(({ number, verdict }) => `${number}: ${verdict}`);
}

const figure = (changed: Parameters<typeof gradientBut>[0] = {}) =>
	displayed({ 'image/png': png(6, 6, gradientBut(changed)).toString('base64'), 'text/plain': '<Figure>' });
const frame = (...numbers: readonly number[]) =>
	displayed({ 'text/html': `<table>${numbers.map((number) => `<tr><td>${number}</td></tr>`).join('')}</table>` });

/** A run of five cells: a version, a number, a table, a picture, and two outputs. */
function analysis(changes: Partial<Record<1 | 2 | 3 | 4 | 5, readonly CellOutput[]>> = {}): Outcome {
	return run(changes[1] ? 'b' : 'a', [
		cell(1, changes[1] ?? [printed('numpy 2.3.5\n')]),
		cell(2, changes[2] ?? [printed('mean 0.5\n')]),
		cell(3, changes[3] ?? [frame(1, 2)]),
		cell(4, changes[4] ?? [figure()]),
		cell(5, changes[5] ?? [printed('done\n'), displayed({ 'text/plain': '4' })]),
	]);
}

test('a run is the same as itself, byte for byte', async () => {
	const comparison = await compare(analysis(), analysis());
	expect(comparison).toMatchObject({ format: 1, verdict: 'same', files: [], sandbox: null });
	expect(comparison.cells.every(({ outputs }) => outputs.every(({ reason }) => reason === null))).toBe(true);
	expect(comparison.cells[4]?.outputs.map(({ kind }) => kind)).toEqual(['text', 'number']);
});

test.each([
	['another version of a library', 1, [printed('numpy 2.3.6\n')]],
	['one number by a millionth', 2, [printed('mean 0.500001\n')]],
	['one more row', 3, [frame(1, 2, 3)]],
	['one changed pixel', 4, [figure({ '2,3': [9, 9, 9, 255] })]],
	['one output dropped', 5, [printed('done\n')]],
] as const)('negative control: %s differs in exactly that cell', async (_, number, outputs) => {
	const comparison = await compare(analysis(), analysis({ [number]: outputs }));
	expect(comparison.verdict).toBe('differs');
	expect(verdicts(comparison)).toEqual([1, 2, 3, 4, 5].map((at) => `${at}: ${at === number ? 'differs' : 'same'}`));
});

test('an output that only one has is named', async () => {
	const dropped = await compare(analysis(), analysis({ 5: [printed('done\n')] }));
	expect(dropped.cells[4]?.outputs).toMatchObject([
		{ verdict: 'same' },
		{ kind: 'number', verdict: 'differs', reason: 'the second has no such output: "4"' },
	]);
	const added = await compare(analysis(), analysis({ 3: [frame(1, 2), printed('warning\n', 'stderr')] }));
	expect(added.cells[2]?.outputs).toMatchObject([
		{ verdict: 'same' },
		{ kind: 'text', verdict: 'differs', reason: 'the first had no such output: stderr "warning\\n"' },
	]);
});

test('within the tolerance the verdict is close, and the document says by how much', async () => {
	const comparison = await compare(analysis(), analysis({ 2: [printed('mean 0.500001\n')] }), { rtol: 1e-5 });
	expect(comparison.verdict).toBe('close');
	expect(comparison.cells[1]).toMatchObject({
		verdict: 'close',
		outputs: [{ kind: 'text', largestDifference: expect.closeTo(1e-6, 12) }],
	});
});

test('how a stream was cut, and how two streams were interleaved, does not count; what they say does', async () => {
	const cut = run('a', [cell(1, [printed('one\n'), printed('two\n'), printed('careful\n', 'stderr'), printed('three\n')])]);
	const joined = run('b', [cell(1, [printed('careful\n', 'stderr'), printed('one\ntwo\nthree\n')])]);
	expect((await compare(cut, joined)).verdict).toBe('same');
	const other = run('b', [cell(1, [printed('careful\n', 'stderr'), printed('one\ntwo\nfour\n')])]);
	const comparison = await compare(cut, other);
	expect(comparison.cells[0]?.outputs).toMatchObject([
		{ verdict: 'differs', reason: 'line 3: "three" against "four"' },
		{ verdict: 'same' },
	]);
});

test('pictures are aligned by their order, whatever was printed between them', async () => {
	const [one, two] = [figure(), figure({ '0,0': [1, 1, 1, 255] })];
	expect(
		(await compare(run('a', [cell(1, [one, printed('x'), two])]), run('b', [cell(1, [one, two, printed('x')])]))).verdict,
	).toBe('same');
	expect(
		(await compare(run('a', [cell(1, [one, two])]), run('b', [cell(1, [two, one])]))).cells[0]?.outputs.map(
			({ verdict }) => verdict,
		),
	).toEqual(['differs', 'differs']);
});

test('an error that was recorded and came again is the same', async () => {
	const failing = (name: string) =>
		run(name, [cell(1, 'x\n'), cell(2, [raised('ValueError', 'no', ['ValueError: no'])], 'raised')]);
	const stopped = (name: string): Outcome => ({ ...failing(name), codeCells: 4 });
	const comparison = await compare(stopped('a'), stopped('b'));
	expect(verdicts(comparison)).toEqual(['1: same', '2: same', '3: not compared', '4: not compared']);
	expect(comparison.verdict).toBe('same');
	expect(comparison.cells[2]?.outputs[0]?.reason).toBe('it ran in neither run');
});

test('a cell that raised only in the second run is raised, and what that leaves out is not compared', async () => {
	const whole = run('a', [cell(1, 'x\n'), cell(2, 'y\n'), cell(3, 'z\n')]);
	const broken: Outcome = { ...run('b', [cell(1, 'x\n'), cell(2, [raised('ImportError', 'no scipy')], 'raised')]), codeCells: 3 };
	const comparison = await compare(whole, broken);
	expect(verdicts(comparison)).toEqual(['1: same', '2: raised', '3: not compared']);
	expect(comparison.verdict).toBe('differs');
	expect(comparison.cells[1]?.outputs[0]).toMatchObject({
		kind: 'error',
		verdict: 'raised',
		reason: 'the first run finished, the second raised an error: ImportError "no scipy"',
	});
	expect(verdicts(await compare(broken, whole))).toEqual(['1: same', '2: differs', '3: not compared']);
});

test.each([
	['timed out', 'ran out of time'],
	['died', 'lost its kernel'],
] as const)('a cell that %s only in the second run counts as raised', async (status, words) => {
	const comparison = await compare(run('a', [cell(1, 'x\n')]), run('b', [cell(1, 'x\n', status)]));
	expect(comparison).toMatchObject({
		verdict: 'differs',
		cells: [{ verdict: 'raised', outputs: [{ reason: `the first run finished, the second ${words}` }, { verdict: 'same' }] }],
	});
});

test('a cell that was interrupted or did not run leaves the comparison incomplete', async () => {
	const whole = run('a', [cell(1, 'x\n'), cell(2, 'y\n')]);
	const interrupted = await compare(whole, run('b', [cell(1, 'x\n'), cell(2, '', 'interrupted')]));
	expect(interrupted).toMatchObject({
		verdict: 'incomplete',
		cells: [{}, { verdict: 'not compared', outputs: [{ reason: 'it was interrupted in the second run' }] }],
	});
	const unrun = await compare(whole, { ...run('b', [cell(1, 'x\n')]), codeCells: 2 });
	expect(unrun).toMatchObject({
		verdict: 'incomplete',
		cells: [{}, { verdict: 'not compared', outputs: [{ reason: 'it did not run in the second run' }] }],
	});
});

test('a widget leaves the comparison incomplete, unless its cell is left out', async () => {
	const widget = (id: string) => displayed({ 'application/vnd.jupyter.widget-view+json': { model_id: id } });
	const [a, b] = [run('a', [cell(1, [widget('p')]), cell(2, 'x')]), run('b', [cell(1, [widget('q')]), cell(2, 'x')])];
	expect(await compare(a, b)).toMatchObject({ verdict: 'incomplete', cells: [{ verdict: 'not compared' }, { verdict: 'same' }] });
	expect(await compare(a, b, { ignore: ['cell:1'] })).toMatchObject({
		verdict: 'same',
		cells: [{ verdict: 'not compared', outputs: [{ reason: 'left out by --ignore cell:1' }] }, { verdict: 'same' }],
	});
});

test('of a cell that ran twice the last time counts', async () => {
	const twice = { ...run('a', [cell(1, 'old\n'), { ...cell(1, 'new\n'), execution: 2 }]), codeCells: 1 };
	expect((await compare(twice, run('b', [cell(1, 'new\n')]))).verdict).toBe('same');
});

test('times are those of each run: a stamp of the first day in the second run is a difference', async () => {
	const at = (day: string, printedDay: string) =>
		run('r', [{ ...cell(1, `made ${printedDay} 10:00:00\n`), started: `${day}T10:00:00.000Z` }]);
	expect(await compare(at('2026-11-22', '2026-11-22'), at('2026-12-13', '2026-12-13'))).toMatchObject({
		verdict: 'same',
		cells: [{ outputs: [{ reason: 'masked: time of the run' }] }],
	});
	expect((await compare(at('2026-11-22', '2026-11-22'), at('2026-12-13', '2026-11-21'))).verdict).toBe('differs');
});

const anyOutput: fc.Arbitrary<CellOutput> = fc.oneof(
	fc.tuple(fc.string(), fc.constantFrom('stdout', 'stderr')).map(([text, name]) => printed(text, name)),
	fc.double().map((number) => displayed({ 'text/plain': String(number) })),
	fc.string().map((text) => displayed({ 'text/html': `<p>${text}</p>`, 'text/plain': text })),
	fc.string().map((text) => raised('ValueError', text, [text])),
);
const anyRun = fc.array(fc.array(anyOutput, { maxLength: 4 }), { maxLength: 4 }).map((cells) =>
	run(
		'r',
		cells.map((outputs, at) => cell(at + 1, outputs)),
	),
);

test('any run is the same as itself, and two runs come to the same verdict either way round', async () => {
	await fc.assert(
		fc.asyncProperty(anyRun, anyRun, fc.constantFrom(0, 1e-3), async (a, b, rtol) => {
			expect((await compare(a, a, { rtol })).verdict).toBe('same');
			const [ab, ba] = [await compare(a, b, { rtol }), await compare(b, a, { rtol })];
			expect([ab.verdict, ...verdicts(ab)]).toEqual([ba.verdict, ...verdicts(ba)]);
		}),
	);
});

test('whatever output is taken away from any run, its cell differs', async () => {
	await fc.assert(
		fc.asyncProperty(anyRun, fc.nat(), async (whole, pick) => {
			const places = whole.cells.flatMap(({ number, outputs }) =>
				outputs.flatMap((output, at) => (output.output_type === 'stream' && output.text === '' ? [] : [{ number, at }])),
			);
			fc.pre(places.length > 0);
			const gone = places[pick % places.length];
			const cells = whole.cells.map((result) =>
				result.number === gone?.number ? { ...result, outputs: result.outputs.filter((_, at) => at !== gone.at) } : result,
			);
			const comparison = await compare(whole, { ...whole, cells });
			expect(verdicts(comparison)).toEqual(
				whole.cells.map(({ number }) => `${number}: ${number === gone?.number ? 'differs' : 'same'}`),
			);
		}),
	);
});

test('a picture that is equal byte for byte needs no decoding', async () => {
	const broken = displayed({ 'image/png': Buffer.from('no picture').toString('base64') });
	expect((await compare(run('a', [cell(1, [broken])]), run('b', [cell(1, [broken])]))).verdict).toBe('same');
	expect(gradient(0, 0)).toEqual([0, 0, 0, 255]);
});
