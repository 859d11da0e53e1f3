import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { readRun, readTables } from '../../core/src/store/index.ts';
import { clone, pythonOf, type Environment, type Place, type Said } from './cellar.ts';
import type { EngineCell } from './clusters.ts';
import { raisedIn, writeFiles, type EngineRun } from './engines.ts';
import { inlineNotebook } from './inline.ts';

/** A cluster of this machine alone, on loopback: a controller, and nodes that each pose as two cores. */
export interface Cluster extends AsyncDisposable {
	/** What a user of it has in the environment: where its commands are, and its configuration. */
	readonly env: { readonly PATH: string; readonly SLURM_CONF: string };
	/** Runs one of its commands to its end; what it printed. Throws where it fails. */
	run(command: 'sbatch' | 'scancel' | 'squeue' | 'scontrol', ...words: readonly string[]): string;
	/** The jobs that are not over, by their states: `RUNNING`, `PENDING`, … */
	states(): string[];
	/** Cancels all jobs; resolves when none is left. */
	cancel(): Promise<void>;
}

const unpacked = join(clone, '.cache/slurm');
/** How long all of it may take to begin, the jobs to end when it is stopped, and a daemon after them; milliseconds. */
const beginMs = 20_000;
const jobsMs = 20_000;
const endMs = 5000;

interface SlurmOptions {
	readonly nodes: number;
	/** How many seconds jobs that are cancelled have between SIGTERM and SIGKILL. */
	readonly killWait?: number;
	/** What the first node does not see, the second, and so on: files and folders. Then each has a name and processes of its own, too. */
	readonly unseen?: readonly (readonly string[])[];
}

export async function startSlurm(o: SlurmOptions): Promise<Cluster> {
	if (!existsSync(join(unpacked, '.complete.json'))) throw new Error('Slurm is missing: npm run setup -- --full brings it');
	const folder = mkdtempSync(join(tmpdir(), 'cellar-slurm-'));
	const at = (name: string) => join(folder, name);
	const program = (name: string) => join(unpacked, 'bin', name);
	for (const name of ['munge', 'state', 'log', ...nodesOf(o.nodes).map((node) => `spool/${node}`)]) {
		mkdirSync(at(name), { recursive: true, mode: 0o755 });
	}
	writeFileSync(at('munge/key'), randomBytes(1024), { mode: 0o600 });
	writeFileSync(at('slurm.conf'), await configuration(folder, o));
	const env = { PATH: `${join(unpacked, 'bin')}:${process.env['PATH'] ?? ''}`, SLURM_CONF: at('slurm.conf') };
	const run = (command: string, ...words: readonly string[]): string => {
		const { status, stdout, stderr } = spawnSync(program(command), words, { env: { ...process.env, ...env }, encoding: 'utf8' });
		if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${stderr}`);
		return stdout.trim();
	};
	const daemons: ChildProcess[] = [];
	const start = (before: readonly string[], name: string, ...words: readonly string[]) => {
		const [first = '', ...rest] = [...before, program(name), ...words];
		// Only what a node's own daemon has: a job gets its environment from sbatch, or from here where that is to send none.
		const child = spawn(first, rest, {
			cwd: folder,
			env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...confOf(env) },
			stdio: 'ignore',
		});
		daemons.push(child);
	};
	const stop = async () => {
		for (const daemon of daemons.toReversed()) await ended(daemon);
		rmSync(folder, { recursive: true, force: true });
	};
	const paths = ['key', 'socket', 'pid', 'log', 'seed'].map((name) =>
		`--${name}-file=${at(`munge/${name}`)}`.replace('socket-file', 'socket'),
	);
	start([], 'munged', '--foreground', '--num-threads=2', '--force', ...paths);
	start([], 'slurmctld', '-D');
	for (const [at, node] of nodesOf(o.nodes).entries()) {
		start(hostThatLacks(o.unseen?.[at], node), 'slurmd', '-D', '-N', node, '-d', program('slurmstepd'));
	}
	const cluster: Cluster = {
		env,
		run,
		states: () => run('squeue', '--noheader', '--format=%T').split('\n').filter(Boolean),
		async cancel() {
			run('scancel', '--user', userInfo().username);
			if (!(await within(jobsMs, () => cluster.states().length === 0))) throw new Error('jobs go on that were cancelled');
		},
		async [Symbol.asyncDispose]() {
			try {
				await cluster.cancel();
			} finally {
				await stop();
			}
		},
	};
	const isUp = () => {
		try {
			return run('sinfo', '--noheader', '--format=%D', '--states=idle') === String(o.nodes);
		} catch {
			// Its controller does not listen yet.
			return false;
		}
	};
	if (await within(beginMs, isUp)) return cluster;
	const said = ['ctld.log', 'slurmd.n1.log'].map((name) =>
		existsSync(at(`log/${name}`)) ? readFileSync(at(`log/${name}`), 'utf8') : '',
	);
	await stop();
	throw new Error(`Slurm did not begin within ${beginMs / 1000} seconds:\n${said.join('\n')}`);
}

/** What a program is started by, so that it does not see some files. */
function hostThatLacks(unseen: readonly string[] | undefined, name: string): string[] {
	if (unseen === undefined) return [];
	return [
		...[
			'bwrap',
			'--unshare-pid',
			'--unshare-uts',
			'--hostname',
			name,
			'--die-with-parent',
			'--dev-bind',
			'/',
			'/',
			'--proc',
			'/proc',
		],
		// What is not a folder is there, and can be neither read as what it was nor executed.
		...unseen.flatMap((path) => (statSync(path).isDirectory() ? ['--tmpfs', path] : ['--ro-bind', '/dev/null', path])),
		'--',
	];
}

const confOf = ({ SLURM_CONF }: Cluster['env']) => ({ SLURM_CONF });
const nodesOf = (count: number) => Array.from({ length: count }, (_, at) => `n${at + 1}`);

/** Without systemd, control groups or accounts; what `slurmd` checks of the machine's cores is overridden. */
async function configuration(folder: string, { nodes, killWait = 10 }: { nodes: number; killWait?: number }): Promise<string> {
	const made = JSON.parse(readFileSync(join(unpacked, '.complete.json'), 'utf8')) as { plugins: string }; // our own set-up's
	const host = hostname().split('.')[0]!;
	const [controller = 0, ...ports] = await freePorts(nodes + 1);
	const user = userInfo().username;
	return `
ClusterName=stories
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${controller}
SlurmUser=${user}
SlurmdUser=${user}
AuthType=auth/munge
AuthInfo=socket=${folder}/munge/socket
CredType=cred/munge
PluginDir=${made.plugins}
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool/%n
SlurmctldPidFile=${folder}/ctld.pid
SlurmdPidFile=${folder}/slurmd.%n.pid
SlurmctldLogFile=${folder}/log/ctld.log
SlurmdLogFile=${folder}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
ReturnToService=2
SlurmdParameters=config_overrides
KillWait=${killWait}
${nodesOf(nodes)
	.map(
		(name, at) =>
			`NodeName=${name} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${ports[at]} CPUs=2 RealMemory=4000 State=UNKNOWN`,
	)
	.join('\n')}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`;
}

async function freePorts(count: number): Promise<number[]> {
	const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
	await Promise.all(servers.map((server) => new Promise((done) => server.once('listening', done))));
	const ports = servers.map((server) => (server.address() as { port: number }).port); // it listens on a port
	await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
	return ports;
}

async function ended(daemon: ChildProcess): Promise<void> {
	if (daemon.exitCode !== null || daemon.signalCode !== null) return;
	const end = new Promise((done) => daemon.once('exit', done));
	daemon.kill('SIGTERM');
	const late = setTimeout(() => daemon.kill('SIGKILL'), endMs);
	await end;
	clearTimeout(late);
}

async function within(ms: number, holds: () => boolean): Promise<boolean> {
	const began = performance.now();
	while (!holds()) {
		if (performance.now() - began > ms) return false;
		await sleep(100);
	}
	return true;
}

/** What a notebook begins with whose workers are jobs: Dask's, by dask-jobqueue. It passes a `python` of its own, as some do. */
export const jobqueue = `
import dask, sys
from distributed import Client
from dask_jobqueue import SLURMCluster
cluster = SLURMCluster(cores=1, processes=1, memory='500MB', walltime='00:05:00', interface='lo', log_directory='logs',
                       python=sys.executable, scheduler_options={'dashboard_address': None})
cluster.scale(jobs=WORKERS)
client = Client(cluster)`;

/** The same by Parsl, a worker a block. */
export const slurmProvider = (launcher: string): string => `
import os, parsl
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.launchers import ${launcher}
from parsl.providers import SlurmProvider
HERE = os.getcwd()
provider = SlurmProvider(init_blocks=WORKERS, max_blocks=WORKERS, exclusive=False, cores_per_node=1, walltime='00:05:00',
                         worker_init=f'export PYTHONPATH={HERE}', launcher=${launcher}())
executor = HighThroughputExecutor(label='htex', max_workers_per_node=1, cores_per_worker=1, address='127.0.0.1', provider=provider)
flow = parsl.load(Config(executors=[executor], strategy='none', retries=1))
@parsl.python_app
def task(engine, n):
    import work
    return work.task(engine, n)`;

export interface SlurmNotebook {
	readonly environment: Environment;
	readonly workers: number;
	readonly tasks: number;
	/** What the first cell does, and the last. */
	readonly first: string;
	readonly last: string;
	/** What `cellar audit` has in its environment, beside the cluster's. */
	readonly env?: Readonly<Record<string, string>>;
	/** The cells between. */
	readonly cells: readonly EngineCell[];
}

/** Writes a notebook whose workers are jobs of the cluster, and what its tasks read. */
export function slurmNotebook(place: Place, o: SlurmNotebook): { readonly notebook: string; readonly cells: EngineRun['cells'] } {
	const notebook = place.copy('engines/engines.ipynb');
	const folder = dirname(notebook);
	const cells = o.cells.map((cell, at) => ({ ...cell, cell: at + 2, tasks: cell.tasks ?? o.tasks }));
	writeFiles(folder, cells);
	const first = `import functools, work\nTASKS, WORKERS = ${o.tasks}, ${o.workers}${o.first}`;
	inlineNotebook({ folder }, 'engines.ipynb', [first, ...cells.map(({ source }) => source), o.last]);
	return { notebook, cells };
}

/** Audits it as it is. */
export async function auditOnSlurm(place: Place, slurm: Cluster, o: SlurmNotebook): Promise<EngineRun & { readonly said: Said }> {
	const { notebook, cells } = slurmNotebook(place, o);
	const python = pythonOf(o.environment);
	const env = { ...slurm.env, ...o.env, PATH: `${dirname(python)}:${slurm.env.PATH}` };
	const said = await place.cellar(['audit', notebook, '--python', python, '--json'], { env });
	expect(said.code, `${said.stderr}${raisedIn(said)}`).toBe(0);
	return { said, ...(await runOf(place, said, dirname(notebook), cells)) };
}

/** The run with what the workers have reported since. */
export async function runOf(place: Place, said: Said, folder: string, cells: EngineRun['cells']): Promise<EngineRun> {
	const deps = await place.cellar(['deps', '--json']);
	expect(deps.code, deps.stderr).toBe(0);
	const { directory } = said.json();
	const { workers, warnings } = await readRun(directory);
	return { document: { ...said.json(), workers, warnings }, tables: await readTables(directory), folder, cells };
}
