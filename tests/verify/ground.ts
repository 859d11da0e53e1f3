import type { CellOutput, CellResult, MimeBundle } from '../../core/src/model/index.ts';
import type { Outcome } from '../../core/src/verify/index.ts';
import type { Strictness } from '../../core/src/verify/strictness.ts';

/** Nothing but equal is good enough, and no time is that of a run. */
export const strict: Strictness = { rtol: 0, atol: 0, when: { a: null, b: null } };

/** The first run was on 22 November 2026, the second three weeks later. */
export const dated: Strictness = {
	...strict,
	when: { a: windowAt('2026-11-22T10:00:00Z'), b: windowAt('2026-12-13T08:30:00Z') },
};

function windowAt(start: string): { from: number; to: number } {
	return { from: Date.parse(start), to: Date.parse(start) + 60_000 };
}

export function within(tolerances: { rtol?: number; atol?: number }): Strictness {
	return { ...strict, ...tolerances };
}

export function printed(text: string, name = 'stdout'): CellOutput {
	return { output_type: 'stream', name, text };
}

export function displayed(data: MimeBundle): CellOutput {
	return { output_type: 'display_data', data, metadata: {} };
}

export function raised(ename: string, evalue: string, traceback: readonly string[] = []): CellOutput {
	return { output_type: 'error', ename, evalue, traceback };
}

/** A cell's result; `outputs` may be a text that it printed. */
export function cell(
	number: number,
	outputs: string | readonly CellOutput[],
	status: CellResult['status'] = 'finished',
): CellResult {
	return {
		execution: number,
		number,
		status,
		started: '2026-11-22T10:00:00.000Z',
		seconds: 1,
		executionCount: number,
		outputs: typeof outputs === 'string' ? [printed(outputs)] : outputs,
	};
}

/** A run with these cells, which are all that its notebook has, and these files by path. */
export function run(name: string, cells: readonly CellResult[], files: Readonly<Record<string, string>> = {}): Outcome {
	return {
		run: name,
		cells,
		codeCells: cells.length,
		folder: '/home/vera/project',
		files: Object.entries(files).map(([path, text]) => ({ path, sha256: null, bytes: () => Promise.resolve(Buffer.from(text)) })),
	};
}
