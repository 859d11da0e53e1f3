import fc from 'fast-check';
import { expect, test } from 'vitest';
import { markPath, parseMark, type Mark } from '../../core/src/model/index.ts';
import { nonce } from './audited.ts';
import { notebook } from './cells.ts';
import { follow } from './logs.ts';

const make = (file: string) => `open('${file}', 'x').close()`;

/** Python: `mark('begin/task/7')` on the thread that calls it. */
const marking = `import os, threading\ndef mark(words): os.access('/.cellar/${nonce}/' + words, 0)\n`;

/** The task of each file that was made. */
const tasksOf = (run: Awaited<ReturnType<typeof notebook>>, file: string) =>
	run.facts.accesses.filter(({ path }) => path === `${run.run}/${file}`).map(({ task, cell }) => `task ${task}, cell ${cell}`);

test('a task is what its thread does between its marks, with the children and threads that it makes', async () => {
	const run = await notebook([
		`${marking}
mark('submit/task/one//fetch')
mark('submit/task/two//fetch')
def work(name, go, done):
	go.wait()
	mark('begin/task/' + name)
	open(name, 'x').close()
	child = os.fork()
	if child == 0:
		open(name + '-child', 'x').close()
		os._exit(0)
	os.waitpid(child, 0)
	thread = threading.Thread(target=lambda: (done.wait(), open(name + '-thread', 'x').close()))
	thread.start()
	mark('end/task/' + name)
	open(name + '-after', 'x').close()
	done.set()
	thread.join()
go = threading.Event()
threads = [threading.Thread(target=work, args=(name, go, threading.Event())) for name in ('two', 'one')]
for thread in threads: thread.start()
`,
		`go.set()\nfor thread in threads: thread.join()`,
	]);
	for (const [name, number] of [
		['one', 1],
		['two', 2],
	] as const) {
		expect(tasksOf(run, name)).toEqual([`task ${number}, cell 1`]);
		expect(tasksOf(run, `${name}-child`)).toEqual([`task ${number}, cell 1`]);
		expect(tasksOf(run, `${name}-thread`)).toEqual([`task ${number}, cell 1`]);
		expect(tasksOf(run, `${name}-after`)).toEqual(['task null, cell 1']);
	}
	expect(run.facts.tasks).toMatchObject([
		{ task: 1, engineId: 'one', function: 'fetch', submitted: { cell: 1, task: null }, attempts: [{ attempt: '1' }] },
		{ task: 2, engineId: 'two', function: 'fetch', submitted: { cell: 1, task: null }, attempts: [{ attempt: '2' }] },
	]);
	for (const { attempts } of run.facts.tasks) expect(attempts[0]!.ended).toBeGreaterThan(attempts[0]!.begun);
});

test('a worker that says so is one, under the name that it gives its engine', async () => {
	const run = await notebook([
		`${marking}
pid = os.fork()
if pid == 0:
	mark('begin/worker/futures.77.1')
	mark('begin/task/?')
	${make('arrived')}
	mark('begin/task/x/2')
	${make('worked')}
	os._exit(0)
os.waitpid(pid, 0)
thread = threading.Thread(target=lambda: (mark('begin/worker/dask.1'), ${make('by-thread')}))
thread.start(); thread.join()
`,
	]);
	expect(run.scopes('arrived')).toEqual(['create, cell 1, w1 futures']);
	expect(run.scopes('by-thread')).toEqual(['create, cell 1, w2 dask']);
	expect(tasksOf(run, 'arrived')).toEqual(['task 1.2, cell 1']);
	expect(tasksOf(run, 'worked')).toEqual(['task 1.2, cell 1']);
	// The process ended within the task, and that ended the task.
	expect(run.facts.tasks).toMatchObject([{ engineId: 'x', submitted: null, attempts: [{ attempt: '1.2', worker: 'w1' }] }]);
	expect(run.facts.tasks[0]!.attempts[0]!.ended).not.toBeNull();
});

test('an end without its begin is dropped, and one that was forgotten ends with what encloses it', () => {
	const { task } = follow(`
		1 start
		1 mark end/task/never
		1 mark begin/task/outer
		1 mark begin/task/inner
		1 open a
		1 mark end/task/outer
		1 open b
		1 mark end/task/inner
		1 mark begin/task/outer
		1 open c
	`);
	expect([task('a'), task('b'), task('c')]).toEqual(['2', null, '1']);
});

test('a task belongs to the cell that submitted it, whenever its thread was born, and to the task from which it came', () => {
	const { facts } = follow(`
		1 start
		9 born-of 1
		9 mark begin/cell/1
		2 thread-of 9
		9 mark end/cell/1
		9 mark begin/cell/2
		9 mark submit/task/pool.7.1//fetch
		9 mark submit/group/pool.7.2
		2 mark begin/task/pool.7.1
		2 open one
		2 mark end/task/pool.7.1
		2 mark begin/task/pool.7.2.0
		2 open two
		2 mark end/task/pool.7.2.0
		2 open between
	`);
	const uses = facts.accesses.filter(({ path }) => path.startsWith('/run/'));
	expect(uses.map(({ path, cell, task, during }) => [path, cell, task, during])).toEqual([
		['/run/one', 2, '1', null],
		['/run/two', 2, '2', null],
		['/run/between', 1, null, 2],
	]);
	expect(facts.tasks).toMatchObject([
		{ task: 1, engine: 'pool', engineId: 'pool.7.1', function: 'fetch', submitted: { cell: 2 } },
		{ task: 2, engine: 'pool', engineId: 'pool.7.2.0', function: null, submitted: { cell: 2 } },
	]);
});

test('what a thread submits for a group belongs to where the group was submitted', () => {
	const { facts } = follow(`
		1 start
		9 born-of 1
		9 mark begin/cell/1
		2 thread-of 9
		9 mark end/cell/1
		9 mark begin/cell/2
		9 mark submit/group/joblib.1.0
		2 mark begin/group/joblib.1.0
		2 open iterated
		2 mark submit/task/loky.5.0
		2 mark end/group/joblib.1.0
		2 open after
		2 mark begin/group/never
		2 open stray
	`);
	const uses = facts.accesses.filter(({ path }) => path.startsWith('/run/'));
	expect(uses.map(({ path, cell }) => [path, cell])).toEqual([
		['/run/iterated', 2],
		['/run/after', 1],
		['/run/stray', 1],
	]);
	expect(facts.tasks).toMatchObject([{ engineId: 'loky.5.0', submitted: { cell: 2 }, attempts: [] }]);
});

test('of the attempts of a task the last that ended counted', () => {
	const { facts } = follow(`
		1 start
		1 mark submit/task/t/0
		2 thread-of 1
		3 thread-of 1
		2 mark begin/task/t/0
		3 mark begin/task/t/3
		3 mark end/task/t
		2 open late
	`);
	expect(facts.tasks[0]!.attempts.map(({ attempt, counted }) => [attempt, counted])).toEqual([
		['1.0', false],
		['1.3', true],
	]);
});

test('of the agent nothing is told: not its files, and not its words before those of the program', () => {
	const { facts } = follow(
		`
		1 start
		1 exec /usr/bin/python -X dev /cellar/agent/launch.py ${nonce} -m ipykernel_launcher
		1 open /cellar/agent/launch.py
		1 open /cellar/agent/engines/pools.py
		1 open /cellar/agents
	`,
		{ agent: '/cellar/agent', files: { exists: (path) => path.startsWith('/cellar'), setuid: () => false } },
	);
	expect(facts.execs.at(-1)!.argv).toEqual(['/usr/bin/python', '-X', '…', '-m', '…']);
	expect(facts.accesses.map(({ path }) => path).filter((path) => path.includes('cellar'))).toEqual(['/cellar/agents']);
});

test('a linked id is another name of the same task', () => {
	const { task } = follow(`
		1 start
		1 mark submit/task/7
		1 mark link/task/7//executor-12
		1 mark begin/task/executor-12
		1 open a
	`);
	expect(task('a')).toBe('1');
});

test('each try has an id of its own, which says what it is a try of; what launches them works for who submitted the task', () => {
	const { facts, task } = follow(`
		1 start
		9 born-of 1
		9 mark begin/cell/1
		2 thread-of 9
		3 thread-of 9
		9 mark end/cell/1
		9 mark begin/cell/2
		9 mark submit/task/parsl.7//fetch
		2 mark begin/group/parsl.7
		2 open pickled
		2 mark link/task/parsl.7/1/parsl.executor.12
		2 mark link/task/parsl.7/2/parsl.executor.13
		2 mark end/group/parsl.7
		3 mark begin/task/parsl.executor.12
		3 open first
		3 mark end/task/parsl.executor.12
		3 mark begin/task/parsl.executor.13
		3 open second
		3 mark end/task/parsl.executor.13
	`);
	expect([task('pickled'), task('first'), task('second')]).toEqual([null, '1.1', '1.2']);
	expect(facts.accesses.filter(({ path }) => path.startsWith('/run/')).map(({ cell }) => cell)).toEqual([2, 2, 2]);
	expect(facts.tasks).toMatchObject([{ engineId: 'parsl.7', attempts: [{ counted: false }, { counted: true }] }]);
});

test('a task that begins before its submission is marked belongs to where that is, all the same', () => {
	const { facts, task } = follow(`
		1 start
		9 born-of 1
		9 mark begin/cell/1
		2 thread-of 9
		9 mark end/cell/1
		9 mark begin/cell/2
		2 mark begin/task/ray.7
		2 open early
		9 mark submit/task/ray.7//fetch
		2 open late
		2 open early
		2 mark end/task/ray.7
		2 open after
		2 mark begin/task/ray.8
		2 open never-submitted
	`);
	expect(['early', 'late', 'after', 'never-submitted'].map(task)).toEqual(['1', '1', null, '2']);
	const uses = facts.accesses.filter(({ path }) => path.startsWith('/run/'));
	expect(uses.map(({ path, cell, count }) => [path, cell, count])).toEqual([
		['/run/early', 2, 2],
		['/run/late', 2, 1],
		['/run/after', 1, 1],
		['/run/never-submitted', 1, 1],
	]);
	expect(facts.tasks).toMatchObject([{ function: 'fetch', submitted: { cell: 2 } }, { submitted: null }]);
});

test('attempts that are not told apart are counted by their threads, and many tasks have the name of their group', () => {
	const { facts } = follow(`
		1 start
		2 thread-of 1
		1 mark submit/group/ipp.7//fetch
		1 mark begin/task/ipp.7.1
		1 mark end/task/ipp.7.1
		2 mark begin/task/ipp.7.1
		2 mark end/task/ipp.7.1
		1 mark begin/task/ipp.7.2
	`);
	expect(facts.tasks.map((one) => [one.function, one.attempts.map(({ attempt }) => attempt)])).toEqual([
		['fetch', ['1', '1.2']],
		['fetch', ['2']],
	]);
});

test('a server that says that it is no worker is none, and neither is what it forks', () => {
	const log = (said: string) =>
		follow(`
			1 start
			2 born-of 1
			${said}
			3 born-of 2
			3 open a
		`).facts.workers.length;
	expect([log('2 mark begin/task/x'), log('2 mark end/worker/?')]).toEqual([1, 0]);
});

test('a fault is told: those workers are known by their birth alone', () => {
	const { facts } = follow(`
		1 start
		1 mark fault/group/dask.TypeError
	`);
	expect(facts.doubts).toMatchObject([{ code: 'CELLAR_UNMARKED' }]);
});

test('marks of another run, and words that are not in the grammar, are ordinary paths', () => {
	const { facts } = follow(`
		1 start
		1 look /.cellar/another/begin/cell/1
		1 look /.cellar/${nonce}/begin/banquet/1
		1 look /.cellar/${nonce}
	`);
	expect(facts.accesses.map(({ how, path }) => `${how} ${path}`).slice(-3)).toEqual([
		'missing /.cellar/another/begin/cell/1',
		`missing /.cellar/${nonce}/begin/banquet/1`,
		`missing /.cellar/${nonce}`,
	]);
});

test('the program cannot pass for the launcher: what it marks as such changes nothing', () => {
	const { facts } = follow(`
		1 start
		1 open a
		2 born-of 1
		2 mark begin/group/launcher
		2 open b
		1 mark end/group/launcher
		1 open c
	`);
	expect(facts.accesses.map(({ path }) => path).slice(-3)).toEqual(['/run/a', '/run/b', '/run/c']);
});

test('every mark comes back from its path', () => {
	const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((text) => Buffer.byteLength(text) * 3 <= 200);
	const mark: fc.Arbitrary<Mark> = fc.record({
		verb: fc.constantFrom('begin', 'end', 'submit', 'link', 'fault'),
		kind: fc.constantFrom('cell', 'worker', 'task', 'group'),
		id: word,
		attempt: fc.option(word),
		name: fc.option(word),
	});
	fc.assert(
		fc.property(mark, (one) => {
			expect(parseMark(nonce, markPath(nonce, one))).toEqual(one);
		}),
	);
	// A long id is told by its hash, so that no path is too long.
	const long: Mark = { verb: 'begin', kind: 'task', id: 'x'.repeat(5000), attempt: null, name: null };
	expect(parseMark(nonce, markPath(nonce, long))?.id).toMatch(/^sha256-[0-9a-f]{64}$/);
});
