import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createUnion, type SharedUse } from '../../core/src/audit/index.ts';
import { hows } from '../../core/src/model/index.ts';

const use = fc.record({
	path: fc.oneof(
		fc.constantFrom('/a', '/a/b', '/é', `/${'x'.repeat(9000)}`),
		fc.string({ unit: 'grapheme' }).map((name) => `/${name}`),
	),
	how: fc.constantFrom(...hows),
	count: fc.integer({ min: 1, max: 5 }),
});

test('a union is what a naive one is: each use once, by how many workers, how often, and by whom first', () => {
	fc.assert(
		fc.property(fc.array(fc.array(use), { maxLength: 6 }), (workers) => {
			const union = createUnion();
			const naive = new Map<string, SharedUse>();
			for (const [n, accesses] of workers.entries()) {
				const worker = `w${n + 1}`;
				union.add(worker, accesses);
				const seen = new Set<string>();
				for (const { path, how, count } of accesses) {
					const key = `${how} ${path}`;
					const known = naive.get(key) ?? { path, how, workers: 0, count: 0, first: worker };
					naive.set(key, { ...known, workers: known.workers + (seen.has(key) ? 0 : 1), count: known.count + count });
					seen.add(key);
				}
			}
			expect([...union.uses()]).toEqual([...naive.values()]);
			expect(union.size).toBe(naive.size);
		}),
	);
});

test('more uses than fit the first tables come back as they were', () => {
	const union = createUnion();
	const paths = Array.from({ length: 5000 }, (_, n) => `/opt/venv/lib/python3.11/site-packages/package${n}/__init__.py`);
	for (const worker of ['w1', 'w2', 'w3'])
		union.add(
			worker,
			[...paths, `/own/${worker}`].map((path) => ({ path, how: 'read', count: 2 })),
		);
	const uses = [...union.uses()];
	expect(uses.filter((one) => one.workers === 3).map(({ path }) => path)).toEqual(paths);
	expect(uses.filter((one) => one.workers === 1).map(({ path, first, count }) => [path, first, count])).toEqual(
		['w1', 'w2', 'w3'].map((worker) => [`/own/${worker}`, worker, 2]),
	);
});
