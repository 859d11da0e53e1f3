import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { accuracyOf, below } from './generated.ts';

test(
	'of ten thousand facts in notebooks of twenty fields, at most one in a thousand is wrong or missing',
	{ timeout: 3_600_000 },
	async () => {
		const seed = randomInt(2 ** 32);
		const found = await accuracyOf({ seed, notebooks: 20, facts: 520 });
		expect(found.facts).toBeGreaterThanOrEqual(10_000);
		expect(below(0.999, found), `seed ${seed}`).toEqual([]);
		expect(found.unknown, `seed ${seed}`).toEqual([]);
	},
);
