import { parseSync, Visitor } from 'oxc-parser';
import { expect, test } from 'vitest';
import { sources } from './clone.ts';
import type { SourceFile } from './graph.ts';

/** Where a type is claimed with `as`, and no comment on that line, or just above the statement's line, says why it holds. */
function castsWithoutReason({ path, text }: SourceFile): readonly string[] {
	const lines = text.split('\n');
	const lineOf = (offset: number) => text.slice(0, offset).split('\n').length - 1;
	const found: string[] = [];
	new Visitor({
		TSAsExpression({ start, end, typeAnnotation }) {
			if (text.slice(typeAnnotation.start, typeAnnotation.end) === 'const') return;
			const places = [lineOf(start) - 1, lineOf(start), lineOf(end)];
			if (places.some((line) => /\/\/|\*\//.test(lines[line] ?? ''))) return;
			found.push(`${path}:${lineOf(start) + 1}`);
		},
	}).visit(parseSync(path, text).program);
	return found;
}

test('a cast has its reason beside it', () => {
	expect(sources(/^(core|cli)\/src\/.*\.ts$/).flatMap(castsWithoutReason)).toEqual([]);
});

test('the rule sees a cast, and its reason before, behind and after it', () => {
	const told = (text: string) => castsWithoutReason({ path: 'a.ts', text });
	expect(told('const a = 1;\nconst b = a as unknown;')).toEqual(['a.ts:2']);
	expect(told('// all numbers are\nconst b = a as unknown;')).toEqual([]);
	expect(told('const b = a as unknown; // all numbers are')).toEqual([]);
	expect(told('const b = {\n\ta,\n} as unknown; // all numbers are')).toEqual([]);
	expect(told('const b = [1] as const;')).toEqual([]);
});
