import { expect, test } from 'vitest';
import { record } from './facts.ts';

test('what one log made and another read is an intermediate, whichever stands first; what none read is an output', async () => {
	const run = record();
	const [a, b] = [
		{ log: 'a', worker: 'w1' },
		{ log: 'b', worker: 'w2' },
	];
	run.use('read', run.made('passed.txt'), b);
	run.use('create', 'passed.txt', a);
	run.use('read', run.made('taken.txt'));
	run.use('create', 'taken.txt', a);
	run.use('create', run.made('result.txt'), a);
	run.use('create', run.made('checked.txt'), a);
	run.use('read', 'checked.txt', a);
	run.use('read', run.given('input.txt'), a);
	run.use('append', run.given('log.txt'), b);
	const judged = await run.judge();
	const names = ['passed.txt', 'taken.txt', 'result.txt', 'checked.txt', 'input.txt', 'log.txt'];
	expect(names.map((name) => judged.verdict(name))).toEqual([
		'intermediate',
		'intermediate',
		'output',
		'intermediate',
		'input',
		'updated',
	]);
});
