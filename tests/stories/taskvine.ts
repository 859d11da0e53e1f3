import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { Access, TaskFact } from '../../core/src/model/index.ts';
import { readRun, readTables, type Tables } from '../../core/src/store/index.ts';
import { clone, pythonOf, type AuditDocument, type Place } from './cellar.ts';
import { processesIn, runUnderWay, startBeside, until, type Beside } from './external.ts';
import { inlineNotebook } from './inline.ts';

/** TaskVine's kinds of tasks: how one is made that does what `taskvine/work.py` does, and how its result is read. */
const kinds = {
	command: {
		name: 'cat',
		make: `
    reads = 'cat child.txt; ' if n % 10 == 0 else ''
    command = f'(cat data.txt; {reads}sleep {PAUSE if n % 10 == 1 else 0}) > out.txt; echo $$'
    t = vine.Task('exec python3 work.py ' + str(n) if n % 10 in (3, 5) else command)
    t.add_output(m.declare_file(f'out/{n}.txt'), 'out.txt')`,
		result: 'json.loads(t.output) if t.output.startswith("{") else {"pid": int(t.output)}',
	},
	python: { name: 'task', make: `t = vine.PythonTask(work.task, n, PAUSE if n % 10 == 1 else 0)`, result: 't.output' },
	fork: { name: 'task', make: `t = vine.FunctionCall('library', 'task', n, PAUSE if n % 10 == 1 else 0)`, result: 't.output' },
	direct: { name: 'task', make: `t = vine.FunctionCall('library', 'task', n, PAUSE if n % 10 == 1 else 0)`, result: 't.output' },
	// Its file is what a mini-task makes of the manager's.
	mini: {
		name: 'cat',
		make: `t = vine.Task(f'cat data.txt; sleep {PAUSE if n % 10 == 1 else 0}; echo $$')`,
		result: '{"pid": int(t.output.split()[-1])}',
	},
} as const;
export type Kind = keyof typeof kinds;

export interface VineRun {
	readonly document: AuditDocument;
	readonly tables: Tables;
	readonly folder: string;
	readonly kind: Kind;
	readonly tasks: number;
}

export const taskvine = join(clone, '.cache/taskvine');

/** Which of a task's files it reads in which way, by the name that it sees. */
function filesOf(kind: Kind, n: number): string[] {
	if (kind === 'mini') return ['data'];
	const extra = n % 20 === 7 && kind !== 'command' ? ['extra'] : [];
	return ['data', ...(n % 10 === 0 ? ['child'] : n % 10 === 3 ? ['thread'] : n % 10 === 5 ? ['library'] : []), ...extra];
}

const original = (name: string, n: number) => `data/${name}-${n}.${name === 'extra' ? 'py' : 'txt'}`;
const seen = (name: string, n: number) => (name === 'extra' ? `extra_${n}.py` : `${name}.txt`);

/** Audits a notebook that starts TaskVine workers itself and gives them tasks of one kind, each with files of its own. */
export async function auditTaskVine(
	place: Place,
	o: {
		readonly kind: Kind;
		readonly tasks: number;
		readonly workers: number;
		/** A worker is killed when half of the results are there, with its transfers, as a batch system would; its task goes on. */
		readonly kill?: boolean;
		/** The workers come from a factory. */
		readonly factory?: boolean;
		/** The workers have logs of their own: Cellar starts them, or a factory beside the notebook does, each by `cellar worker` or a bundle. */
		readonly apart?: 'engine' | 'factory' | 'bundle';
	},
): Promise<VineRun> {
	const { folder } = place;
	const { make, result } = kinds[o.kind];
	for (const name of ['data', 'out']) mkdirSync(join(folder, name));
	copyFileSync(join(import.meta.dirname, 'taskvine/work.py'), join(folder, 'work.py'));
	for (let n = 0; n < o.tasks; n++) {
		for (const name of filesOf(o.kind, n)) writeFileSync(join(folder, original(name, n)), name === 'extra' ? '' : `${n}\n`);
	}
	const files = Array.from({ length: o.tasks }, (_, n) => filesOf(o.kind, n).map((name) => [original(name, n), seen(name, n)]));
	const notebook = inlineNotebook(place, 'vine.ipynb', [
		`
import cloudpickle, glob, json, os, re, signal, subprocess, sys, time
import ndcctools.taskvine as vine, work
cloudpickle.register_pickle_by_value(work)
PAUSE, FILES = ${o.kill === true ? 1 : 0}, ${JSON.stringify(files)}
m = vine.Manager(port=0)
with open('port.new', 'w') as file: file.write(str(m.port))
os.rename('port.new', 'port')
${o.apart !== undefined ? '' : o.factory === true ? factory(o.workers) : processes(o.workers)}
${o.kind === 'fork' || o.kind === 'direct' ? library(o.kind) : ''}`,
		`
for n in range(${o.tasks}):
    ${make.trim()}
    t.set_cores(1)
    t.set_tag(str(n))
    for path, name in FILES[n]:
        file = m.declare_file(path)
        if ${o.kind === 'mini' ? 'True' : 'False'}:
            mini = vine.Task('cat given > made')
            mini.add_input(file, 'given')
            file = m.declare_minitask(mini, 'made')
        t.add_input(file, name)
    ${o.kind === 'command' ? "t.add_input(m.declare_file('work.py', cache=True), 'work.py')" : ''}
    m.submit(t)`,
		`
def running():
    found = set()
    for place in glob.glob('/proc/[0-9]*/cwd'):
        try: folder = os.readlink(place)
        except OSError: continue
        if folder.startswith(os.getcwd() + '/worker-') and re.search(r'/(task|func)[.][0-9]+$', folder): found.add(folder)
    return found
def kill():
    before = running()
    time.sleep(0.1)
    for folder in before & running():
        os.killpg(workers[int(re.search(r'/worker-([0-9]+)/', folder)[1])].pid, signal.SIGKILL)
        return True
    return False
truth, killed = [], ${o.kill === true ? 'False' : 'True'}
while not m.empty():
    t = m.wait(5)
    if t is None: continue
    assert t.successful(), (t.id, t.exit_code, t.std_output)
    truth.append({'n': int(t.tag), 'id': t.id, **(${result})})
    killed = killed or (len(truth) >= ${Math.floor(o.tasks / 2)} and kill())
with open('truth.json', 'w') as file: json.dump({'port': m.port, 'tasks': truth}, file)`,
		o.apart !== undefined ? 'm.close()' : o.factory === true ? 'started.__exit__(None); m.close()' : end,
	]);
	const started = o.apart === 'engine' ? ['--engine', 'taskvine', '--workers', String(o.workers)] : [];
	const isBeside = o.apart === 'factory' || o.apart === 'bundle';
	const beside = isBeside ? () => startFactory(place, o.workers, o.apart === 'bundle') : null;
	return { ...(await auditVine(place, notebook, started, beside)), kind: o.kind, tasks: o.tasks };
}

/** @param beside starts workers that are not the notebook's; it is ended with it */
export async function auditVine(
	place: Place,
	notebook: string,
	options: readonly string[] = [],
	beside: (() => Promise<Beside>) | null = null,
): Promise<Omit<VineRun, 'kind' | 'tasks'>> {
	const started = place.start(['audit', notebook, '--python', pythonOf('engines'), '--json', ...options], {
		env: {
			CELLAR_TASKVINE: taskvine,
			PYTHONPATH: join(clone, 'tests/fixtures/taskvine'),
			PATH: vinePath(),
		},
	});
	{
		await using _workers = beside === null ? null : await beside();
		await started.ended;
	}
	const said = await started.ended;
	expect(said.code, said.stderr).toBe(0);
	if (beside !== null) {
		// A factory ends them in its own time. Whoever opens the run has what they have reported since.
		await until(() => processesIn(place.folder).length === 0);
		const deps = await place.cellar(['deps', '--json']);
		expect(deps.code, deps.stderr).toBe(0);
	}
	const { workers, warnings } = await readRun(said.json().directory);
	const document = { ...said.json(), workers, warnings };
	return { document, tables: await readTables(document.directory), folder: place.folder };
}

/** A real factory beside the notebook, for the run that is under way: each of its workers is started by `cellar worker`, or by a bundle. */
async function startFactory(place: Place, count: number, byBundle: boolean): Promise<Beside> {
	const run = await runUnderWay(place);
	await until(() => existsSync(join(place.folder, 'port')));
	const port = readFileSync(join(place.folder, 'port'), 'utf8');
	const bundle = join(place.folder, 'bundle');
	if (byBundle) expect((await place.cellar(['worker', 'bundle', '-o', bundle, '--run', run])).code).toBe(0);
	const cellar = `${process.execPath} ${join(clone, 'cli/bin/cellar.js')} worker --run ${run} --`;
	const wrapper = byBundle ? `${bundle}/cellar-worker --` : cellar;
	const limits = ['-w', String(count), '-W', String(count), '--cores', '1', '--memory', '100', '--disk', '100'];
	const factory = [join(taskvine, 'bin/vine_factory'), '-T', 'local', ...limits, '-S', 'scratch', '--wrapper', wrapper];
	return startBeside(['env', `PATH=${vinePath()}`, `CELLAR_HOME=${place.home}`, ...factory, 'localhost', port], place.folder);
}

const vinePath = () => `${join(taskvine, 'bin')}:${dirname(pythonOf('engines'))}:${process.env['PATH']}`;

/** A worker beside the notebook, by `cellar worker`, which works for whoever listens on the port that the notebook writes into `port`. */
export async function startWorker(place: Place): Promise<Beside> {
	const run = await runUnderWay(place);
	await until(() => existsSync(join(place.folder, 'port')));
	const port = readFileSync(join(place.folder, 'port'), 'utf8');
	const worker = ['vine_worker', '127.0.0.1', port, '--cores', '1', '--memory', '100', '--disk', '100', '-t', '60'];
	const cellar = [process.execPath, join(clone, 'cli/bin/cellar.js'), 'worker', '--run', run, '--'];
	return startBeside(['env', `PATH=${vinePath()}`, `CELLAR_HOME=${place.home}`, ...cellar, ...worker], place.folder);
}

/** Audits cells between that which starts a manager `m` and some workers, and that which ends them. */
export function auditCells(place: Place, workers: number, cells: readonly string[]): Promise<Omit<VineRun, 'kind' | 'tasks'>> {
	const first = `
import os, signal, subprocess, sys
import ndcctools.taskvine as vine
m = vine.Manager(port=0)
def done():
    while not m.empty():
        t = m.wait(5)
        assert t is None or t.successful(), (t.id, t.exit_code, t.std_output)
${processes(workers)}`;
	return auditVine(place, inlineNotebook(place, 'vine.ipynb', [first, ...cells, end]));
}

const processes = (count: number) => `
program = os.path.join(os.environ['CELLAR_TASKVINE'], 'bin/vine_worker')
words = ['--cores', '1', '--memory', '100', '--disk', '100', '-t', '60']
path = os.path.dirname(sys.executable) + os.pathsep + os.environ['PATH']
def start(n):
    os.mkdir(f'worker-{n}')
    with open(f'worker-{n}.log', 'wb') as log:
        command = [program, '127.0.0.1', str(m.port), *words, '-s', f'worker-{n}']
        return subprocess.Popen(command, env={**os.environ, 'PATH': path}, stdout=log, stderr=log, start_new_session=True)
workers = [start(n) for n in range(${count})]`;

const factory = (count: number) => `
made = vine.Factory('local', manager=m)
made.min_workers = made.max_workers = ${count}
made.memory = made.disk = 100
started = made.__enter__()`;

const library = (mode: string) => `
library = m.create_library_from_functions('library', work.task, exec_mode='${mode}')
library.set_cores(1)
library.set_function_slots(1)
m.install_library(library)`;

/**
 * A worker that is told to end may wait for its library for ever. Killed alone, it leaves its transfers behind, of which the run
 * then rightly says that they were still running; its library is of its session too, though of another group.
 */
const end = `
def kill(session):
    for pid in map(int, filter(str.isdigit, os.listdir('/proc'))):
        try:
            if os.getsid(pid) == session: os.kill(pid, signal.SIGKILL)
        except ProcessLookupError: pass
m.close()
for worker in workers: worker.terminate()
for worker in workers:
    try: worker.wait(5)
    except subprocess.TimeoutExpired:
        kill(worker.pid)
        worker.wait()`;

interface Told {
	readonly port: number;
	readonly tasks: readonly { readonly n: number; readonly id: number; readonly pid: number }[];
}

/**
 * Holds what was attributed against what the tasks and the manager said.
 *
 * @returns one line for each access that is in a wrong task, is in none, or has not the manager's name
 */
export function faultsOf({ tables: { facts }, folder, kind, tasks }: VineRun): string[] {
	const faults: string[] = [];
	const truth = JSON.parse(readFileSync(join(folder, 'truth.json'), 'utf8')) as Told; // our own notebook's
	if (new Set(truth.tasks.map(({ n }) => n)).size !== tasks) faults.push(`${truth.tasks.length} of ${tasks} tasks came back`);
	const byEngine = new Map(facts.tasks.map((task) => [task.engineId, task]));
	const byPath = new Map<string, Access[]>();
	for (const access of facts.accesses) {
		if (access.worker !== null) byPath.set(access.path, [...(byPath.get(access.path) ?? []), access]);
	}
	const names = new Set(facts.names.map(({ task, path, as }) => `${task} ${path} ${as}`));
	for (const { n, id, pid } of truth.tasks) {
		const fact = byEngine.get(`taskvine.${truth.port}.${id}`);
		if (fact === undefined) {
			faults.push(`${n}: no task ${id}`);
			continue;
		}
		const counted = fact.attempts.find((attempt) => attempt.counted);
		const own = new Set(fact.attempts.map(({ attempt }) => attempt));
		const isHis = facts.processes.some(
			(one) => one.pid === pid && (one.ordinal === counted?.process || one.task === counted?.attempt),
		);
		if (!isHis) faults.push(`${n}: process ${pid} is not of attempt ${counted?.attempt}`);
		const name = kind === 'command' && (n % 10 === 3 || n % 10 === 5) ? 'python3' : kinds[kind].name;
		if (fact.submitted?.cell !== 2 || fact.function !== name) faults.push(JSON.stringify(fact));
		for (const name of filesOf(kind, n)) {
			const path = join(folder, original(name, n));
			const reads = (byPath.get(path) ?? []).filter(({ how }) => how === 'read');
			const mini = reads.filter(({ task }) => isMini(task, facts.tasks));
			const others = reads.filter(({ task }) => !isMini(task, facts.tasks));
			if (others.filter(({ task }) => task === counted?.attempt).length !== 1)
				faults.push(`${path}: ${others.length} reads, not by ${counted?.attempt}`);
			for (const { task, cell } of others) {
				if (task === null || !own.has(task)) faults.push(`${path} is of task ${task}, not of ${counted?.attempt}`);
				if (cell !== 2) faults.push(`${path} is of cell ${cell}`);
			}
			if (kind === 'mini' && mini.length === 0) faults.push(`${path}: not read by a mini-task`);
			if (!names.has(`${counted?.attempt} ${path} ${seen(name, n)}`)) faults.push(`${path}: its name in the task is not told`);
		}
		const out = (byPath.get(join(folder, `out/${n}.txt`)) ?? []).filter(({ how }) => how === 'truncate');
		if (kind === 'command' && !out.some(({ task }) => task === counted?.attempt)) faults.push(`out/${n}.txt is not of its task`);
	}
	return [...faults, ...lost(facts)];
}

function isMini(task: string | null, tasks: readonly TaskFact[]): boolean {
	return task !== null && tasks[Number.parseInt(task, 10) - 1]?.engineId.includes('.mini.') === true;
}

/** Files of ours that a task still has under the engine's name for them. */
function lost(facts: Tables['facts']): string[] {
	const own = /\/(?:task|func|mini)\.\d+\/((data|child|thread|library|given)\.txt|extra_\d+\.py|given)$/;
	return facts.accesses.flatMap(({ path, how, task }) => (how === 'read' && own.test(path) ? [`${path} of task ${task}`] : []));
}
