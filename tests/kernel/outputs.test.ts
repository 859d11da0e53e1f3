import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Said } from '../../core/src/kernel/messages.ts';
import { gatherOutputs } from '../../core/src/kernel/outputs.ts';
import type { CellOutput } from '../../core/src/model/index.ts';

const stream = (text: string, name = 'stdout'): Said => ({ type: 'stream', name, text });
const shown = (text: string, displayId: string | null = null) => ({ data: { 'text/plain': text }, metadata: {}, displayId });
const display = (text: string, displayId: string | null = null): Said => ({
	type: 'display_data',
	shown: shown(text, displayId),
});
const update = (text: string, displayId: string): Said => ({ type: 'update_display_data', shown: shown(text, displayId) });

/** What a cell's outputs are after it said all this. */
function after(...said: readonly Said[]): readonly CellOutput[] {
	const outputs = gatherOutputs();
	for (const one of said) outputs.take(1, one);
	return outputs.of(1);
}

/** The outputs as short words: `stdout:…` for a stream, the plain text of what is shown. */
function words(outputs: readonly CellOutput[]): readonly unknown[] {
	return outputs.map((output) => {
		if (output.output_type === 'stream') return `${output.name}:${output.text}`;
		return output.output_type === 'error' ? output.ename : output.data['text/plain'];
	});
}

test('pieces of one stream that follow each other are one output, until something else comes between', () => {
	const outputs = after(stream('a'), stream('b'), stream('e', 'stderr'), stream('c'), display('x'), stream('d'), stream('e'));
	expect(words(outputs)).toEqual(['stdout:ab', 'stderr:e', 'stdout:c', 'x', 'stdout:de']);
});

test('clear_output clears at once; with wait only when the next output comes, and never where none does', () => {
	expect(words(after(stream('a'), { type: 'clear_output', wait: false }))).toEqual([]);
	expect(words(after(stream('a'), { type: 'clear_output', wait: true }))).toEqual(['stdout:a']);
	expect(words(after(stream('a'), { type: 'clear_output', wait: true }, stream('b'), stream('c')))).toEqual(['stdout:bc']);
});

test('an update changes what is shown under its id in every cell, tells which, and adds nothing', () => {
	const outputs = gatherOutputs();
	outputs.take(1, display('one', 'id'));
	outputs.take(1, display('other'));
	outputs.close(1);
	outputs.take(2, display('two', 'id'));
	outputs.take(2, display('again', 'id'));
	expect(outputs.take(3, update('new', 'id'))).toEqual({ fresh: null, earlier: [1, 2] });
	expect(words(outputs.of(1))).toEqual(['new', 'other']);
	expect(words(outputs.of(2))).toEqual(['new', 'new']);
	expect(outputs.of(3)).toEqual([]);
	expect(outputs.take(3, update('new', 'unheard of'))).toEqual({ fresh: null, earlier: [] });
});

test('what was cleared is not updated any more', () => {
	const outputs = after(display('a', 'id'), { type: 'clear_output', wait: false }, display('b'), update('c', 'id'));
	expect(words(outputs)).toEqual(['b']);
});

test('an update keeps what kind of output it was: a result keeps its number', () => {
	const result: Said = { type: 'execute_result', count: 7, shown: shown('a', 'id') };
	expect(after(result, update('b', 'id'))).toEqual([
		{ output_type: 'execute_result', execution_count: 7, data: { 'text/plain': 'b' }, metadata: {} },
	]);
});

test('above the limit nothing is kept but errors, and the last output says how much is missing', () => {
	const outputs = gatherOutputs(10);
	for (const one of [stream('12345'), stream('123456'), display('abcdef'), stream('12345')]) outputs.take(1, one);
	outputs.take(1, { type: 'error', ename: 'E', evalue: 'long enough', traceback: [] });
	expect(words(outputs.of(1))).toEqual([
		'stdout:1234512345',
		'E',
		'stderr:[cellar] 12 more characters of output were not kept\n',
	]);
});

const said = fc.oneof(
	{
		weight: 4,
		arbitrary: fc
			.record({ name: fc.constantFrom('stdout', 'stderr'), text: fc.string({ minLength: 1 }) })
			.map(({ name, text }) => stream(text, name)),
	},
	fc.record({ text: fc.string(), id: fc.constantFrom(null, 'p', 'q') }).map(({ text, id }) => display(text, id)),
	fc.record({ text: fc.string(), id: fc.constantFrom('p', 'q') }).map(({ text, id }) => update(text, id)),
	fc.boolean().map((wait): Said => ({ type: 'clear_output', wait })),
	fc.constant<Said>({ type: 'error', ename: 'E', evalue: 'v', traceback: ['t'] }),
);

test('property: however a stream is cut into messages, the outputs are the same', () => {
	const cut = (one: Said): Said[] => (one.type === 'stream' ? [...one.text].map((text) => stream(text, one.name)) : [one]);
	fc.assert(
		fc.property(fc.array(said), (all) => {
			expect(after(...all.flatMap(cut))).toEqual(after(...all));
		}),
	);
});

test('property: no two streams of one name follow each other, and nothing handed out changes later', () => {
	fc.assert(
		fc.property(fc.array(said), fc.array(said), (first, second) => {
			const outputs = gatherOutputs();
			for (const one of first) outputs.take(1, one);
			const before = outputs.of(1);
			const copy = structuredClone(before);
			for (const one of second) outputs.take(2, one);
			for (const one of second) outputs.take(1, one);
			expect(before).toEqual(copy);
			const names = outputs.of(1).map((output) => (output.output_type === 'stream' ? output.name : null));
			for (const [place, name] of names.entries()) expect(name !== null && name === names[place + 1]).toBe(false);
		}),
	);
});

test('property: what a cell says can change the outputs of another by display ids alone', () => {
	fc.assert(
		fc.property(fc.array(said), fc.array(said), (first, second) => {
			const outputs = gatherOutputs();
			for (const one of first) outputs.take(1, one);
			const before = outputs.of(1);
			const told = new Set(second.flatMap((one) => outputs.take(2, one).earlier));
			if (!told.has(1)) expect(outputs.of(1)).toEqual(before);
			expect(outputs.of(1).length).toBe(before.length);
		}),
	);
});
