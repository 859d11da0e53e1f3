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

test('a name that workers of several hosts each renamed was each one’s own; what a log renamed and did not write is another’s', async () => {
	const run = record();
	const [a, b] = [
		{ log: 'a', worker: 'w1' },
		{ log: 'b', worker: 'w2' },
	];
	run.use('create', 'part.tmp', a);
	run.use('create', 'part.tmp', b);
	run.change('rename', 'part.tmp', 'of-b.txt', b);
	run.change('rename', 'part.tmp', 'of-a.txt', a);
	run.use('create', 'handed.tmp', a);
	run.change('rename', 'handed.tmp', 'taken.txt');
	for (const name of ['of-a.txt', 'of-b.txt', 'taken.txt']) run.made(name);
	const judged = await run.judge();
	const { data } = judged.document();
	const whose = (name: string) => data.flatMap((one) => (one.relative === name ? [[...one.workers, one.manager]] : []));
	expect(whose('of-a.txt')).toEqual([['w1', false]]);
	expect(whose('of-b.txt')).toEqual([['w2', false]]);
	expect(whose('taken.txt')).toEqual([['w1', true]]);
});
