import { writeFile } from 'node:fs/promises';
import type { Comparison } from '@cellar/core';
import { tolerance } from '../flags.ts';
import { junitDocument } from '../reporters/index.ts';
import { columns, verdictText } from '../reporters/text.ts';
import type { Answer } from '../command.ts';

/** The options that `verify` and `repeat` share. */
export interface ComparingFlags {
	readonly rtol: number;
	readonly atol: number;
	readonly ignore?: readonly string[];
	readonly junit?: string;
}

export const comparingFlags = {
	rtol: { kind: 'parsed', parse: tolerance, brief: 'Relative tolerance for numbers', default: '0', placeholder: 'NUMBER' },
	atol: { kind: 'parsed', parse: tolerance, brief: 'Absolute tolerance for numbers', default: '0', placeholder: 'NUMBER' },
	ignore: {
		kind: 'parsed',
		parse: String,
		brief: 'Do not compare these: a path with * and ?, or cell:N',
		optional: true,
		variadic: true,
		placeholder: 'PATTERN',
	},
	junit: { kind: 'parsed', parse: String, brief: 'Also write the verdicts as JUnit XML', optional: true, placeholder: 'FILE' },
} as const;

/** The answer of a comparison: exit 0 for `same` and `close`, 1 for `differs` and `incomplete`. */
export async function comparisonAnswer(comparison: Comparison, flags: ComparingFlags, notes: string): Promise<Answer> {
	if (flags.junit !== undefined) await writeFile(flags.junit, junitDocument(comparison));
	const good = comparison.verdict === 'same' || comparison.verdict === 'close';
	return {
		document: { ...comparison, program: comparison.program ?? null },
		text: comparisonText(comparison) + notes,
		exit: good ? 0 : 1,
	};
}

function sandboxText({ name, network, workers }: NonNullable<Comparison['sandbox']>): string {
	const beside = workers === null ? '' : `, with ${workers.count} workers of ${workers.engine}`;
	return `  in ${name}, ${network ? 'with' : 'without'} network${beside}`;
}

function comparisonText(comparison: Comparison): string {
	const cells = comparison.cells.flatMap((cell) => [
		[`cell ${cell.number}`, verdictText(cell.verdict), summary(cell.outputs.map((output) => output.kind))],
		...cell.outputs.filter((output) => output.reason !== null).map((output) => ['', `  ${output.kind}`, output.reason!]),
	]);
	const files = comparison.files.map((file) => [file.path, verdictText(file.verdict), file.reason ?? '']);
	const { program } = comparison;
	const end = program === undefined ? [] : [['program', verdictText(program.verdict), program.reason ?? 'ended alike']];
	const sandbox = comparison.sandbox === null ? '' : sandboxText(comparison.sandbox);
	return [
		`${comparison.a} against ${comparison.b}${sandbox}\n`,
		columns([...end, ...cells]),
		files.length === 0 ? '' : `\nFiles written\n${columns(files)}`,
		`\nVerdict: ${verdictText(comparison.verdict)}\n`,
	].join('');
}

/** `text, 2 images`. */
function summary(kinds: readonly string[]): string {
	const counts = new Map<string, number>();
	for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
	return [...counts].map(([kind, count]) => (count === 1 ? kind : `${count} × ${kind}`)).join(', ');
}
