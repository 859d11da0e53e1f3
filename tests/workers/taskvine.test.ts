import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Access, Change, Facts } from '../../core/src/model/index.ts';
import { agentFolder, readVineRecords, withAgent, withManagersNames } from '../../core/src/workers/index.ts';
import { audited, nonce, plainEnv, pythonOf, scratch } from '../audit/audited.ts';

const root = join(import.meta.dirname, '../..');
const env = {
	...plainEnv,
	CELLAR_TASKVINE: join(root, '.cache/taskvine'),
	PYTHONPATH: join(root, 'tests/fixtures/taskvine'),
	PYTHONDONTWRITEBYTECODE: '1',
};

test('a submission is told with what it runs; of a second manager at the same port the numbers are told apart', async () => {
	const main = `import ndcctools.taskvine as vine
def convolve(n): return n
def submit(port):
	m = vine.Manager(port=port)
	m.submit(vine.Task('A=1 B=/x/y=z exec ( /usr/bin/sort -n in > out )'))
	m.submit(vine.PythonTask(convolve, 7))
	m.submit(vine.FunctionCall('library', 'trend', 7))
	port = m.port
	m.close()
	return port
print(submit(submit(0)))`;
	const argv = withAgent([pythonOf('engines'), '-m', 'main'], nonce)!;
	const folder = scratch();
	writeFileSync(join(folder, 'main.py'), main);
	const told = { ...env, PYTHONPATH: `${env.PYTHONPATH}:${folder}` };
	const { facts, code, words } = await audited(argv, { env: told, agent: agentFolder });
	expect(code, words).toBe(0);
	const port = words.trim();
	expect(facts.doubts.filter((doubt) => doubt.code === 'CELLAR_UNMARKED')).toEqual([]);
	expect(facts.tasks.map(({ engineId, function: name }) => [engineId, name])).toEqual([
		[`taskvine.${port}.1`, 'sort'],
		[`taskvine.${port}.2`, 'convolve'],
		[`taskvine.${port}.3`, 'trend'],
		[`taskvine.${port}-2.1`, 'sort'],
		[`taskvine.${port}-2.2`, 'convolve'],
		[`taskvine.${port}-2.3`, 'trend'],
	]);
});

test('errors of a submission read as they do without the agent', () => {
	const folder = scratch();
	writeFileSync(
		join(folder, 'wrong.py'),
		`import re, sys, traceback
import ndcctools.taskvine as vine
m = vine.Manager(port=0)
for make in (lambda: vine.PythonTask(print, (n for n in ())), lambda: None):
	try: m.submit(make())
	except Exception: print(re.sub('0x[0-9a-f]+', '0x', traceback.format_exc()))
task = vine.PythonTask(print)
try: del task._fn_def; task._fn_def
except AttributeError as error: print(error)
m.close()`,
	);
	const said = ([python, ...rest]: readonly string[]) =>
		execFileSync(python!, rest, {
			cwd: folder,
			env: { ...env, PYTHONPATH: `${env.PYTHONPATH}:${folder}` },
			encoding: 'utf8',
			stdio: ['ignore', 'pipe', 'ignore'],
		});
	const plain = [pythonOf('engines'), '-m', 'wrong'];
	const expected = said(plain);
	expect(expected.match(/Error/g)?.length).toBeGreaterThan(1);
	expect(said(withAgent(plain, nonce)!)).toBe(expected);
});

/** A manager (process 1) and a worker (process 2, in /w), by what they did. */
function factsOf(
	debug: string,
	used: readonly (readonly [path: string, how: Access['how']])[],
	changes: readonly Partial<Change>[],
): Facts {
	const scope = {
		log: 'manager',
		cell: null,
		worker: 'w1',
		task: null,
		during: null,
		ambiguous: false,
		first: 1,
		last: 1,
		count: 1,
	};
	const own = ['/w/cache', '/w/transfer', '/w/temp', '/w/trash'].map((path) => ({
		...scope,
		process: 2,
		thread: 2,
		path,
		how: 'create' as const,
	}));
	const manager = { ...scope, worker: null, process: 1, thread: 1 };
	return {
		accesses: [
			{ ...manager, path: debug, how: 'truncate' },
			{ ...manager, path: '/elsewhere/in.txt', how: 'read' },
			...own,
			...used.map(([path, how]) => ({ ...scope, process: 3, thread: 3, task: '1', path, how })),
		],
		changes: changes.map((change) => ({ ...scope, seq: 1, process: 2, thread: 2, kind: 'link', from: null, to: '', ...change })),
		workers: [{ worker: 'w1', process: 2, engine: 'taskvine', pid: 2, born: 1 }],
		...{ processes: [], execs: [], network: [], tasks: [], names: [], handed: [], doubts: [] },
	};
}

const line = (text: string) => `2026/11/06 12:34:33.41 vine_manager[9]vine: ${text}\n`;

test('what the manager’s log tells: files, folders, outputs, names with blanks, and what a mini-task was made of', async () => {
	const folder = scratch();
	mkdirSync(join(folder, 'vine-logs'));
	const debug = join(folder, 'vine-logs/debug');
	const put = (source: string, as: string, cached: string) =>
		line(`vm (1.2.3.4:5) needs file ${source} as ${as}`) + line(`tx to vm (1.2.3.4:5): put ${cached} 0 2`);
	writeFileSync(
		debug,
		[
			put('in.txt', 'data.txt', 'file-meta-1'),
			put('./a as b', 'x', 'file-meta-2'),
			line('vm (1.2.3.4:5) needs buffer as b'),
			line('tx to vm (1.2.3.4:5): put buffer-rnd-1 0 2'),
			put('/big/', 'big', 'file-meta-3'),
			line('vm (1.2.3.4:5) sending back file-rnd-1 to out/o.txt'),
		].join(''),
	);
	const link = (cached: string, name: string) => ({ kind: 'link', from: `/w/cache/${cached}`, to: `/w/${name}` }) as const;
	const facts = factsOf(
		debug,
		[
			['/w/task.7/data.txt', 'read'],
			['/w/task.7/blank', 'read'],
			['/w/task.7/buffer', 'read'],
			['/w/task.7/big/below/c', 'read'],
			['/w/task.7/linked/c', 'read'],
			['/w/task.7/made/d', 'read'],
			['/w/task.7/out.txt', 'truncate'],
			['/w/task.7/own', 'create'],
			['/w/task.70/data.txt', 'read'],
			['/w/task.7/blank', 'append'],
		],
		[
			link('file-meta-1', 'task.7/data.txt'),
			link('file-meta-2', 'task.7/blank'),
			link('buffer-rnd-1', 'task.7/buffer'),
			link('file-meta-3/below/c', 'task.7/big/below/c'),
			{ ...link('file-meta-3', 'task.7/linked'), kind: 'symlink' },
			link('file-meta-1', 'mini.1/given'),
			{ kind: 'rename', from: '/w/mini.1/made', to: '/w/transfer/task-rnd-1' },
			link('task-rnd-1/d', 'task.7/made/d'),
			{ kind: 'rename', from: '/w/task.7/out.txt', to: '/w/cache/file-rnd-1' },
			// A task links what it likes.
			{ ...link('file-meta-1', 'task.70/data.txt'), process: 3 },
		],
	);
	const told = withManagersNames(facts, await readVineRecords(facts, '/cwd'));
	expect(told.accesses.filter(({ task }) => task === '1').map(({ path, how }) => `${how} ${path}`)).toEqual([
		'read /elsewhere/in.txt',
		'read /cwd/a as b',
		'read /w/task.7/buffer',
		'read /big/below/c',
		'read /big/c',
		'read /elsewhere/in.txt',
		'truncate /cwd/out/o.txt',
		'create /w/task.7/own',
		'read /w/task.70/data.txt',
		'append /w/task.7/blank',
	]);
	expect(told.names.map(({ path, as }) => `${path} = ${as}`)).toEqual([
		'/elsewhere/in.txt = data.txt',
		'/cwd/a as b = blank',
		'/big/below/c = big/below/c',
		'/big/c = linked/c',
		'/elsewhere/in.txt = made/d',
		'/cwd/out/o.txt = out.txt',
	]);
	expect(told.doubts.map(({ code }) => code)).toEqual(['CELLAR_INPUT_WRITTEN']);
});

test('without the manager’s log a file is known by the name that TaskVine makes for it', async () => {
	const folder = scratch();
	const input = join(folder, 'in.txt');
	writeFileSync(input, 'ab');
	utimesSync(input, 1_795_783_368, 1_795_783_368);
	// What TaskVine 7.14.5 called it, given by this name: md5 of `in.txt-2-Fri Nov 27 12:42:48 2026`, in UTC.
	const cached = execFileSync(pythonOf('engines'), [
		'-c',
		'import hashlib, os, sys, time; s = os.stat(sys.argv[1]); print(end="file-meta-" + hashlib.md5(f"in.txt-{s.st_size}-{time.ctime(s.st_mtime)}\\n".encode()).hexdigest())',
		input,
	]).toString();
	const facts = factsOf(
		join(folder, 'vine-logs/debug'),
		[['/w/task.7/x', 'read']],
		[{ from: `/w/cache/${cached}`, to: '/w/task.7/x' }],
	);
	const [first] = facts.accesses;
	const withInput: Facts = { ...facts, accesses: [...facts.accesses, { ...first!, path: input, how: 'read' }] };
	const pathNow = async () => {
		const told = withManagersNames(withInput, await readVineRecords(withInput, folder));
		return told.accesses.find(({ task }) => task === '1')?.path;
	};
	expect(await pathNow()).toBe(input);
	// Changed since, it is another file: nothing is guessed.
	utimesSync(input, 1_795_783_369, 1_795_783_369);
	expect(await pathNow()).toBe('/w/task.7/x');
	rmSync(input);
	expect(await pathNow()).toBe('/w/task.7/x');
});
