// What an audit adds to the wall time of a notebook, beside what ReproZip adds: the same notebook run unaudited, under Cellar
// and under ReproZip in turn, in one loop.
//
//     npm run bench                      every workload, five rounds
//     npm run bench -- --rounds 3 pool   three rounds of one
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const clone = join(dirname(fileURLToPath(import.meta.url)), '..');
const venv = (name) => join(clone, '.cache', 'venv', name, 'bin');
const python = join(venv('image-convolution'), 'python');

/** A notebook, with the folder that it needs beside it. */
const workloads = [
	{ name: 'image-convolution', notebook: 'examples/image-convolution/image-convolution.ipynb', beside: ['data'] },
	{ name: 'imports', notebook: 'bench/notebooks/imports.ipynb', beside: [] },
	{ name: 'smallfiles', notebook: 'bench/notebooks/smallfiles.ipynb', beside: [] },
	{ name: 'pool', notebook: 'bench/notebooks/pool.ipynb', beside: [] },
];

/** The ways to run it; each gets the notebook's path and an empty folder, and gives the words to start. */
const ways = [
	{ name: 'unaudited', words: (notebook) => jupyter(notebook) },
	{ name: 'cellar', words: (notebook) => cellar(notebook, []) },
	{ name: 'cellar --checks on', words: (notebook) => cellar(notebook, ['--checks', 'on']) },
	{
		name: 'ReproZip',
		words: (notebook, folder) => [
			join(venv('reprozip'), 'reprozip'),
			'trace',
			'-d',
			join(folder, 'reprozip'),
			...jupyter(notebook),
		],
	},
];

function jupyter(notebook) {
	return [join(venv('kernel'), 'jupyter'), 'execute', '--kernel_name=bench', notebook];
}

function cellar(notebook, options) {
	return [
		process.execPath,
		join(clone, 'cli', 'bin', 'cellar.js'),
		'audit',
		notebook,
		'--python',
		python,
		'--progress',
		'quiet',
		...options,
	];
}

/** Seconds of wall time of one run, in a folder of its own. */
function measure(workload, way, kernels) {
	const folder = mkdtempSync(join(tmpdir(), 'cellar-bench-'));
	try {
		const from = join(clone, workload.notebook);
		const notebook = join(folder, basename(from));
		cpSync(from, notebook);
		for (const name of workload.beside) cpSync(join(dirname(from), name), join(folder, name), { recursive: true });
		const [program, ...words] = way.words(notebook, folder);
		const began = performance.now();
		const done = spawnSync(program, words, {
			cwd: folder,
			env: { ...process.env, JUPYTER_PATH: kernels, CELLAR_HOME: join(folder, 'cellar'), REPROZIP_USAGE_STATS: 'off' },
			encoding: 'utf8',
			maxBuffer: 1 << 28,
		});
		const seconds = (performance.now() - began) / 1000;
		if (done.status !== 0)
			throw new Error(`${way.name} of ${workload.name} ended with ${done.status}:\n${done.stderr.slice(-2000)}`);
		return seconds;
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

function median(values) {
	const sorted = values.toSorted((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const cell = (text, width) => String(text).padStart(width);

function report(workload, times) {
	const base = times.get('unaudited');
	process.stdout.write(`\n${workload.name}\n`);
	process.stdout.write(`| way | median s | min | max | added s | over unaudited |\n| --- | --- | --- | --- | --- | --- |\n`);
	for (const [name, seconds] of times) {
		// Paired: what a round adds is over the unaudited run of the same round.
		const added = median(seconds.map((value, round) => value - base[round]));
		const ratio = median(seconds.map((value, round) => value / base[round]));
		const figures = [median(seconds), Math.min(...seconds), Math.max(...seconds), added].map((value) =>
			cell(value.toFixed(2), 6),
		);
		process.stdout.write(`| ${name} | ${figures.join(' | ')} | ${ratio.toFixed(2)} |\n`);
	}
	const own = median(times.get('cellar').map((value, round) => value - base[round]));
	const other = median(times.get('ReproZip').map((value, round) => value - base[round]));
	process.stdout.write(`Cellar adds ${(own / other).toFixed(2)} of what ReproZip adds.\n`);
}

const words = process.argv.slice(2);
const at = words.indexOf('--rounds');
const rounds = at < 0 ? 5 : Number(words.splice(at, 2)[1]);
const asked = words.length === 0 ? workloads : workloads.filter((workload) => words.includes(workload.name));
if (asked.length === 0 || !Number.isInteger(rounds) || rounds < 1) {
	process.stderr.write(`npm run bench -- [--rounds N] [${workloads.map((workload) => workload.name).join('|')}]…\n`);
	process.exit(2);
}

const kernels = mkdtempSync(join(tmpdir(), 'cellar-bench-kernels-'));
mkdirSync(join(kernels, 'kernels', 'bench'), { recursive: true });
const spec = { argv: [python, '-m', 'ipykernel_launcher', '-f', '{connection_file}'], display_name: 'bench', language: 'python' };
writeFileSync(join(kernels, 'kernels', 'bench', 'kernel.json'), JSON.stringify(spec));
process.stdout.write(
	`Linux ${release()}, ${cpus().length} CPUs, not pinned, ${rounds} rounds in turn, load before ${loadavg()[0].toFixed(2)}\n`,
);
try {
	for (const workload of asked) {
		// One round that does not count: the page cache is warm for all of them then.
		for (const way of ways) measure(workload, way, kernels);
		const times = new Map(ways.map((way) => [way.name, []]));
		for (let round = 0; round < rounds; round++)
			for (const way of ways) times.get(way.name).push(measure(workload, way, kernels));
		report(workload, times);
	}
} finally {
	rmSync(kernels, { recursive: true, force: true });
}
process.stdout.write(`\nload after ${loadavg()[0].toFixed(2)}\n`);
