import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { audited, scratch } from './audited.ts';
import { notebook } from './cells.ts';

/** Python: makes a file. */
const make = (file: string) => `open('${file}', 'x').close()`;

test('what the main thread does belongs to the active cell, and to none before, between and after cells', async () => {
	const folder = scratch();
	const made = (file: string) => async () => {
		while (!existsSync(join(folder, 'run', file))) await wait(5);
	};
	const { scopes } = await notebook(
		[
			make('a'),
			make('b'),
			// The event loop goes on when the cell is over.
			`import asyncio; loop = asyncio.get_running_loop(); loop.call_later(0.2, lambda: ${make('late')})`,
			{ between: made('late') },
			`import atexit; atexit.register(lambda: ${make('last')})`,
		],
		{ folder },
	);
	expect(scopes('a')).toEqual(['create, cell 1']);
	expect(scopes('b')).toEqual(['create, cell 2']);
	expect(scopes('late')).toEqual(['create, cell null']);
	expect(scopes('last')).toEqual(['create, cell null']);
	expect(scopes('pooled.py')).toEqual([]);
});

test('a cell that runs twice is two executions, and the same file in both is two rows', async () => {
	const { scopes, facts } = await notebook([`open('pooled.py').close()`, `for k in range(3): open('pooled.py').close()`]);
	expect(scopes('pooled.py')).toEqual(['read, cell 1', 'read, cell 2']);
	expect(facts.accesses.filter(({ path }) => path.endsWith('/pooled.py')).map(({ count }) => count)).toEqual([1, 3]);
});

test('a thread belongs to the cell in which it was born, and one of the start-up to none; what was active meanwhile is kept', async () => {
	const { scopes, facts } = await notebook([
		`
import threading
def wait_and(do):
	go, done = threading.Event(), threading.Event()
	def work():
		go.wait()
		do()
		done.set()
	threading.Thread(target=work).start()
	return lambda: (go.set(), done.wait())
first = wait_and(lambda: ${make('by-first')})
`,
		`second = wait_and(lambda: ${make('by-second')})\nearly(lambda: ${make('by-early')})`,
		`first()\n${make('by-main')}`,
		`def chain():\n\tthreading.Thread(target=lambda: ${make('by-grandchild')}).start()\nthird = wait_and(chain)`,
		`second(); third()`,
	]);
	expect(scopes('by-early')).toEqual(['create, cell null, during 2']);
	expect(scopes('by-first')).toEqual(['create, cell 1, during 3']);
	expect(scopes('by-main')).toEqual(['create, cell 3']);
	expect(scopes('by-second')).toEqual(['create, cell 2, during 5']);
	expect(scopes('by-grandchild')).toEqual(['create, cell 4, during 5']);
	expect(facts.workers).toEqual([]);
});

test('a child that executes a program belongs to its cell, however long it lives, and is no worker', async () => {
	const { scopes, facts } = await notebook([
		`
import os, subprocess
slow = subprocess.Popen(['sh', '-c', 'until [ -e go ]; do sleep 0.02; done; touch by-slow'])
subprocess.run('touch by-shell; (touch by-subshell; read x </dev/null; : >by-builtin); touch a | while read x; do :; done', shell=True)
`,
		`
pid = os.fork()
if pid == 0:
	${make('before-exec')}
	while not os.path.exists('go'): pass
	os.execvp('touch', ['touch', 'after-exec'])
while not os.path.exists('before-exec'): pass
`,
		`
try: subprocess.run(['no-such-program'])
except FileNotFoundError: pass
failed = os.fork()
if failed == 0:
	try: os.execvp('no-such-program', ['x'])
	except FileNotFoundError: ${make('after-failed-exec')}
	os._exit(0)
os.waitpid(failed, 0)
`,
		`${make('go')}; slow.wait(); os.waitpid(pid, 0)`,
	]);
	expect(scopes('by-slow')).toEqual(['create, cell 1, during 4'].map((line) => line.replace('create', 'write')));
	expect(scopes('by-shell')).toEqual(['write, cell 1']);
	expect(scopes('by-subshell')).toEqual(['write, cell 1']);
	expect(scopes('by-builtin')).toEqual(['truncate, cell 1']);
	expect(scopes('before-exec')).toEqual(['create, cell 2']);
	expect(scopes('after-exec')).toEqual(['write, cell 2, during 4']);
	expect(scopes('after-failed-exec')).toEqual(['create, cell 3']);
	expect(facts.workers).toEqual([]);
});

test('a coroutine that outlives its cell makes what the main thread does later ambiguous, in later cells and between them', async () => {
	const folder = scratch();
	const { scopes } = await notebook(
		[
			make('a'),
			`
import asyncio, os, subprocess
async def later():
	while not os.path.exists('go'): await asyncio.sleep(0.01)
	${make('by-coroutine')}
task = asyncio.create_task(later())
${make('b')}
`,
			make('c'),
			{ between: () => writeFileSync(join(folder, 'run/go'), '') },
			`await task; early(lambda: ${make('by-early')}); subprocess.run(['touch', 'by-child'])`,
		],
		{ folder, coroutineCells: new Set([2]) },
	);
	expect(scopes('a')).toEqual(['create, cell 1']);
	expect(scopes('b')).toEqual(['create, cell 2']);
	expect(scopes('c')).toEqual(['create, cell 3, ambiguous']);
	// Between cells or in the fourth: whenever it ran, it is said that it may be another's.
	expect(scopes('by-coroutine').map((line) => line.replace(/cell (?:null|4)/, 'cell ?'))).toEqual(['create, cell ?, ambiguous']);
	// A child is as uncertain as the call that made it; a thread of the start-up is certain.
	expect(scopes('by-child')).toEqual(['write, cell 4, ambiguous']);
	expect(scopes('by-early')).toEqual(['create, cell null, during 4']);
});

test('what %%bash starts belongs to the cell that says so, though IPython starts it from a thread of the first such cell', async () => {
	const start = (file: string) => `work.put('${file}'); work.join()`;
	const { scopes } = await notebook(
		[
			`
import queue, subprocess, threading
work = queue.Queue()
def loop():
	while True:
		subprocess.run(['touch', work.get()])
		work.task_done()
threading.Thread(target=loop, daemon=True).start()
${start('first')}
`,
			start('second'),
			start('by-no-script'),
		],
		{ scriptCells: new Set([1, 2]) },
	);
	expect(scopes('first')).toEqual(['write, cell 1']);
	expect(scopes('second')).toEqual(['write, cell 2']);
	// Any other thread's work is that of the cell in which it was born.
	expect(scopes('by-no-script')).toEqual(['write, cell 1, during 3']);
});

test('behind a wrapper, the kernel is the process that reads the connection file', async () => {
	const folder = scratch();
	const connection = join(folder, 'connection.json');
	writeFileSync(connection, '{}');
	const { scopes, facts } = await notebook(
		[make('a'), `import os, threading\npid = os.fork()\nif pid == 0:\n\t${make('forked')}\n\tos._exit(0)\nos.waitpid(pid, 0)`],
		{
			folder,
			connectionFile: connection,
			command: (python, argv) => ['/bin/sh', '-c', '"$@"; exit $?', 'sh', python, ...argv, connection],
		},
	);
	expect(facts.processes.find(({ ordinal }) => ordinal === 2)).toMatchObject({ kind: 'process', parent: 1, cell: null });
	expect(scopes('a')).toEqual(['create, cell 1']);
	expect(scopes('forked')).toEqual(['create, cell 2, w1 fork']);
});

test('what a sandbox does before and after its program is no part of the run, which begins with that program', async () => {
	const program = ['/bin/sh', '-c', 'touch inside; (exit 3)'];
	const { facts, folder, code } = await audited(
		['/bin/sh', '-c', 'touch before; "$@"; status=$?; touch after; exit $status', 'sh', ...program],
		{
			program,
		},
	);
	expect(code).toBe(3);
	expect(facts.accesses.map(({ path }) => path).filter((path) => path.startsWith(folder))).toEqual([join(folder, 'run/inside')]);
	expect(facts.processes.find(({ ordinal }) => ordinal === 1)).toMatchObject({ parent: null, exitCode: 3 });
	expect(facts.execs.map(({ process, path }) => `${process} ${path}`)).toEqual([
		'1 /bin/sh',
		expect.stringMatching(/^\d+ \/usr\/bin\/touch$/),
	]);
});
