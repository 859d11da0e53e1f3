// What it takes to merge the facts of many workers into one union with counts. Those of the workers are made one after another, as they
// would be read: paths as a Python environment has them, nine tenths of them every worker's.
//
//     npm run bench:merging                           1,000 workers with 20,000 different facts each
//     npm run bench:merging -- --workers 100 --facts 20000
import { cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { createUnion } from '../core/dist/audit/index.js';

const { values } = parseArgs({
	options: { workers: { type: 'string', default: '1000' }, facts: { type: 'string', default: '20000' } },
});
const [workers, facts] = [values.workers, values.facts].map(Number);
const shared = Math.floor((facts * 9) / 10);
const hows = ['read', 'read', 'read', 'list', 'stat', 'missing', 'execute', 'create'];

/** A new string each time, as it is where it was read from a table. */
const path = (owner, n) =>
	Buffer.from(`/home/user/project/.venv/lib/python3.11/site-packages/package_${n % 300}/${owner}/module_${n}.py`).toString(
		'latin1',
	);

function* factsOf(worker) {
	for (let n = 0; n < facts; n++)
		yield { path: path(n < shared ? 'all' : `worker_${worker}`, n), how: hows[n % hows.length], count: 1 + (n % 3) };
}

const clock = () => {
	const { user, system } = process.cpuUsage();
	return { wall: performance.now() / 1e3, cpu: (user + system) / 1e6 };
};
const since = ({ wall, cpu }) => ({ wall: clock().wall - wall, cpu: clock().cpu - cpu });

const before = loadavg()[0];
let began = clock();
let made = 0;
for (let worker = 0; worker < workers; worker++) for (const fact of factsOf(worker)) made += fact.path.length;
const making = since(began);

began = clock();
const union = createUnion();
for (let worker = 0; worker < workers; worker++) union.add(`w${worker + 1}`, factsOf(worker));
const merging = since(began);

began = clock();
let [ofAll, ofOne, uses] = [0, 0, 0];
for (const use of union.uses()) {
	if (use.workers === workers) ofAll++;
	if (use.workers === 1) ofOne++;
	uses += use.count;
}
const telling = since(began);

const row = (name, { wall, cpu }) => process.stdout.write(`| ${name} | ${wall.toFixed(1)} | ${cpu.toFixed(1)} |\n`);
process.stdout.write(
	`Linux ${release()}, Node ${process.version}, ${cpus().length} CPUs, not pinned, load before ${before.toFixed(2)}\n` +
		`${workers} workers, ${facts} facts each, ${shared} of them shared: ${union.size} different, ${ofAll} of all, ${ofOne} of one, ${uses} uses, ${(made / 1e9).toFixed(1)} GB of paths\n\n` +
		'| | wall s | CPU s |\n| --- | --- | --- |\n',
);
row('making the facts alone', making);
row('making and merging them', merging);
row('telling the union', telling);
process.stdout.write(
	`| peak memory, MB | ${(process.resourceUsage().maxRSS / 1e3).toFixed(0)} | |\n\nload after ${loadavg()[0].toFixed(2)}\n`,
);
