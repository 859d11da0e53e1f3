import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { markPath, parseMark } from '../../core/src/model/index.ts';
import { agentFolder, withAgent, workerCommand } from '../../core/src/workers/index.ts';
import { audited, nonce, plainEnv, programs, pythonOf, scratch } from '../audit/audited.ts';

const launcher = join(agentFolder, 'launch.py');
const worker = join(agentFolder, 'worker.sh');

/** Puts Python files into a folder; the folder. */
function files(contents: Readonly<Record<string, string>>): string {
	const folder = scratch();
	for (const [name, content] of Object.entries(contents)) {
		mkdirSync(dirname(join(folder, name)), { recursive: true });
		writeFileSync(join(folder, name), content);
	}
	return folder;
}

test.each([
	['python -m ipykernel_launcher -f x', 'python AGENT -m ipykernel_launcher -f x'],
	['/opt/v/bin/python3.12 -m ipykernel_launcher', '/opt/v/bin/python3.12 AGENT -m ipykernel_launcher'],
	[
		'python3 -Xfrozen_modules=off -W ignore -X dev -sE -m ipykernel',
		'python3 -Xfrozen_modules=off -W ignore -X dev -sE AGENT -m ipykernel',
	],
	['python script.py -m x', null],
	['python -c pass', null],
	['python -m', null],
	['python --unknown -m x', null],
	['conda run python -m ipykernel_launcher', null],
	['/usr/bin/env python -m ipykernel_launcher', null],
	['R --slave', null],
])('%s is started as %s', (given, expected) => {
	const made = withAgent(given.split(' '), nonce)?.join(' ') ?? null;
	expect(made?.replace(`${launcher} ${nonce}`, 'AGENT') ?? null).toBe(expected);
});

test('the program finds all as if it had been started without: argv, path, modules, environment, __main__', () => {
	const folder = files({
		'look.py': `import json, os, sys
main = {name: repr(value).split(' at 0x')[0] for name, value in vars(sys.modules['__main__']).items()}
print(json.dumps([sys.argv, sys.orig_argv, sys.path, sorted(sys.modules), dict(os.environ), main, sorted(map(str, sys.path_importer_cache)),
	repr(sys.flags), os.getcwd(), __name__, __spec__ and __spec__.name]))`,
	});
	const look = (words: readonly string[]) => {
		const [python, ...rest] = words;
		return execFileSync(python!, rest, {
			cwd: folder,
			env: { ...plainEnv, PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' },
			encoding: 'utf8',
		});
	};
	for (const options of [[], ['-P'], ['-X', 'frozen_modules=off'], ['-B', '-O']]) {
		const plain = [pythonOf('engines'), ...options, '-m', 'look', 'a', '--b'];
		const marked = withAgent(plain, nonce)!;
		expect(JSON.parse(look(marked))).toEqual(JSON.parse(look(plain)));
		// So are workers started, by a script or by code.
		for (const words of [['look.py', 'a', '--b'], [join(folder, 'look.py')], ['-c', 'import look', 'a', '--b']]) {
			const started = [pythonOf('engines'), ...options, ...words];
			const { argv } = workerCommand(started, started[0]!, nonce, folder);
			expect(argv).toContain(launcher);
			expect(JSON.parse(look(argv))).toEqual(JSON.parse(look(started)));
		}
	}
});

test('a worker that is started as a program finds all as without the agent: a script, code, a module, options', () => {
	const look = `import json, os, sys
os.environ.pop('_', None)
main = {name: repr(value).split(' at 0x')[0] for name, value in vars(sys.modules['__main__']).items() if name != 'main'}
print(json.dumps([sys.argv, sys.orig_argv[1:], sys.path, sorted(sys.modules), dict(os.environ), main, repr(sys.flags), os.getcwd()]))`;
	const python = pythonOf('engines');
	const long = join(scratch(), 'a b', 'x'.repeat(150), 'python3');
	const folder = files({
		'look.py': look,
		'script.py': `#!${python}\n${look}`,
		'env.py': `#!/usr/bin/env python3\n${look}`,
		'strict.py': `#!${python} -Ps\n${look}`,
		'far.py': `#!/bin/sh\n'''exec' "${long}" "$0" "$@"\n' '''\n${look}`,
		'plain.sh': '#!/bin/sh\nprintf \'["%s"]\' "$*"',
	});
	for (const name of ['script.py', 'env.py', 'strict.py', 'far.py', 'plain.sh']) chmodSync(join(folder, name), 0o755);
	mkdirSync(dirname(long), { recursive: true });
	symlinkSync(python, long);
	// PWD and `_` are what every shell sets: an engine starts its workers by one.
	const path = `${folder}:${dirname(python)}:/usr/bin:/bin`;
	const env = { ...plainEnv, PATH: path, PWD: folder, first: '1', program: '2', options: '3', PYTHONDONTWRITEBYTECODE: '1' };
	const said = ([program, ...rest]: readonly string[]) => execFileSync(program!, rest, { cwd: folder, env, encoding: 'utf8' });
	for (const command of [
		['script.py', 'a', '--b'],
		[join(folder, 'script.py'), 'a b'],
		['env.py', '-m', 'look'],
		['strict.py'],
		['far.py', 'a'],
		['plain.sh', 'a', 'b c'],
		[python, '-m', 'look', '-c', 'x'],
		['python', '-u', '-X', 'dev', '-m', 'look', '--', '-m'],
		['python', '-W', 'ignore', './script.py', 'a', '-m'],
		['python3', '-c', look, '-W', 'x y'],
		['python3', '-um', 'look', 'a'],
		['python3', '-mlook', 'a'],
	]) {
		expect(JSON.parse(said([worker, nonce, ...command]))).toEqual(JSON.parse(said(command)));
	}
	expect(() => said([worker, nonce, 'no-such-command'])).toThrow(/not found/);
});

test('errors of pools and executors read as they do without the agent', () => {
	const folder = files({
		'wrong.py': `import multiprocessing, re, traceback
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
fork, spawn = multiprocessing.get_context('fork'), multiprocessing.get_context('spawn')
def bad(n): raise ValueError(n)
def told(call):
	try: call()
	except Exception: print(re.sub('0x[0-9a-f]+', '0x', traceback.format_exc()))
if __name__ == '__main__':
	with fork.Pool(1) as pool:
		for call in (lambda: pool.apply(bad, (1,)), lambda: pool.map(bad, [1]), lambda: list(pool.imap(bad, [1])), lambda: pool.apply(lambda: 1)): told(call)
	for executor in (ProcessPoolExecutor(1, mp_context=fork), ThreadPoolExecutor(1)):
		future = executor.submit(bad, 1)
		future.exception()  # waited for: otherwise the line at which it is raised is a matter of time
		told(future.result)
		executor.shutdown()
		told(lambda: executor.submit(bad, 1))
	told(spawn.Process(target=lambda: 1).start)
`,
	});
	const errors = ([python, ...rest]: readonly string[]) =>
		execFileSync(python!, rest, {
			cwd: folder,
			env: { ...plainEnv, PYTHONDONTWRITEBYTECODE: '1' },
			encoding: 'utf8',
			stdio: ['ignore', 'pipe', 'ignore'],
		});
	const plain = [pythonOf('engines'), '-m', 'wrong'];
	const expected = errors(plain);
	expect(expected.match(/^\w*Error\b|^_pickle/gm)?.length).toBeGreaterThan(8);
	expect(errors(withAgent(plain, nonce)!)).toBe(expected);
});

test('ids and names are encoded as Cellar reads them', () => {
	const words = ['a b/c', "('t x/é', 1)", '%', 'x'.repeat(300), 'ok-1_2.3,4', '\u{1F377}'];
	const program = `import json, sys
here = {'__name__': '_cellar', 'CORE': '', 'ENGINES': {}, 'NONCE': '${nonce}'}
exec(open(sys.argv[1]).read(), here)
print(json.dumps([here['encoded'](word) for word in json.loads(sys.argv[2])]))`;
	const said = execFileSync(pythonOf('engines'), ['-c', program, join(agentFolder, 'core.py'), JSON.stringify(words)], {
		encoding: 'utf8',
	});
	const encoded = JSON.parse(said) as string[]; // printed by the program above
	const mark = (id: string) => ({ verb: 'begin', kind: 'task', id, attempt: null, name: null }) as const;
	expect(encoded.map((word) => `/.cellar/${nonce}/begin/task/${word}`)).toEqual(words.map((word) => markPath(nonce, mark(word))));
	expect(parseMark(nonce, `/.cellar/${nonce}/begin/task/${encoded[1]}`)).toEqual(mark(words[1]!));
});

test('a task is called by the function of the user’s that it runs, whatever stands around that', () => {
	const program = `import contextvars, functools, json, sys
from concurrent.futures.process import _process_chunk
here = {'__name__': '_cellar', 'CORE': '', 'ENGINES': {}, 'NONCE': '${nonce}'}
exec(open(sys.argv[1]).read(), here)
class Model:
	def fit(self): pass
	def __call__(self): pass
	def __getattr__(self, name): raise SystemExit('asked for ' + name)
def f(): pass
known = [f, functools.partial(functools.partial(f, 1), 2), Model().fit, Model(), Model, abs, lambda: 0,
	functools.partial(_process_chunk, f), functools.partial(contextvars.copy_context().run, f, 1), functools.lru_cache(f)]
print(json.dumps([here['called'](one) for one in known]))`;
	const said = execFileSync(pythonOf('engines'), ['-c', program, join(agentFolder, 'core.py')], { encoding: 'utf8' });
	expect(JSON.parse(said)).toEqual(['f', 'f', 'Model.fit', 'Model', 'Model', 'abs', '%3Clambda%3E', 'f', 'f', 'f']);
});

test('an engine that is made otherwise than its patch expects works on unmarked, and the run says so', async () => {
	const folder = files({
		'main.py': `import joblib.parallel as a, concurrent.futures.thread as b
assert a.BatchCompletionCallBack()() == 2
with b.ThreadPoolExecutor(1) as pool: assert pool.submit(lambda: 7).result() == 7
open('worked', 'x').close()`,
		// It has the class, but one that keeps nothing.
		'joblib/parallel.py':
			'class BatchCompletionCallBack:\n    __slots__ = ()\n    def __init__(self): pass\n    def __call__(self): return 2\n',
		'joblib/__init__.py': '',
		'loky/__init__.py': '',
	});
	const broken = files({
		'main.py': 'import loky.process_executor as p\nassert p.found\nopen("worked", "x").close()',
		'loky/__init__.py': '',
		'loky/process_executor.py': 'found = True',
	});
	for (const [place, what] of [
		[folder, 'joblib.parallel'],
		[broken, 'loky.process_executor'],
	] as const) {
		const argv = withAgent([pythonOf('engines'), '-m', 'main'], nonce)!;
		const { facts, code, words } = await audited(argv, { env: { ...plainEnv, PYTHONPATH: place }, agent: agentFolder });
		expect(code, words).toBe(0);
		expect(facts.accesses.some(({ path, how }) => path.endsWith('/run/worked') && how === 'create')).toBe(true);
		expect(facts.doubts.map((doubt) => doubt.message).filter((message) => message.includes('could not be marked'))).toEqual([
			`${what} could not be marked: what its workers did is told by their birth alone`,
		]);
		expect(facts.accesses.filter(({ path }) => path.startsWith(agentFolder))).toEqual([]);
	}
});

test('what a task reads is its own: before it is known, after it has returned, in forks, nested pools and threads that it leaves', async () => {
	const names = [
		'pickles-1-argument',
		'pickles-1-result',
		'pickles-2-argument',
		'pickles-2-result',
		'inner-1',
		'inner-11',
		'nested-1-before',
		'nested-1-after',
		'forks-1-child',
		'forks-2-child',
		'leaves-1-late',
		'waits-1',
		'raises-1',
		'raises-2',
		'ends-1',
		'none-initializer',
	];
	const folder = scratch();
	const run = join(folder, 'run');
	mkdirSync(run);
	for (const name of names) writeFileSync(join(run, `${name}.txt`), '');
	copyFileSync(join(programs, 'tasks.py'), join(run, 'tasks.py'));
	const argv = withAgent([pythonOf('engines'), '-m', 'tasks'], nonce)!;
	const { facts, code, words } = await audited(argv, { folder, agent: agentFolder });
	expect([code, words.trim()], words).toEqual([0, 'ValueError\nValueError\nBrokenProcessPool']);
	const functions = new Map(facts.tasks.flatMap((task) => task.attempts.map(({ attempt }) => [attempt, task.function] as const)));
	const found = facts.accesses
		.filter(({ path, how }) => path.startsWith(`${run}/`) && path.endsWith('.txt') && how === 'read')
		.map(({ path, task }) => `${basename(path, '.txt')} ${task === null ? 'none' : functions.get(task)}`);
	expect(found.toSorted()).toEqual(names.map((name) => `${name} ${name.split('-', 1)[0]}`).toSorted());
	// One function's two tasks are two, and all that belongs to one is of one.
	const tasksOf = (start: string) =>
		new Set(facts.accesses.filter(({ path }) => path.startsWith(`${run}/${start}`)).map(({ task }) => task));
	expect([tasksOf('pickles-1').size, tasksOf('pickles-').size, tasksOf('nested-1').size]).toEqual([1, 2, 1]);
	// What a task submitted says so.
	const [outer] = tasksOf('nested-1');
	expect(facts.tasks.filter((task) => task.function === 'inner').map((task) => task.submitted?.task)).toEqual([outer, outer]);
});
