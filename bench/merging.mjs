// What it takes to tell a run of many workers. First their reports are merged alone: read, made one run's, joined and written as its table
// of accesses. Then all of it: they are merged, the run is judged and written, and `cellar deps --for workers` tells it; then the same is
// asked once more of what is on disk. The reports are copies of a real one under other names: files
// that one worker alone used get a name of their own in each copy, and paths are added until each has as many facts as are asked for, nine tenths of
// them every worker's.
//
//     npm run bench:merging                                    100 workers, as many facts each as the real one
//     npm run bench:merging -- --workers 1000 --facts 2000
//     npm run bench:merging -- --run FOLDER                    of a run of yours with workers that `cellar worker` started
//     npm run bench:merging -- --only-merge                    no more than the first of it
//     npm run bench:merging -- --heap 600                      MB that V8 may keep: without, it takes what there is
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { gatherWorkers } from '../core/dist/flows/workers/gather.js';
import { createSecrets } from '../core/dist/model/index.js';
import { readAccessColumns, readFactsWithoutAccesses } from '../core/dist/store/index.js';
import { readFacts, readTables, writeFacts, writeTables } from '../core/dist/store/tables/facts.js';

const { values } = parseArgs({
	options: {
		workers: { type: 'string', default: '100' },
		facts: { type: 'string', default: '0' },
		run: { type: 'string' },
		heap: { type: 'string' },
		'only-merge': { type: 'boolean', default: false },
		// Merges the reports of a run and keeps nothing of it: this is started by the bench itself.
		merge: { type: 'string' },
	},
});
const [workers, wanted] = [values.workers, values.facts].map(Number);
const clone = resolve(import.meta.dirname, '..');
const cellar = join(clone, 'cli/bin/cellar.js');
const place = mkdtempSync(join(tmpdir(), 'cellar-merging-'));

/** A run with one worker, which imports what workers of Dask do; its folder. */
async function realRun() {
	const env = { ...process.env, CELLAR_HOME: join(place, 'real') };
	const go = join(place, 'go');
	const audit = spawn('node', [cellar, 'audit', '--', 'sh', '-c', `until [ -e ${go} ]; do sleep 0.1; done`], {
		env,
		stdio: 'ignore',
	});
	const ended = new Promise((done) => audit.once('close', done));
	const runs = join(place, 'real/runs');
	const found = () => (existsSync(runs) ? readdirSync(runs).find((name) => !name.startsWith('.')) : undefined);
	while (found() === undefined) await sleep(50);
	const run = join(runs, found());
	const own = join(clone, '.cache/venv/engines/bin/python');
	const code =
		'import concurrent.futures, json, sqlite3, tempfile\ntry: import distributed\nexcept ImportError: pass\nopen(tempfile.mkstemp()[1], "w").write("x")';
	spawnSync('node', [cellar, 'worker', '--run', run, '--', existsSync(own) ? own : 'python3', '-c', code], { env });
	writeFileSync(go, '');
	await ended;
	return run;
}

/** Takes the workers out of a copy of a run, and gives the report with the most facts. */
async function withoutWorkers(run) {
	const tables = await readTables(run);
	const own = (one) => one.log === 'manager';
	const { facts } = tables;
	const kept = { ...facts, workers: [], tasks: facts.tasks.map((task) => ({ ...task, attempts: [] })) };
	for (const name of ['accesses', 'changes', 'processes', 'execs', 'network', 'names']) kept[name] = facts[name].filter(own);
	const reports = [];
	for (const log of readdirSync(join(run, 'workers'))) {
		const at = join(run, 'workers', log);
		reports.push({ facts: await readFacts(at), report: JSON.parse(readFileSync(join(at, 'worker.json'), 'utf8')) });
		rmSync(at, { recursive: true });
	}
	await writeTables(run, { ...tables, facts: kept });
	const document = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'));
	writeFileSync(join(run, 'run.json'), JSON.stringify({ ...document, workers: [] }));
	const [most] = reports.toSorted((a, b) => b.facts.accesses.length - a.facts.accesses.length);
	return { ...most, manager: kept.accesses.length };
}

const scratch = /^\/(tmp|var\/tmp|dev\/shm)\//;
const hows = ['read', 'read', 'read', 'list', 'stat', 'missing'];

/** One more worker's report. */
async function report(run, { facts, report: told }, number) {
	const log = `host${number}-${4000 + number}-${number.toString(16).padStart(8, '0')}`;
	const nameOf = (path) => (path !== null && scratch.test(path) ? `${path}-${number}` : path);
	const of = (one) => ({ ...one, log });
	const accesses = facts.accesses.map((one) => ({ ...one, log, path: nameOf(one.path) }));
	const base = accesses.find(({ how, task }) => how === 'read' && task === null);
	const own = Math.floor(wanted / 10);
	for (let n = 0; accesses.length < wanted - own; n++) {
		const path = `/opt/shared/lib/python3.11/site-packages/package_${n % 300}/module_${n}.py`;
		accesses.push({ ...base, path, how: hows[n % hows.length], first: 100_000 + n, last: 100_000 + n });
	}
	for (let n = 0; accesses.length < wanted; n++) {
		const path = `/tmp/dask-scratch-space/worker-${number}/storage/part_${n}`;
		accesses.push({ ...base, path, how: hows[n % hows.length], first: 200_000 + n, last: 200_000 + n });
	}
	const at = join(run, 'workers', log);
	mkdirSync(at);
	await writeFacts(at, {
		...facts,
		accesses,
		changes: facts.changes.map((one) => ({ ...one, log, from: nameOf(one.from), to: nameOf(one.to) })),
		processes: facts.processes.map((one) => ({ ...one, log, host: `host${number}` })),
		...{ execs: facts.execs.map(of), network: facts.network.map(of), names: facts.names.map(of) },
		tasks: facts.tasks.map((task) => ({
			...{ ...task, engineId: `${task.engineId}-${number}`, submitted: task.submitted && of(task.submitted) },
			attempts: task.attempts.map(of),
		})),
		handed: facts.handed.map((one) => ({ ...one, submitted: one.submitted && of(one.submitted) })),
	});
	const started = new Date(Date.parse(told.started) + number).toISOString();
	writeFileSync(join(at, 'worker.json'), JSON.stringify({ ...told, log, host: `host${number}`, started }));
	return accesses.length;
}

/** Seconds on the wall and of the processor, and the peak of memory in MB. */
function measured(words, env) {
	const python = `import resource,subprocess,sys,time
began=time.time(); code=subprocess.call(sys.argv[1:],stdout=subprocess.DEVNULL); used=resource.getrusage(resource.RUSAGE_CHILDREN)
print(code,time.time()-began,used.ru_utime+used.ru_stime,used.ru_maxrss/1e3)`;
	const done = spawnSync('python3', ['-c', python, ...words], { env, encoding: 'utf8' });
	const [code, wall, cpu, memory] = done.stdout.trim().split(' ').map(Number);
	if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}:\n${done.stderr}`);
	return { wall, cpu, memory };
}

/** As an audit does when its workers have ended. */
async function merge(directory) {
	const facts = await readFactsWithoutAccesses(directory);
	const before = { facts, accesses: () => readAccessColumns(directory), known: new Set(['manager']) };
	const gathered = await gatherWorkers({ directory, nonce: '', ...before, secrets: createSecrets([]), wait: false });
	try {
		if (gathered.told.written === null) throw new Error('nothing was merged');
		process.stdout.write(`${gathered.told.facts.accesses.length} uses to be judged\n`);
	} finally {
		await gathered[Symbol.asyncDispose]();
	}
}

if (values.merge !== undefined) {
	await merge(values.merge);
	process.exit();
}
try {
	const home = join(place, 'home');
	const real = values.run === undefined ? await realRun() : resolve(values.run);
	const run = join(home, 'runs', real.split('/').at(-1));
	cpSync(real, run, { recursive: true });
	const one = await withoutWorkers(run);
	let each = 0;
	for (let number = 1; number <= workers; number++) each = await report(run, one, number);

	const before = loadavg()[0];
	const heap = values.heap === undefined ? [] : [`--max-old-space-size=${values.heap}`];
	const words = ['node', ...heap, cellar, 'deps', 'latest', '--for', 'workers'];
	const env = { ...process.env, CELLAR_HOME: home };
	const merging = ['node', ...heap, join(clone, 'bench/merging.mjs'), '--merge', run];
	const rows = [{ name: 'reports merged', ...measured(merging, env) }];
	const all = one.manager + workers * each;
	if (!values['only-merge']) {
		rows.push({ name: 'reports merged, judged, written and told', ...measured(words, env) });
		rows.push({ name: 'told once more', ...measured(words, env) });
		let accesses = 0;
		for await (const some of readAccessColumns(run)) accesses += some.path.length;
		if (accesses !== all) throw new Error(`the run has ${accesses} accesses, and not every worker's`);
	}
	process.stdout.write(
		`Linux ${release()}, Node ${process.version}, ${cpus().length} CPUs, not pinned, load before ${before.toFixed(2)}\n` +
			`${workers} workers, ${each} facts each: ${all} in the run\n\n| | wall s | CPU s | peak MB |\n| --- | --- | --- | --- |\n`,
	);
	for (const { name, wall, cpu, memory } of rows)
		process.stdout.write(`| ${name} | ${wall.toFixed(1)} | ${cpu.toFixed(1)} | ${memory.toFixed(0)} |\n`);
	process.stdout.write(`\nload after ${loadavg()[0].toFixed(2)}\n`);
} finally {
	rmSync(place, { recursive: true, force: true });
}
