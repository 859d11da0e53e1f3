import { afterAll, expect, test } from 'vitest';
import { measurePublic, notebooks, shares, type Measured } from './public.ts';

const least = 0.99;
const all: Measured[] = [];

for (const name of notebooks) {
	test(`software and data of ${name} are those that were written down and witnessed`, { timeout: 600_000 }, async () => {
		const measured = await measurePublic(name);
		all.push(measured);
		for (const kind of ['software', 'data', 'cells'] as const) {
			const { precision, recall, misses } = shares([measured[kind]]);
			process.stdout.write(`${name} ${kind} ${measured[kind].truth.size} ${precision.toFixed(4)} ${recall.toFixed(4)}\n`);
			for (const miss of misses) process.stdout.write(`    ${miss}\n`);
			const isLow = kind !== 'cells' && Math.min(precision, recall) < least;
			expect(isLow ? misses : []).toEqual([]);
		}
		expect(measured.unknown).toEqual([]);
	});
}

afterAll(() => {
	const { precision, recall, misses } = shares(all.map((one) => one.cells));
	process.stdout.write(`cells of all ${precision.toFixed(4)} ${recall.toFixed(4)}\n`);
	expect(Math.min(precision, recall), misses.join('\n')).toBeGreaterThanOrEqual(least);
});
