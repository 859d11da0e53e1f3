import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { accuracyOf, below } from './generated.ts';

test(
	'of notebooks made from a seed of the day, software, versions, data, roles and cells are as planned',
	{ timeout: 300_000 },
	async () => {
		const seed = randomInt(2 ** 32);
		const found = await accuracyOf({ seed, notebooks: 2, facts: 200 });
		expect(below(0.999, found), `seed ${seed}`).toEqual([]);
		expect(found.unknown, `seed ${seed}`).toEqual([]);
	},
);
