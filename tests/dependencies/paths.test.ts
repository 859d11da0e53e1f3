import { posix } from 'node:path';
import { expect, test } from 'vitest';
import { baseOf, keepingLast, parentOf } from '../../core/src/dependencies/paths.ts';

test('the folder and the name of a path are what they are in any order of questions, also of folders with the same last letters', () => {
	const folders = Array.from({ length: 3000 }, (_, at) => `/data/${at % 7}/set-${at}/batch`);
	const paths = [
		'/',
		'/a',
		'/a/b',
		'/ab/c',
		'/abc/d',
		'/batch',
		...folders.flatMap((folder) => [`${folder}/x`, `${folder}/y.csv`]),
	];
	let at = 0;
	for (let round = 0; round < paths.length * 3; round++) {
		at = (at * 31 + 7 + round) % paths.length;
		const path = paths[at]!;
		expect(parentOf(path)).toBe(posix.dirname(path));
		expect(baseOf(path)).toBe(posix.basename(path));
		expect(baseOf(path)).toBe(posix.basename(path));
	}
});

test('an answer is kept until something else is asked, or it is dropped; a question that failed is asked again', () => {
	const asked: string[] = [];
	const kept = keepingLast((question: string) => {
		asked.push(question);
		if (question === 'bad' && asked.length < 5) throw new Error('no');
		return question.length === 0;
	});
	expect([kept('a'), kept('a'), kept(''), kept(''), kept('a')]).toEqual([false, false, true, true, false]);
	expect(asked).toEqual(['a', '', 'a']);
	expect(() => kept('bad')).toThrow('no');
	expect(kept('a')).toBe(false);
	expect(kept('bad')).toBe(false);
	kept.forget();
	expect(kept('bad')).toBe(false);
	expect(asked).toEqual(['a', '', 'a', 'bad', 'bad', 'bad']);
});
