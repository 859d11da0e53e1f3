import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measure } from '../../bench/accuracy/measure.mjs';
import { factsIn } from '../../bench/accuracy/plan.mjs';
import { pool, precision, recall } from '../../bench/accuracy/score.mjs';

export interface Accuracy {
	readonly facts: number;
	/** By the kind of fact; the share of what was found that is true, and of what is true that was found. */
	readonly precision: Readonly<Record<string, number>>;
	readonly recall: Readonly<Record<string, number>>;
	readonly misses: readonly string[];
	readonly unknown: readonly string[];
}

/** Generates notebooks, audits them, and compares with their plans; says the seed, the shares and every miss. */
export async function accuracyOf(o: {
	readonly seed: number;
	readonly notebooks: number;
	readonly facts: number;
}): Promise<Accuracy> {
	const folder = mkdtempSync(join(tmpdir(), 'cellar-accuracy-'));
	const [tallies, misses, unknown] = [[] as Parameters<typeof pool>[0][number][], [] as string[], [] as string[]];
	let facts = 0;
	try {
		for await (const one of measure({ ...o, folder })) {
			facts += factsIn(one.plan);
			tallies.push(one.tally);
			misses.push(...one.misses.map((miss) => `${one.plan.field}: ${miss}`));
			unknown.push(...one.unknown.map(({ path }: { path: string }) => path));
		}
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
	const all = Object.entries(pool(tallies));
	const shares = all.map(([kind, tally]) => `${kind} ${precision(tally).toFixed(4)}/${recall(tally).toFixed(4)}`);
	process.stdout.write(`accuracy, seed ${o.seed}: ${facts} facts; precision/recall of ${shares.join(', ')}\n`);
	for (const miss of misses) process.stdout.write(`    ${miss}\n`);
	return {
		facts,
		precision: Object.fromEntries(all.map(([kind, tally]) => [kind, precision(tally)])),
		recall: Object.fromEntries(all.map(([kind, tally]) => [kind, recall(tally)])),
		misses,
		unknown,
	};
}

/** Whatever is below, with all that was missed. */
export function below(least: number, { precision, recall, misses }: Accuracy): readonly string[] {
	const low = Object.entries({ ...precision }).filter(([kind, share]) => Math.min(share, recall[kind] ?? 0) < least);
	return low.length === 0 ? [] : [...low.map(([kind]) => kind), ...misses];
}
