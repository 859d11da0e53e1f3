import { join } from 'node:path';
import { expect, test } from 'vitest';
import { accessesOf } from '../../core/src/audit/index.ts';
import { notebook, type Notebook } from './cells.ts';
import { follow } from './logs.ts';

const make = (file: string) => `open('${file}', 'x').close()`;

/** Files that the workers of a pool made, by the number in their names, with who made each. */
function byPool(run: Notebook, prefix: string, count: number): readonly string[] {
	return Array.from({ length: count }, (_, k) => run.scopes(`${prefix}-${k}`)).flat();
}

/** Which workers there were, in order: `w1 fork`. */
const workersOf = ({ facts }: Notebook) => facts.workers.map(({ worker, engine }) => `${worker} ${engine}`);

const pools = [
	['fork', 'fork'],
	['spawn', 'multiprocessing.spawn'],
	['forkserver', 'multiprocessing.forkserver'],
] as const;

test.each(pools)('each process of a pool by %s is a worker, with the cell in which it was born', async (method, engine) => {
	const run = await notebook([
		`
import multiprocessing, os, pooled
pool = multiprocessing.get_context('${method}').Pool(3)
said = pool.map(pooled.touch, [f'a-{k}' for k in range(12)], chunksize=1)
`,
		`said += pool.map(pooled.touch, [f'b-{k}' for k in range(12)], chunksize=1)`,
		`${make('by-main')}; pool.map(pooled.touch_by_child, ['child']); pool.close(); pool.join()`,
		`
with open('pids', 'w') as file: file.write(' '.join(map(str, sorted(set(said)))))
`,
	]);
	expect(workersOf(run)).toEqual([`w1 ${engine}`, `w2 ${engine}`, `w3 ${engine}`]);
	// Workers keep the cell that made them, also while another asks for work.
	for (const line of byPool(run, 'a', 12)) expect(line).toMatch(new RegExp(`^create, cell 1, w[123] ${engine}$`));
	for (const line of byPool(run, 'b', 12)) expect(line).toMatch(new RegExp(`^create, cell 1, w[123] ${engine}, during 2$`));
	expect(run.scopes('child')).toEqual([expect.stringMatching(new RegExp(`^write, cell 1, w[123] ${engine}, during 3$`))]);
	expect(run.scopes('by-main')).toEqual(['create, cell 3']);
	// The file of pids that they told is written by the kernel itself.
	expect(run.scopes('pids')).toEqual(['truncate, cell 4']);
	// multiprocessing's own helpers, the fork server and the tracker of resources, are none.
	expect(run.facts.doubts).toEqual([]);
	const ids = run.facts.workers.map(({ process }) => process);
	expect(new Set(ids).size).toBe(3);
	for (const fact of run.facts.processes.filter(({ ordinal }) => ids.includes(ordinal))) {
		expect(fact).toMatchObject({ kind: 'process', cell: 1 });
		expect(fact.worker).toBe(run.facts.workers.find(({ process }) => process === fact.ordinal)?.worker);
		expect(fact.inheritsFrom === null).toBe(engine === 'multiprocessing.spawn');
	}
});

test('a fork server makes workers for every cell that asks: each belongs to the one that did', async () => {
	const run = await notebook([
		`
import multiprocessing, pooled
context = multiprocessing.get_context('forkserver')
def one(name):
	process = context.Process(target=pooled.touch, args=(name,))
	process.start(); process.join()
one('a-0')
`,
		`one('a-1')`,
		`one('a-2')`,
	]);
	expect(byPool(run, 'a', 3)).toEqual([
		'create, cell 1, w1 multiprocessing.forkserver',
		'create, cell 2, w2 multiprocessing.forkserver',
		'create, cell 3, w3 multiprocessing.forkserver',
	]);
});

test.each(pools)('the processes of a ProcessPoolExecutor by %s are workers', async (method, engine) => {
	const run = await notebook([
		`
import multiprocessing, pooled
from concurrent.futures import ProcessPoolExecutor
pool = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('${method}'))
list(pool.map(pooled.touch, [f'a-{k}' for k in range(6)]))
`,
		`list(pool.map(pooled.touch, [f'b-{k}' for k in range(6)])); pool.shutdown()`,
	]);
	expect(workersOf(run)).toEqual([`w1 ${engine}`, `w2 ${engine}`]);
	for (const line of byPool(run, 'a', 6)) expect(line).toMatch(new RegExp(`^create, cell 1, w[12] ${engine}$`));
	for (const line of byPool(run, 'b', 6)) expect(line).toMatch(new RegExp(`^create, cell 1, w[12] ${engine}, during 2$`));
});

test("joblib's processes are loky's workers, and its tracker of resources is none", async () => {
	const run = await notebook([
		`
import joblib, pooled
joblib.Parallel(n_jobs=2, batch_size=1)(joblib.delayed(pooled.touch)(f'a-{k}') for k in range(6))
`,
	]);
	expect(workersOf(run)).toEqual(['w1 loky', 'w2 loky']);
	for (const line of byPool(run, 'a', 6)) expect(line).toMatch(/^create, cell 1, w[12] loky$/);
});

test('what a fork had from its maker is what that used until then, and no more', async () => {
	const run = await notebook(
		[
			`open('pooled.py').close()`,
			`
import os
read, write = os.pipe()
pid = os.fork()
if pid == 0:
	os.read(read, 1)
	${make('own')}
	grandchild = os.fork()
	if grandchild == 0:
		${make('of-grandchild')}
		os._exit(0)
	os.waitpid(grandchild, 0)
	os.execvp('true', ['true']) if os.fork() == 0 else os.wait()
	os._exit(0)
`,
			`${make('after')}; os.write(write, b'x'); os.waitpid(pid, 0)`,
		],
		{},
	);
	expect(workersOf(run)).toEqual(['w1 fork']);
	const needed = accessesOf(run.facts, 'w1').map(({ path, process }) => `${process} ${path}`);
	const worker = run.facts.workers[0]!.process;
	expect(needed).toContain(`${worker} ${join(run.run, 'own')}`);
	expect(needed.some((line) => line.endsWith('/of-grandchild'))).toBe(true);
	// Inherited: what the kernel read in the first cell, and its own start; not what it did after the fork.
	expect(needed).toContain(`1 ${join(run.run, 'pooled.py')}`);
	expect(needed.some((line) => line.endsWith('/kernel.py'))).toBe(true);
	expect(needed.some((line) => line.endsWith('/after'))).toBe(false);
	// The launcher's own start is not the kernel's.
	expect(needed.some((line) => line.endsWith('/launch.sh'))).toBe(false);
});

test("a program of its own that a cell starts may have workers too, where it is of the kernel's kind", async () => {
	const script = `import os
for name in ('x-0', 'x-1'):
	if os.fork() == 0:
		open(name, 'x').close()
		os._exit(0)
	os.wait()
`;
	const run = await notebook([
		`open('script.py', 'x').write(${JSON.stringify(script)})`,
		`import subprocess, sys; subprocess.run([sys.executable, 'script.py'], check=True)`,
	]);
	expect(byPool(run, 'x', 2)).toEqual(['create, cell 2, w1 fork', 'create, cell 2, w2 fork']);
	expect(run.scopes('script.py')).toEqual(['create, cell 1', 'read, cell 2']);
});

test("in a program that is no notebook, a forked child is the program's", async () => {
	const run = await notebook([`import os\nif os.fork() == 0:\n\t${make('a-0')}\n\tos._exit(0)\nos.wait()`], {
		findWorkers: false,
	});
	expect(run.facts.workers).toEqual([]);
	expect(byPool(run, 'a', 1)).toEqual(['create, cell 1']);
});

test("descendants of a worker are that worker's, whatever they are", async () => {
	const run = await notebook([
		`
import multiprocessing, os, pooled, subprocess
def nested():
	os.setsid()
	inner = multiprocessing.get_context('fork').Process(target=pooled.touch, args=('a-0',))
	inner.start(); inner.join()
	subprocess.run(['sh', '-c', '(touch a-1) & wait'], check=True)
	pooled.touch('a-2')
outer = multiprocessing.get_context('fork').Process(target=nested)
outer.start(); outer.join()
`,
	]);
	expect(workersOf(run)).toEqual(['w1 fork']);
	expect(byPool(run, 'a', 3)).toEqual(['create, cell 1, w1 fork', 'write, cell 1, w1 fork', 'create, cell 1, w1 fork']);
});

/** How each Python starts its workers; only one of them can be run here. */
const commands = [
	['3.11', 'multiprocessing.forkserver', 'from multiprocessing.forkserver import main; main(8, 9, [], **{})'],
	[
		'3.14',
		'multiprocessing.forkserver',
		'import sys; from multiprocessing.forkserver import main; main(8, 9, [], sys_argv=sys.argv[1:], **{})',
	],
] as const;

test.each(commands)('the fork server of Python %s is known by its arguments', (_, engine, command) => {
	const { facts } = follow(`
		1 exec /usr/bin/python3 -m kernel
		1 mark begin/cell/1
		2 born-of 1
		2 exec /usr/bin/python3 -c ${command.replaceAll(' ', '\u00a0')}
		3 born-of 2
		3 open a
	`);
	expect(facts.workers).toMatchObject([{ worker: 'w1', engine, pid: 3 }]);
});

test('a fork server may make its child before the call that asked for it has returned', () => {
	const asking = 'connect(5<socket:[1]>, {sa_family=AF_UNIX, sun_path="/tmp/pymp-1/listener-2"}, 25';
	const { facts } = follow(`
		1 exec /usr/bin/python3 -m kernel
		1 mark begin/cell/1
		1 bind(4<socket:[1]>, {sa_family=AF_UNIX, sun_path="/tmp/pymp-1/listener-2"}, 25) = 0
		2 born-of 1
		2 exec /usr/bin/python3 -c ${commands[0][2].replaceAll(' ', '\u00a0')}
		1 mark end/cell/1
		1 mark begin/cell/2
		1 ${asking} <unfinished ...>
		3 born-of 2
		1 <... connect resumed>) = 0
		1 mark end/cell/2
		1 mark begin/cell/3
		1 ${asking} <unfinished ...>
		1 <... connect resumed>) = -1 ECONNREFUSED (Connection refused)
		1 ${asking}) = 0
		4 born-of 2
		3 open a
		4 open b
	`);
	const cellOf = (file: string) => facts.accesses.find(({ path }) => path === `/run/${file}`)?.cell;
	expect([cellOf('a'), cellOf('b')]).toEqual([2, 3]);
});
