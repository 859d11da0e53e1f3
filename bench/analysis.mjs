// What it takes to turn a long log into dependencies, beside what `gzip -dc` into `wc -l` takes on the same log, in turn, in
// one loop. The indices of packages are warm and nothing is hashed.
//
//     npm run bench:analysis                     5 million lines, 200,000 paths, five rounds
//     npm run bench:analysis -- --lines 500000 --paths 20000 --rounds 3
//     npm run bench:analysis -- --keep FOLDER    makes the log there, or takes it where it is there already
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makePaths, nonce, writeLog } from './made/log.mjs';
import { makeMachine } from './made/machine.mjs';

const { values } = parseArgs({
	options: {
		lines: { type: 'string', default: '5000000' },
		paths: { type: 'string', default: '200000' },
		rounds: { type: 'string', default: '5' },
		keep: { type: 'string' },
	},
});
const [lines, paths, rounds] = [values.lines, values.paths, values.rounds].map(Number);
const analyse = join(dirname(fileURLToPath(import.meta.url)), 'analyse.mjs');

/** Makes the machine, the paths and the log, unless they are there; what the analysis is told of them. */
async function prepare(folder) {
	const told = join(folder, 'told.json');
	if (existsSync(told)) return JSON.parse(readFileSync(told, 'utf8'));
	const machine = makeMachine(folder, { distributions: 300, packages: 1000, onDisk: true });
	const used = makePaths(folder, machine, paths);
	const log = join(folder, 'manager.strace.gz');
	const written = await writeLog(log, folder, machine, used, lines);
	const { dpkg, site } = machine;
	const cwd = join(folder, 'project');
	const all = { log, dpkg, site, cwd, home: folder, nonce, cells: 20, started: new Date().toISOString(), written };
	writeFileSync(told, JSON.stringify(all));
	return all;
}

function run(program, words) {
	const done = spawnSync(program, words, { encoding: 'utf8', maxBuffer: 1 << 28 });
	if (done.status !== 0) throw new Error(`${program} ended with ${done.status}:\n${done.stderr}`);
	return done.stdout;
}

/** Seconds on the wall, and those of the processor that the two programs used. */
function decompress(log) {
	const began = performance.now();
	const told = run('bash', ['-c', 'gzip -dc "$0" | wc -l; times', log]);
	const wall = (performance.now() - began) / 1000;
	// The last line of `times` is that of the children: user and system.
	const cpu = [
		...told
			.trim()
			.split('\n')
			.at(-1)
			.matchAll(/(\d+)m([\d.]+)s/g),
	].reduce((sum, [, m, s]) => sum + m * 60 + Number(s), 0);
	return { wall, cpu };
}

function ours(told) {
	const one = JSON.parse(run(process.execPath, [analyse, JSON.stringify(told)]));
	const sum = (clock) => Object.values(one.phases).reduce((all, phase) => all + phase[clock], 0);
	return { ...one, wall: sum('wall'), cpu: sum('cpu') };
}

function spread(numbers) {
	const sorted = numbers.toSorted((a, b) => a - b);
	const median = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
	return [median, sorted[0], sorted.at(-1)].map((one) => one.toFixed(2).padStart(6)).join(' | ');
}

const folder = values.keep === undefined ? mkdtempSync(join(tmpdir(), 'cellar-bench-')) : resolve(values.keep);
try {
	mkdirSync(folder, { recursive: true });
	const told = await prepare(folder);
	process.stdout.write(
		`Linux ${release()}, Node ${process.version}, ${cpus().length} CPUs, not pinned, ${rounds} rounds in turn, load before ${loadavg()[0].toFixed(2)}\n` +
			`${told.written} lines, ${(statSync(told.log).size / 1e6).toFixed(0)} MB compressed\n`,
	);
	// One round that does not count: the page cache is warm for both then.
	decompress(told.log);
	const first = ours(told);
	process.stdout.write(`${JSON.stringify(first.counts)}\n`);
	const others = [];
	const own = [];
	for (let round = 0; round < rounds; round++) {
		others.push(decompress(told.log));
		own.push(ours(told));
	}
	const row = (name, wall, cpu) =>
		process.stdout.write(`| ${name} | ${spread(wall)} | ${cpu === undefined ? ' | |' : spread(cpu)} |\n`);
	const both = (name, pick) => row(name, ...['wall', 'cpu'].map((clock) => pick(clock)));
	process.stdout.write(
		'\n| | wall s, median | min | max | CPU s, median | min | max |\n| --- | --- | --- | --- | --- | --- | --- |\n',
	);
	both('gzip -dc, wc -l', (clock) => others.map((one) => one[clock]));
	both('log to dependencies', (clock) => own.map((one) => one[clock]));
	for (const name of Object.keys(first.phases)) both(`… ${name}`, (clock) => own.map((one) => one.phases[name][clock]));
	both('ratio, by round', (clock) => own.map((one, round) => one[clock] / others[round][clock]));
	row(
		'peak memory, MB',
		own.map((one) => one.peak / 1e6),
	);
	process.stdout.write(`\nload after ${loadavg()[0].toFixed(2)}\n`);
} finally {
	if (values.keep === undefined) rmSync(folder, { recursive: true, force: true });
}
