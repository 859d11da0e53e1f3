import { describe, expect, test } from 'vitest';
import { factsOf, follow, logOf } from './logs.ts';

/** A worker that starts below the program, by the calls that it makes: pid 2, in `/w`, of the manager at port 9123. */
const worker = (pid = 2, folder = '/w') => `
1 start
${pid} born-of 1
${pid} exec /bin/vine_worker vine_worker
${pid} connect(3<socket:[7]>,\u00a0{sa_family=AF_INET,\u00a0sin_port=htons(9123),\u00a0sin_addr=inet_addr("127.0.0.1")},\u00a016) = -1 EINPROGRESS (Operation now in progress)
${['cache', 'transfer', 'temp', 'trash'].map((part) => made(pid, `${folder}/${part}`)).join('\n')}
${pid} connect(5<socket:[8]>,\u00a0{sa_family=AF_INET,\u00a0sin_port=htons(53),\u00a0sin_addr=inet_addr("10.0.0.2")},\u00a016) = 0`;

const made = (pid: number, folder: string) => `${pid} mkdirat(AT_FDCWD</w>,\u00a0"${folder}",\u00a00777) = 0`;
const gone = (pid: number, folder: string) => `${pid} chdir("${folder}") = 0`;
const moved = (pid: number, from: string) => `${pid} rename("${from}",\u00a0"${from.replace(/[^/]*$/, '')}trash/abc.1") = 0`;

const attemptsOf = ({ facts }: ReturnType<typeof follow>) =>
	facts.tasks.map(({ engineId, attempts }) => ({
		engineId,
		attempts: attempts.map(({ attempt, counted, worker, ended }) => `${attempt} ${worker} ${counted} ${ended !== null}`),
	}));

test('a command is what goes to the task’s folder, and all that it makes; the rest of the worker is the worker’s', () => {
	const run = follow(`${worker()}
2 open start
3 born-of 2
3 open transfer
4 born-of 2
4 open before
${gone(4, '/w/task.7')}
4 exec /bin/sh sh -c cat
5 born-of 4
4 open own
5 chdir("/elsewhere") = 0
5 open child
${moved(2, '/w/task.7')}
5 open late
2 open after`);
	expect(attemptsOf(run)).toEqual([{ engineId: 'taskvine.9123.7', attempts: ['1 w1 true true'] }]);
	for (const file of ['start', 'transfer', 'before', 'after']) expect([file, run.task(file)]).toEqual([file, null]);
	expect([run.task('own'), run.task('child')]).toEqual(['1', '1']);
	const late = run.facts.accesses.find(({ path }) => path.endsWith('/late'))!;
	expect(late.task).toBe('1');
	expect(late.first).toBeGreaterThan(run.facts.tasks[0]!.attempts[0]!.ended!);
	expect(run.facts.workers.map(({ engine, pid }) => `${engine} ${pid}`)).toEqual(['taskvine 2']);
	expect(new Set(run.facts.accesses.filter(({ worker }) => worker === 'w1').map(({ path }) => path))).toContain('/run/start');
});

describe('a function', () => {
	const library = `${worker()}
3 born-of 2
${gone(3, '/w/libr.4')}
3 exec /bin/sh sh -c python
4 born-of 3
4 exec /bin/python python library.py
4 open library`;

	test('is what a library forks for it', () => {
		const run = follow(`${library}
5 born-of 4
5 open between
${gone(5, '/w/func.8')}
5 open one
6 born-of 4
${gone(6, '/w/func.9')}
6 open other
5 open one-again
4 open meanwhile`);
		expect(attemptsOf(run).map(({ engineId }) => engineId)).toEqual(['taskvine.9123.8', 'taskvine.9123.9']);
		const told = ['library', 'between', 'one', 'other', 'one-again', 'meanwhile'].map((file) => run.task(file));
		expect(told).toEqual([null, null, '1', '2', '1', null]);
	});

	test('is what the library does itself until it goes back, and the threads that this leaves', () => {
		const run = follow(`${library}
${gone(4, '/w/func.8')}
4 open one
5 thread-of 4
${gone(4, '/w/libr.4')}
4 open library-again
5 open leaked
${gone(4, '/w/func.9')}
4 open other
5 open leaked-again`);
		const told = ['one', 'library-again', 'leaked', 'other', 'leaked-again'].map((file) => run.task(file));
		expect(told).toEqual(['1', null, '1', '2', '1']);
	});
});

test('a task that was sent to a second worker has two attempts, and the one whose folder was put away counted', () => {
	const run = follow(`${worker()}
3 born-of 2
${gone(3, '/w/task.7')}
3 open first
${worker(12, '/v').replace('1 start\n', '')}
2 +++\u00a0killed by SIGKILL +++
13 born-of 12
${gone(13, '/v/task.7')}
13 open second
13 exits
${moved(12, '/v/task.7')}
3 open orphan
3 exits`);
	expect(attemptsOf(run)).toEqual([{ engineId: 'taskvine.9123.7', attempts: ['1 w1 false true', '1.2 w2 true true'] }]);
	expect([run.task('first'), run.task('second'), run.task('orphan')]).toEqual(['1', '1.2', '1']);
});

test('a mini-task has a number of its worker’s own', () => {
	const run = follow(`${worker()}
3 born-of 2
${gone(3, '/w/mini.1')}
3 open made`);
	expect(run.facts.tasks).toMatchObject([{ function: 'mini-task', engine: 'taskvine' }]);
	expect(run.facts.tasks[0]!.engineId).toMatch(/^taskvine\.9123\.mini\.\d+\.1$/);
	expect(run.task('made')).toBe('1');
});

test.each([
	['in several places', worker().replace(made(2, '/w/temp'), made(2, '/other/temp'))],
	['not all of them', worker().replaceAll(/\/w\/(transfer|temp|trash)"/g, '/w/cache"')],
])('a program that makes folders of these names, %s, is no worker', (_, story) => {
	const run = follow(`${story}
3 born-of 2
${gone(3, '/w/task.7')}
3 open own`);
	expect([run.facts.workers, run.facts.tasks, run.task('own')]).toEqual([[], [], null]);
});

test('workers are told also where no fork is one, as in the run of a program that is not Python', () => {
	const run = follow(worker(), { findWorkers: false });
	expect(run.facts.workers.map(({ engine }) => engine)).toEqual(['taskvine']);
});

test('in a log of its own a worker’s tasks are called by its manager’s port and when it reached that', () => {
	const again = `2 connect(3<socket:[9]>,\u00a0{sa_family=AF_INET,\u00a0sin_port=htons(9123),\u00a0sin_addr=inet_addr("127.0.0.1")},\u00a016) = 0`;
	const story = `${worker()}
3 born-of 2
${gone(3, '/w/task.7')}
${moved(2, '/w/task.7')}
3 exits
${again}
4 born-of 2
${gone(4, '/w/task.7')}`;
	const later = (log: string) => log.replace(/^2 1700000000\.000000(?=.*socket:\[9\])/m, '2 1700000060.123456');
	const facts = factsOf(later(logOf(story)), { log: 'n17-2-abcd1234' });
	expect(facts.tasks.map(({ engineId, attempts }) => [engineId, attempts.length])).toEqual([
		['taskvine.9123,1700000000000.7', 1],
		['taskvine.9123,1700000060123.7', 1],
	]);
});

test('the folders of a workspace that was left behind may be there already', () => {
	const there = worker().replaceAll(/(mkdirat\(AT_FDCWD<\/w>,\u00a0"[^"]*",\u00a00777\)) = 0/g, '$1 = -1 EEXIST (File exists)');
	const run = follow(`${there}
3 born-of 2
${gone(3, '/w/task.7')}
3 open own`);
	expect(run.task('own')).toBe('1');
});
