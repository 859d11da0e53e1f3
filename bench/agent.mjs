// What the agent costs a task where nothing traces it: the same tasks (abs of a number, one at a time) with the agent and without,
// in turn, in one loop. CPU time of the manager and all its workers, by getrusage; most of what is measured is the engine's own.
//
//     node bench/agent.mjs               seven rounds of each engine
//     node bench/agent.mjs --rounds 3    three
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const clone = join(dirname(fileURLToPath(import.meta.url)), '..');
const python = join(clone, '.cache', 'venv', 'engines', 'bin', 'python');
const launcher = join(clone, 'agent', 'launch.py');

/** How each engine is given `n` tasks; `start` is done before the clock starts. */
const engines = [
	{ name: 'Pool, fork', tasks: 20_000, start: 'pool = fork.Pool(2)', run: 'pool.map(abs, range(n), chunksize=1)' },
	{
		name: 'executor, fork',
		tasks: 5000,
		start: 'pool = ProcessPoolExecutor(2, mp_context=fork)',
		run: 'list(pool.map(abs, range(n)))',
	},
	{ name: 'threads', tasks: 20_000, start: 'pool = ThreadPoolExecutor(2)', run: 'list(pool.map(abs, range(n)))' },
	{
		name: 'joblib, loky',
		tasks: 3000,
		start: 'from joblib import Parallel, delayed',
		run: 'Parallel(2, batch_size=1)(delayed(abs)(k) for k in range(n))',
	},
];

const program = ({ start, run }) => `
import multiprocessing, resource, sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
fork = multiprocessing.get_context('fork')
${start}
def work(n): ${run}
work(int(sys.argv[1]))
# The workers' time counts when they have been waited for.
if 'pool' in globals(): getattr(pool, 'close', getattr(pool, 'shutdown', None))(); getattr(pool, 'join', int)()
else:
    from joblib.externals.loky import get_reusable_executor
    get_reusable_executor().shutdown(wait=True)
spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(sum(one.ru_utime + one.ru_stime for one in spent))
`;

/** Seconds of CPU of one run. */
function measure(folder, tasks, marked) {
	const words = [...(marked ? [launcher, 'n0nce'] : []), '-m', 'work', String(tasks)];
	const { status, stdout, stderr } = spawnSync(python, words, { cwd: folder, encoding: 'utf8' });
	if (status !== 0) throw new Error(stderr);
	return Number(stdout);
}

const at = process.argv.indexOf('--rounds');
const rounds = at < 0 ? 7 : Number(process.argv[at + 1]);
const sorted = (values) => values.toSorted((a, b) => a - b);
const median = (values) => sorted(values)[Math.floor(values.length / 2)];

process.stdout.write(`${cpus().length} CPUs, load ${loadavg()[0].toFixed(1)}, ${rounds} rounds; microseconds of CPU a task\n\n`);
process.stdout.write(
	'| engine | tasks | without | with the agent | it adds: median | min | max |\n| --- | --- | --- | --- | --- | --- | --- |\n',
);
for (const engine of engines) {
	const folder = mkdtempSync(join(tmpdir(), 'cellar-bench-'));
	try {
		writeFileSync(join(folder, 'work.py'), program(engine));
		const pairs = Array.from({ length: rounds }, (_, round) => {
			// What comes first in a pair changes from round to round. Of each way what its start costs is taken off.
			const ways = round % 2 === 0 ? [false, true] : [true, false];
			const found = new Map(ways.map((marked) => [marked, measure(folder, engine.tasks, marked) - measure(folder, 1, marked)]));
			return [false, true].map((marked) => (found.get(marked) / engine.tasks) * 1e6);
		});
		const added = sorted(pairs.map(([plain, marked]) => marked - plain));
		const cells = [
			median(pairs.map(([plain]) => plain)),
			median(pairs.map(([, marked]) => marked)),
			median(added),
			added[0],
			added.at(-1),
		];
		process.stdout.write(`| ${engine.name} | ${engine.tasks} | ${cells.map((value) => value.toFixed(1)).join(' | ')} |\n`);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}
