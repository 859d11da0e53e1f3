import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { draw } from '../model/canaries.ts';
import { clone, makePlace, pythonOf, type Environment, type Place, type RunsDocument, type Started } from './cellar.ts';
import { inlineNotebook } from './inline.ts';
import { processesOf, runFolder, tracerOf, untilGone, type Seen } from './processes.ts';
import { taskvine } from './taskvine.ts';

/** Printed, so that a failure can be had again: CELLAR_TEST_SEED=… repeats it. */
const seed = Number(process.env['CELLAR_TEST_SEED'] ?? randomInt(1 << 30));
const runs = Number(process.env['CELLAR_TEST_LIVES'] ?? 50);

const busy = 'def busy(n):\n    import time\n    time.sleep(0.2)\n    return n\n';

interface Life {
	readonly environment: Environment;
	/** What `cellar audit` is told beside the notebook. */
	readonly options?: readonly string[];
	readonly env?: Readonly<Record<string, string>>;
	/** Which distribution must be told afterwards. */
	readonly package: string;
	readonly cells: readonly string[];
}

/** Notebooks that are never done by themselves; none of them closes what it starts. */
const engines: Readonly<Record<string, Life>> = {
	pools: {
		environment: 'engines',
		package: 'joblib',
		cells: [
			`import multiprocessing, os\nfrom concurrent.futures import ProcessPoolExecutor\nfrom joblib import Parallel, delayed\n${busy}`,
			`pool = multiprocessing.get_context('spawn').Pool(2)\nexecutor = ProcessPoolExecutor(3)\nprint(list(executor.map(busy, range(3))), pool.map(abs, [-1]))`,
			`Parallel(2)(delayed(abs)(n) for n in range(4))\nopen('begun', 'w').close()\nwhile True: list(executor.map(busy, range(9)))`,
		],
	},
	'dask of the notebook': {
		environment: 'engines',
		package: 'distributed',
		cells: [
			`from distributed import Client, LocalCluster\n${busy}`,
			`cluster = LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=None)\nclient = Client(cluster)\nprint(client.gather(client.map(busy, range(3))))`,
			`open('begun', 'w').close()\nwhile True: client.gather(client.map(busy, range(9), pure=False))`,
		],
	},
	'dask of its own': {
		environment: 'engines',
		package: 'distributed',
		cells: [
			`import os, subprocess, sys\nfrom distributed import Client\n${busy}`,
			`
dask = [sys.executable, '-m', 'distributed.cli.dask_' + 'scheduler']
scheduler = subprocess.Popen([*dask, '--host', '127.0.0.1', '--port', '0', '--no-dashboard', '--scheduler-file', 'scheduler.json'])
dask[-1] = 'distributed.cli.dask_worker'
workers = [subprocess.Popen([*dask, '--scheduler-file', 'scheduler.json', '--no-dashboard', '--nthreads', '1']) for _ in range(2)]
while not os.path.exists('scheduler.json'): pass
client = Client(scheduler_file='scheduler.json')
print(client.gather(client.map(busy, range(3))))`,
			`open('begun', 'w').close()\nwhile True: client.gather(client.map(busy, range(9), pure=False))`,
		],
	},
	parsl: {
		environment: 'engines-parsl',
		package: 'parsl',
		cells: [
			`import parsl\nfrom parsl.config import Config\nfrom parsl.executors import HighThroughputExecutor\nfrom parsl.providers import LocalProvider`,
			`
provider = LocalProvider(init_blocks=1, min_blocks=1, max_blocks=1)
parsl.load(Config(executors=[HighThroughputExecutor(address='127.0.0.1', max_workers_per_node=3, cores_per_worker=0.1, provider=provider)], run_dir='runinfo'))
@parsl.python_app
def busy(n):
    import time
    time.sleep(0.2)
    return n
print([one.result() for one in [busy(n) for n in range(3)]])`,
			`open('begun', 'w').close()\nwhile True: [one.result() for one in [busy(n) for n in range(9)]]`,
		],
	},
	ipyparallel: {
		environment: 'engines-ipyparallel',
		package: 'ipyparallel',
		cells: [
			`import ipyparallel as ipp\n${busy}`,
			`cluster = ipp.Cluster(n=3)\nclient = cluster.start_and_connect_sync()\nview = client.load_balanced_view()\nprint(view.map_sync(busy, range(3)))`,
			`open('begun', 'w').close()\nwhile True: view.map_sync(busy, range(9))`,
		],
	},
	ray: {
		environment: 'engines-ray',
		package: 'ray',
		cells: [
			`import ray\n${busy}`,
			`
ray.init(num_cpus=3, include_dashboard=False, logging_level='error', object_store_memory=100_000_000)
remote = ray.remote(busy)
print(ray.get([remote.remote(n) for n in range(3)]))`,
			`open('begun', 'w').close()\nwhile True: ray.get([remote.remote(n) for n in range(9)])`,
		],
	},
	'dask of --engine': {
		environment: 'engines',
		options: ['--engine', 'dask', '--workers', '3'],
		package: 'distributed',
		cells: [
			`from distributed import Client, LocalCluster\n${busy}`,
			`
client = Client(LocalCluster(n_workers=0, dashboard_address=None))
client.wait_for_workers(3)
print(client.gather(client.map(busy, range(3))))`,
			`open('begun', 'w').close()\nwhile True: client.gather(client.map(busy, range(9), pure=False))`,
		],
	},
	'taskvine of --engine': {
		environment: 'engines',
		options: ['--engine', 'taskvine', '--workers', '3'],
		env: { CELLAR_TASKVINE: taskvine, PYTHONPATH: join(clone, 'tests/fixtures/taskvine') },
		package: 'cloudpickle',
		cells: [
			'import cloudpickle\nimport ndcctools.taskvine as vine',
			`
m = vine.Manager(port=0)
def go(count):
    for _ in range(count):
        t = vine.Task('sleep 0.2; date')
        t.set_cores(1)
        m.submit(t)
    done = []
    while not m.empty():
        t = m.wait(5)
        if t is not None: done.append(t.exit_code)
    return done
print(go(3))`,
			`open('begun', 'w').close()\nwhile True: go(9)`,
		],
	},
};

type Victim = 'the manager' | 'the scheduler' | 'a worker' | 'cellar' | 'cellar and its marker process';
const victims: readonly Victim[] = ['the manager', 'the scheduler', 'a worker', 'cellar', 'cellar and its marker process'];

/** Which processes are meant. Where an engine's scheduler is the manager itself, it is that one. */
function pidsOf(victim: Victim, started: Started, seen: readonly Seen[], pick: (from: number) => number): number[] {
	const traced = seen.filter((one) => one.pid !== started.pid);
	const marker = traced.filter((one) => one.words.trimEnd().endsWith(' marker'));
	const manager = traced.filter((one) => one.words.includes('ipykernel_launcher'));
	const scheduler = traced.filter((one) => /dask_scheduler|interchange|ipyparallel.controller|^\S*\/raylet /.test(one.words));
	// TaskVine's is Debian's, unpacked with libraries of its own.
	const isProgram = ({ words }: Seen) => /^\S*python\S* |^ray::|^\S*\/ld-linux\S* .*\/vine_worker /.test(words);
	const workers = traced.filter((one) => isProgram(one) && ![...manager, ...scheduler, ...marker].includes(one));
	switch (victim) {
		case 'the manager':
			return manager.map((one) => one.pid).slice(0, 1);
		case 'the scheduler':
			return [...scheduler, ...manager].map((one) => one.pid).slice(0, 1);
		case 'a worker':
			return workers.length === 0 ? [] : [workers[pick(workers.length)]!.pid];
		case 'cellar':
			return [started.pid];
		case 'cellar and its marker process':
			return [...marker.map((one) => one.pid), started.pid];
	}
}

/** Locks on files below a folder, by /proc/locks. */
function locksBelow(folder: string): string[] {
	const inodes = new Map(
		readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => [String(statSync(join(folder, name)).ino), name]),
	);
	const held = readFileSync('/proc/locks', 'utf8').matchAll(/[0-9a-f]+:[0-9a-f]+:(\d+) /g);
	return [...held].flatMap(([, inode]) => inodes.get(inode!) ?? []);
}

/** The sockets that listen on this machine, by their inodes, and the processes that hold them. */
function listenersOf(seen: readonly Seen[]): Map<string, Seen> {
	const found = new Map<string, Seen>();
	for (const one of seen) {
		try {
			for (const fd of readdirSync(`/proc/${one.pid}/fd`)) {
				const link = readlinkSync(`/proc/${one.pid}/fd/${fd}`);
				if (link.startsWith('socket:')) found.set(link.slice('socket:['.length, -1), one);
			}
		} catch {
			// It is ending.
		}
	}
	return found;
}

function listening(): Set<string> {
	const lines = ['tcp', 'tcp6'].flatMap((name) => readFileSync(`/proc/net/${name}`, 'utf8').split('\n').slice(1));
	return new Set(lines.flatMap((line) => (line.trim().split(/\s+/)[3] === '0A' ? [line.trim().split(/\s+/)[9]!] : [])));
}

/** Whether there were such processes and they got the signal. */
function isSent(signal: NodeJS.Signals, pids: readonly number[], victim: Victim): boolean {
	expect(pids, `no process is ${victim}`).not.toEqual([]);
	try {
		for (const pid of pids) process.kill(pid, signal);
		return true;
	} catch {
		return false;
	}
}

async function begun(place: Place, started: Started): Promise<void> {
	const over = started.ended.then(({ stderr }) => stderr);
	while (!readdirSync(place.folder).includes('begun')) {
		const early = await Promise.race([over, wait(50, null)]);
		if (early !== null) throw new Error(`the audit ended before its engine had begun:\n${early}`);
	}
}

const d = draw(seed);
for (let number = 1; number <= runs; number++) {
	const [engine, life] = d.one(Object.entries(engines));
	const victim = d.one(victims);
	const signal = d.number(3) === 0 && victim !== 'cellar and its marker process' ? 'SIGINT' : 'SIGKILL';
	const afterMs = d.number(4000);
	const pick = d.number(1 << 20);
	test(
		`life ${number} of seed ${seed}: ${engine}, ${signal} to ${victim} after ${afterMs} ms`,
		{ timeout: 300_000 },
		async () => {
			using place = makePlace();
			const notebook = inlineNotebook(place, 'life.ipynb', life.cells);
			const options = [...(life.options ?? []), '--timeout', '40', '--progress', 'plain'];
			const words = ['audit', notebook, '--python', pythonOf(life.environment), ...options];
			// Parsl and ipyparallel look for their own programs there, Cellar for TaskVine's.
			const path = `${dirname(pythonOf(life.environment))}:${join(taskvine, 'bin')}:${process.env['PATH'] ?? ''}`;
			const started = place.start(words, { env: { ...life.env, PATH: path } });
			await begun(place, started);
			await wait(afterMs);
			const directory = runFolder(place.home)!;
			const tracer = tracerOf(directory);
			let seen: Seen[];
			let sockets: Map<string, Seen>;
			// A worker that ends by itself meanwhile is none: engines have more of them than they need.
			do {
				seen = processesOf(place, tracer);
				sockets = listenersOf(seen);
			} while (
				!isSent(
					signal,
					pidsOf(victim, started, seen, (from) => pick % from),
					victim,
				)
			);
			// A run may go on without a worker, or without having heeded Ctrl-C: its cell then ends by its time limit.
			await started.ended;
			if (victim === 'cellar and its marker process') {
				await wait(10_000);
				const pruned = await place.cellar(['runs', 'prune', '--json', '--progress', 'plain']);
				expect(pruned.code, pruned.stderr).toBe(0);
			}
			expect((await untilGone(seen, place, tracer, 15_000)).map((one) => one.words)).toEqual([]);
			const left = listening();
			expect([...sockets].flatMap(([inode, one]) => (left.has(inode) ? [one.words] : []))).toEqual([]);
			expect(locksBelow(place.folder)).toEqual([]);

			const listed = (await place.cellar(['runs', '--json'])).json<RunsDocument>();
			expect(listed.runs).toMatchObject([{ cells: { total: 3 } }]);
			expect(listed.runs[0]!.cells.finished).toBeGreaterThanOrEqual(2);
			const deps = await place.cellar(['deps', '--json']);
			expect(deps.code, deps.stderr).toBe(0);
			const page = deps.json<{ software: { name: string }[] }>();
			expect(page.software.map(({ name }) => name)).toContain(life.package);
		},
	);
}
