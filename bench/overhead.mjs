// What an audit adds to the wall time of a notebook, beside what ReproZip adds: the same notebook run unaudited, under Cellar
// and under ReproZip in turn, in one loop. CPU time is that of all processes that were started, tracers and orphans too.
//
//     npm run bench                             every workload, five rounds
//     npm run bench -- --rounds 3 pool          three rounds of one
//     npm run bench -- --ways unaudited,cellar  without the others
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const clone = join(dirname(fileURLToPath(import.meta.url)), '..');
const venv = (name) => join(clone, '.cache', 'venv', name, 'bin');
const pythonOf = (workload) => join(venv(workload.environment ?? 'image-convolution'), 'python');

/** A notebook, with the folder that it needs beside it, and the environment of its kernel. */
const workloads = [
	{ name: 'image-convolution', notebook: 'examples/image-convolution/image-convolution.ipynb', beside: ['data'] },
	example('climate-trend'),
	example('dimuon-spectrum'),
	{ name: 'imports', notebook: 'bench/notebooks/imports.ipynb', beside: [] },
	{ name: 'smallfiles', notebook: 'bench/notebooks/smallfiles.ipynb', beside: [] },
	{ name: 'pool', notebook: 'bench/notebooks/pool.ipynb', beside: [] },
	{ name: 'tasks', notebook: 'bench/notebooks/tasks.ipynb', beside: [] },
	// Its workers are started by Cellar, and unaudited beside the notebook: on a port that is chosen beforehand.
	{ ...example('taskvine-convolution'), workers: 5 },
];

/** Debian's TaskVine, and the stand-in for its Python package (tests/fixtures/taskvine). */
const taskvine = join(clone, '.cache', 'taskvine');
const vineEnvironment = (python) => ({
	CELLAR_TASKVINE: taskvine,
	PYTHONPATH: join(clone, 'tests', 'fixtures', 'taskvine'),
	PATH: `${join(taskvine, 'bin')}:${dirname(python)}:${process.env.PATH}`,
});

function example(name) {
	return { name, notebook: `examples/${name}/${name}.ipynb`, beside: ['data'], environment: name };
}

/** The ways to run it; each gets the notebook's path, an empty folder and the workload, and gives the words to start. */
const ways = [
	{ name: 'unaudited', words: (notebook, _, workload) => jupyter(notebook, workload) },
	{ name: 'cellar', words: (notebook, _, workload) => cellar(notebook, workload, []) },
	{ name: 'cellar --checks on', words: (notebook, _, workload) => cellar(notebook, workload, ['--checks', 'on']) },
	{
		name: 'ReproZip',
		words: (notebook, folder, workload) => [
			join(venv('reprozip'), 'reprozip'),
			'trace',
			'-d',
			join(folder, 'reprozip'),
			...jupyter(notebook, workload),
		],
	},
];

function jupyter(notebook, { workers, port }) {
	const words = [join(venv('kernel'), 'jupyter'), 'execute', '--kernel_name=bench', notebook];
	if (workers === undefined) return words;
	const worker = `vine_worker --single-shot --cores 1 127.0.0.1 ${port} >/dev/null 2>&1 &`;
	return [
		'sh',
		'-c',
		`${Array.from({ length: workers }, () => worker).join(' ')} "$@"; code=$?; wait; exit $code`,
		'sh',
		...words,
	];
}

function cellar(notebook, workload, options) {
	const python = pythonOf(workload);
	const started = workload.workers === undefined ? [] : ['--engine', 'taskvine', '--workers', String(workload.workers)];
	return [
		process.execPath,
		join(clone, 'cli', 'bin', 'cellar.js'),
		'audit',
		notebook,
		'--python',
		python,
		'--progress',
		'quiet',
		...started,
		...options,
	];
}

/** Seconds of wall and of CPU time of one run, in a folder of its own. */
function measure(workload, way) {
	const kernels = kernelsOf(workload);
	const folder = mkdtempSync(join(tmpdir(), 'cellar-bench-'));
	try {
		const from = join(clone, workload.notebook);
		const notebook = join(folder, basename(from));
		const text = readFileSync(from, 'utf8');
		writeFileSync(
			notebook,
			workload.port === undefined ? text : text.replace('Manager(port=0)', `Manager(port=${workload.port})`),
		);
		for (const name of workload.beside) cpSync(join(dirname(from), name), join(folder, name), { recursive: true });
		const told = join(folder, 'times.txt');
		const words = way.words(notebook, folder, workload);
		const done = spawnSync('python3', [join(clone, 'bench', 'cpu.py'), told, ...words], {
			cwd: folder,
			env: {
				...process.env,
				...(workload.workers === undefined ? {} : vineEnvironment(pythonOf(workload))),
				JUPYTER_PATH: kernels,
				CELLAR_HOME: join(folder, 'cellar'),
				REPROZIP_USAGE_STATS: 'off',
			},
			encoding: 'utf8',
			maxBuffer: 1 << 28,
		});
		if (done.status !== 0)
			throw new Error(`${way.name} of ${workload.name} ended with ${done.status}:\n${done.stderr.slice(-2000)}`);
		const [seconds, cpu, left] = readFileSync(told, 'utf8').split(' ').map(Number);
		if (left !== 0) process.stdout.write(`${workload.name}, ${way.name}: something was still running, and is not counted\n`);
		return { seconds, cpu };
	} finally {
		rmSync(folder, { recursive: true, force: true });
		rmSync(kernels, { recursive: true, force: true });
	}
}

/** A port of loopback that nobody has by now. */
function freePort() {
	return new Promise((done) => {
		const server = createServer().listen(0, '127.0.0.1', () => {
			const { port } = server.address();
			server.close(() => done(port));
		});
	});
}

/** A folder of kernelspecs with the one of the workload. */
function kernelsOf(workload) {
	const kernels = mkdtempSync(join(tmpdir(), 'cellar-bench-kernels-'));
	mkdirSync(join(kernels, 'kernels', 'bench'), { recursive: true });
	const argv = [pythonOf(workload), '-m', 'ipykernel_launcher', '-f', '{connection_file}'];
	const spec = { argv, display_name: 'bench', language: 'python' };
	writeFileSync(join(kernels, 'kernels', 'bench', 'kernel.json'), JSON.stringify(spec));
	return kernels;
}

function median(values) {
	const sorted = values.toSorted((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const cell = (text, width) => String(text).padStart(width);

function report(workload, runs) {
	const base = runs.get('unaudited');
	// Paired: what a round adds is over the unaudited run of the same round.
	const over = (own, unit) => median(own.map((run, round) => run[unit] / base[round][unit]));
	const added = (own) => median(own.map((run, round) => run.seconds - base[round].seconds));
	process.stdout.write(`\n${workload.name}\n`);
	process.stdout.write('| way | median s | min | max | added s | over unaudited | CPU s | over unaudited |\n');
	process.stdout.write('| --- | --- | --- | --- | --- | --- | --- | --- |\n');
	for (const [name, own] of runs) {
		const seconds = own.map((run) => run.seconds);
		const wall = [median(seconds), Math.min(...seconds), Math.max(...seconds), added(own), over(own, 'seconds')];
		const figures = [...wall, median(own.map((run) => run.cpu)), over(own, 'cpu')].map((value) => cell(value.toFixed(2), 6));
		process.stdout.write(`| ${name} | ${figures.join(' | ')} |\n`);
	}
	if (!runs.has('cellar') || !runs.has('ReproZip')) return;
	process.stdout.write(
		`Cellar adds ${(added(runs.get('cellar')) / added(runs.get('ReproZip'))).toFixed(2)} of what ReproZip adds.\n`,
	);
}

const words = process.argv.slice(2);
const option = (name, otherwise) => {
	const at = words.indexOf(name);
	return at < 0 ? otherwise : words.splice(at, 2)[1];
};
const rounds = Number(option('--rounds', '5'));
const wanted = option('--ways', ways.map((way) => way.name).join(',')).split(',');
const taken = ways.filter((way) => wanted.includes(way.name));
const asked = words.length === 0 ? workloads : workloads.filter((workload) => words.includes(workload.name));
if (asked.length === 0 || taken[0]?.name !== 'unaudited' || !Number.isInteger(rounds) || rounds < 1) {
	const names = workloads.map((workload) => workload.name).join('|');
	process.stderr.write(`npm run bench -- [--rounds N] [--ways unaudited,…] [${names}]…\n`);
	process.exit(2);
}

process.stdout.write(
	`Linux ${release()}, ${cpus().length} CPUs, not pinned, ${rounds} rounds in turn, load before ${loadavg()[0].toFixed(2)}\n`,
);
for (const wish of asked) {
	const workload = wish.workers === undefined ? wish : { ...wish, port: await freePort() };
	// One round that does not count: the page cache is warm for all of them then.
	for (const way of taken) measure(workload, way);
	const runs = new Map(taken.map((way) => [way.name, []]));
	for (let round = 0; round < rounds; round++) for (const way of taken) runs.get(way.name).push(measure(workload, way));
	report(workload, runs);
}
process.stdout.write(`\nload after ${loadavg()[0].toFixed(2)}\n`);
