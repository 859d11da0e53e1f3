// How true the list of dependencies is: notebooks are made from a seed, so that what each cell reads, writes and imports is known;
// each is audited, and what `cellar deps --json` says is compared with the plan.
//
//     npm run bench:accuracy                                       20 notebooks, a seed drawn by chance, 500 facts each
//     npm run bench:accuracy -- --seed 7 --notebooks 3 --facts 200
import { mkdtempSync, rmSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomInt } from 'node:crypto';
import { measure } from './accuracy/measure.mjs';
import { factsIn } from './accuracy/plan.mjs';
import { pool, precision, recall } from './accuracy/score.mjs';

const options = { seed: randomInt(2 ** 32), notebooks: 20, facts: 520 };
const words = process.argv.slice(2);
for (let at = 0; at < words.length; at += 2) {
	const name = words[at]?.replace(/^--/, '') ?? '';
	const value = Number(words[at + 1]);
	if (!(name in options) || !Number.isInteger(value) || value < 0) {
		process.stderr.write('npm run bench:accuracy -- [--seed N] [--notebooks N] [--facts N]\n');
		process.exit(2);
	}
	options[name] = value;
}

const say = (text) => process.stdout.write(`${text}\n`);
const folder = process.env['CELLAR_BENCH_KEEP'] ?? mkdtempSync(join(tmpdir(), 'cellar-accuracy-'));
say(`Linux ${release()}, seed ${options.seed}, ${options.notebooks} notebooks\n`);
const tallies = [];
const ways = new Set();
let [facts, missed] = [0, 0];
try {
	for await (const { plan, tally, misses, unknown } of measure({ ...options, folder })) {
		const count = factsIn(plan);
		facts += count;
		missed += misses.length;
		tallies.push(tally);
		for (const way of plan.ways) ways.add(way);
		say(`${plan.field} (seed ${plan.seed}): ${plan.sources.length} cells, ${count} facts, ${misses.length} misses`);
		for (const line of misses) say(`    ${line}`);
		for (const { path, reason } of unknown) say(`    unknown: ${path}: ${reason}`);
	}
} finally {
	if (process.env['CELLAR_BENCH_KEEP'] === undefined) rmSync(folder, { recursive: true, force: true });
}
say(`\n| kind | true | found | right | precision | recall |\n| --- | --- | --- | --- | --- | --- |`);
for (const [kind, one] of Object.entries(pool(tallies)))
	say(`| ${kind} | ${one.truth} | ${one.found} | ${one.right} | ${precision(one).toFixed(4)} | ${recall(one).toFixed(4)} |`);
say(`\n${facts} facts, ${ways.size} ways, ${missed} misses.`);
