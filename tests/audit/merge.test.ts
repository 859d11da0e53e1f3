import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeFacts } from '../../core/src/audit/index.ts';
import {
	noFacts,
	type Access,
	type AttemptFact,
	type Facts,
	type ProcessFact,
	type TaskFact,
} from '../../core/src/model/index.ts';

const nowhere = { cell: null, worker: null, task: null };

function process(log: string, ordinal: number, parent: number | null = null): ProcessFact {
	return {
		...{ ordinal, log, kind: 'process', process: ordinal, parent, pid: 100 + ordinal, pidInside: null, host: log, bootId: 'b' },
		...{ inheritsFrom: parent, untilSeq: parent && 5, born: ordinal, ended: null, exitCode: null, signal: null, ...nowhere },
	};
}

function access(log: string, path: string, o: Partial<Access> = {}): Access {
	const lines = { first: 10, last: 10, count: 1 };
	return { log, process: 1, thread: 1, ...nowhere, during: null, ambiguous: false, path, how: 'read', ...lines, ...o };
}

function attempt(log: string, task: string, o: Partial<AttemptFact> = {}): AttemptFact {
	return { log, attempt: task, counted: true, process: 1, thread: 1, worker: 'w1', begun: 5, ended: 20, ...o };
}

function task(number: number, engineId: string, o: Partial<TaskFact> = {}): TaskFact {
	return { task: number, engine: 'dask', engineId, function: null, submitted: null, attempts: [], ...o };
}

function worker(log: string, o: Partial<Facts>): Facts {
	return {
		...noFacts,
		processes: [process(log, 1)],
		workers: [{ worker: 'w1', process: 1, engine: 'dask', pid: 101, born: 1 }],
		...o,
	};
}

const at = (cell: number, seq: number) => ({ log: 'manager', seq, ...nowhere, cell });

test('a task is what one log submitted and another ran, by itself or with its group, and what it used is of that cell', () => {
	const manager: Facts = {
		...noFacts,
		processes: [process('manager', 1)],
		tasks: [task(1, 'dask.7.0.key', { submitted: at(2, 30) })],
		handed: [
			{ id: 'dask.7.1', task: null, attempt: null, submitted: at(3, 20) },
			{ id: 'other', task: 1, attempt: null, submitted: null },
		],
	};
	const a = worker('a', {
		tasks: [
			task(1, 'dask.7.1.x', { function: 'f', attempts: [attempt('a', '1.0')] }),
			task(2, 'other', { attempts: [attempt('a', '2.0')] }),
		],
		accesses: [
			access('a', '/x', { worker: 'w1', task: '1.0' }),
			access('a', '/key', { worker: 'w1', task: '2.0' }),
			access('a', '/idle', { worker: 'w1' }),
		],
	});
	const merged = mergeFacts(manager, [a]);
	// By the line at which they were submitted.
	expect(
		merged.tasks.map(({ task: number, engineId, function: name, submitted }) => [number, engineId, name, submitted?.cell]),
	).toEqual([
		[1, 'dask.7.1.x', 'f', 3],
		[2, 'dask.7.0.key', null, 2],
	]);
	expect(merged.tasks.map(({ attempts }) => attempts.map((one) => [one.attempt, one.worker, one.process]))).toEqual([
		[['1.0', 'w1', 2]],
		[['2.0', 'w1', 2]],
	]);
	expect(merged.accesses.map(({ path, cell, worker: by, task: of, process: in_ }) => [path, cell, by, of, in_])).toEqual([
		['/x', 3, 'w1', '1.0', 2],
		['/key', 2, 'w1', '2.0', 2],
		['/idle', null, 'w1', null, 2],
	]);
	expect(merged.handed.map((one) => [one.id, one.task])).toEqual([
		['dask.7.1', null],
		['other', 2],
	]);
	expect(mergeFacts(manager, [a], true).tasks.map((one) => one.engineId)).toEqual(['dask.7.0.key', 'dask.7.1.x']);
});

test('of attempts in several logs the one with the highest number that ended counts', () => {
	const manager = { ...noFacts, tasks: [task(1, 'k', { submitted: at(1, 1) })] };
	const ran = (log: string, number: string, ended: number | null) =>
		worker(log, { tasks: [task(1, 'k', { attempts: [attempt(log, `1.${number}`, { ended })] })] });
	const merged = mergeFacts(manager, [ran('a', '10', 20), ran('b', '2', 900), ran('c', '11', null)]);
	expect(merged.tasks[0]!.attempts.map((one) => [one.attempt, one.log, one.worker, one.counted])).toEqual([
		['1.2', 'b', 'w2', false],
		['1.10', 'a', 'w1', true],
		['1.11', 'c', 'w3', false],
	]);
});

test('what another log ran by the id of one attempt is that attempt, also where it is merged later', () => {
	const manager: Facts = {
		...noFacts,
		tasks: [task(1, 'first', { submitted: at(1, 1) }), task(2, 'twice', { submitted: at(2, 2) })],
		handed: ['1', '2'].map((number) => ({ id: `sent.${number}`, task: 2, attempt: number, submitted: null })),
	};
	const ran = (log: string, number: string) =>
		worker(log, {
			tasks: [task(1, `sent.${number}`, { attempts: [attempt(log, '1')] })],
			accesses: [access(log, `/${number}`, { worker: 'w1', task: '1' })],
		});
	const together = mergeFacts(manager, [ran('b', '2'), ran('a', '1')]);
	const later = mergeFacts(mergeFacts(manager, [ran('b', '2')]), [ran('a', '1')], true);
	for (const merged of [together, later]) {
		expect(merged.tasks.map(({ attempts }) => attempts.map((one) => [one.attempt, one.log, one.counted]))).toEqual([
			[],
			[
				['2.1', 'a', false],
				['2.2', 'b', true],
			],
		]);
		expect(merged.accesses.map(({ path, cell, task: of }) => [path, cell, of])).toEqual([
			['/2', 2, '2.2'],
			['/1', 2, '2.1'],
		]);
		expect(merged.handed).toEqual(manager.handed);
	}
});

test('both tries of a task in one worker’s log are two attempts, of which one counted', () => {
	const manager: Facts = {
		...noFacts,
		processes: [process('manager', 1)],
		tasks: [task(1, 'one', { submitted: at(3, 10) })],
		handed: ['1', '2'].map((number) => ({ id: `sent.${number}`, task: 1, attempt: number, submitted: null })),
	};
	const tries = ['2', '1'].map((number, n) => task(n + 1, `sent.${number}`, { attempts: [attempt('a', String(n + 1))] }));
	const merged = mergeFacts(manager, [worker('a', { tasks: tries })]);
	expect(merged.tasks.map(({ attempts }) => attempts.map((one) => [one.attempt, one.counted]))).toEqual([
		[
			['1.1', false],
			['1.2', true],
		],
	]);
});

test('a task that a task on another worker submitted is of the same cell; the same words of two hosts are two tasks', () => {
	const manager = { ...noFacts, tasks: [task(1, 'outer', { submitted: at(4, 1) })] };
	const inner = task(2, 'inner', { submitted: { log: 'a', seq: 7, cell: null, worker: 'w1', task: '1' } });
	const pool = (log: string, number: number) =>
		task(number, 'pool.3.0', { submitted: { log, seq: 8, ...nowhere, worker: 'w1' }, attempts: [attempt(log, String(number))] });
	const a = worker('a', { tasks: [task(1, 'outer', { attempts: [attempt('a', '1')] }), inner, pool('a', 3)] });
	const b = worker('b', {
		tasks: [task(1, 'inner', { attempts: [attempt('b', '1')] }), pool('b', 2)],
		accesses: [access('b', '/in', { task: '1', worker: 'w1' })],
	});
	const merged = mergeFacts(manager, [a, b]);
	expect(merged.tasks.map(({ engineId, attempts }) => [engineId, attempts.map(({ log }) => log)])).toEqual([
		['outer', ['a']],
		['inner', ['b']],
		['pool.3.0', ['a']],
		['pool.3.0', ['b']],
	]);
	expect(merged.accesses).toMatchObject([{ path: '/in', cell: 4, worker: 'w2', task: '2' }]);
	expect(merged.tasks[1]!.submitted).toMatchObject({ log: 'a', worker: 'w1', task: '1' });
});

const logs = ['a', 'b', 'c'];
const keys = fc.constantFrom('k1', 'k2', 'k3', 'dask.7.1.x', 'dask.7.1.y', 'never submitted');
const someWorker = (log: string) =>
	fc
		.record({
			ids: fc.uniqueArray(keys),
			used: fc.array(fc.record({ path: fc.constantFrom('/1', '/2', '/3'), of: fc.option(fc.nat(9), { nil: null }) })),
			processes: fc.integer({ min: 1, max: 4 }),
		})
		.map(({ ids, used, processes }): Facts => {
			const number = (of: number) => String((of % ids.length) + 1);
			return worker(log, {
				processes: Array.from({ length: processes }, (_, n) => process(log, n + 1, n === 0 ? null : n)),
				tasks: ids.map((id, n) => task(n + 1, id, { attempts: [attempt(log, String(n + 1))] })),
				accesses: used.map(({ path, of }, n) =>
					access(log, path, {
						first: n,
						process: (n % processes) + 1,
						worker: 'w1',
						task: of === null || ids.length === 0 ? null : number(of),
					}),
				),
			});
		});
const manager: Facts = {
	...noFacts,
	processes: [process('manager', 1)],
	tasks: ['k3', 'k1', 'k2'].map((id, n) => task(n + 1, id, { submitted: at(n + 1, 10 * n) })),
	handed: [{ id: 'dask.7.1', task: null, attempt: null, submitted: at(9, 5) }],
};

/** What a run says, without the numbers that depend on the order: names in their place. */
function told(facts: Facts): unknown {
	const ids = new Map(facts.tasks.map((one) => [String(one.task), one.engineId]));
	const lines = (list: readonly unknown[]) => list.map((one) => JSON.stringify(one)).toSorted();
	const hosts = new Map(facts.processes.map((one) => [one.ordinal, `${one.log} ${one.pid}`]));
	const workers = new Map(facts.workers.map((one) => [one.worker, hosts.get(one.process)]));
	return {
		accesses: lines(
			facts.accesses.map((one) => [
				one.log,
				one.path,
				one.first,
				one.cell,
				one.task && ids.get(one.task),
				hosts.get(one.process),
				one.worker && workers.get(one.worker),
			]),
		),
		tasks: lines(facts.tasks.map((one) => [one.engineId, one.submitted?.cell, lines(one.attempts.map(({ log }) => log))])),
		processes: lines(facts.processes.map((one) => [hosts.get(one.ordinal), one.parent && hosts.get(one.parent)])),
	};
}

test('merged in any order, at once or one after another, a run says the same, and loses and adds nothing', () => {
	fc.assert(
		fc.property(fc.tuple(...logs.map(someWorker)), fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), (workers, order) => {
			const merged = mergeFacts(manager, workers);
			const shuffled = mergeFacts(
				manager,
				order.map((n) => workers[n]!),
			);
			const oneByOne = order.reduce<Facts>((sum, n) => mergeFacts(sum, [workers[n]!], true), manager);
			expect(told(shuffled)).toEqual(told(merged));
			expect(told(oneByOne)).toEqual(told(merged));
			expect(merged.accesses.map(({ log, path, first }) => [log, path, first])).toEqual(
				workers.flatMap((one) => one.accesses.map(({ log, path, first }) => [log, path, first])),
			);
			for (const facts of [merged, oneByOne]) {
				expect(new Set(facts.processes.map(({ ordinal }) => ordinal)).size).toBe(facts.processes.length);
				expect(facts.tasks.map((one) => one.task)).toEqual(facts.tasks.map((_, n) => n + 1));
				expect(facts.workers.map((one) => one.worker)).toEqual(['w1', 'w2', 'w3']);
			}
		}),
	);
});

test('a task that a worker ran is that of the manager that had its port when the worker reached it, a mini-task the worker’s own', () => {
	const manager: Facts = {
		...noFacts,
		processes: [process('manager', 1)],
		tasks: ['9123.1', '9123-2.1', '9123-3.1', '9124.1'].map((id, n) =>
			task(n + 1, `taskvine.${id}`, { submitted: at(n + 1, n * 10 + 1) }),
		),
		handed: [
			...['9123.born.1.1000', '9123.born.2.2000', '9123.born.3.3000', '9124.born.1.2500'].map((id) => ({
				...{ id: `taskvine.${id}`, task: null, attempt: null, submitted: at(1, 1) },
			})),
			// As the manager's own log joins them.
			{ id: 'taskvine.9123.1', task: 3, attempt: null, submitted: null },
		],
	};
	const ran = (log: string, ids: readonly string[], bootId = 'b') =>
		worker(log, {
			processes: [{ ...process(log, 1), bootId }],
			tasks: ids.map((id, n) => task(n + 1, `taskvine.${id}`, { attempts: [attempt(log, String(n + 1))] })),
		});
	const of = (facts: Facts) =>
		facts.tasks.map(({ engineId, attempts }) => [engineId.slice(9), ...attempts.map(({ log }) => log)].join(' '));
	// One worked for two of them; of one the clock goes behind.
	const a = ran('a', ['9123,1999.1', '9123,3000.1', '9123,3000.mini.1.1']);
	const b = ran('b', ['9123,2000.1', '9124,3500.1', '9123,2000.mini.1.1']);
	const c = ran('c', ['9123,5.1']);
	const merged = mergeFacts(manager, [a, b, c]);
	expect(of(merged)).toEqual([
		'9123.1 a c',
		'9123-2.1 b',
		'9123-3.1 a',
		'9124.1 b',
		'9123-3.mini.a.1.1 a',
		'9123-2.mini.b.1.1 b',
	]);
	expect(merged.doubts).toEqual([]);
	expect(of(mergeFacts(mergeFacts(manager, [a, b]), [c], true)), 'as when it reports later').toEqual(of(merged));

	// A worker was lost, or reached its manager anew: each time that the task ran is told.
	const d = worker('d', {
		tasks: ['9124,3000.1', '9124,3100.1'].map((id, n) =>
			task(n + 1, `taskvine.${id}`, { engine: 'taskvine', attempts: [attempt('d', String(n + 1))] }),
		),
		accesses: [access('d', '/one', { task: '1' }), access('d', '/two', { task: '2' })],
	});
	const again = mergeFacts(mergeFacts(manager, [b]), [d], true);
	expect(again.tasks[3]!.attempts.map((one) => `${one.log} ${one.attempt}`)).toEqual(['b 4', 'd 4.2', 'd 4.3']);
	expect(again.accesses.map(({ path, task: of }) => [path, of])).toEqual([
		['/one', '4.2'],
		['/two', '4.3'],
	]);

	const elsewhere = mergeFacts(manager, [ran('d', ['9123,2500.1'], 'another'), ran('e', ['9124,3500.1'], 'another')]);
	expect(elsewhere.doubts.map(({ code, message }) => [code, message.split(' is told', 1)[0]])).toEqual([
		['CELLAR_CLOCK_TRUSTED', 'which of 3 managers at port 9123 a worker on d worked for'],
	]);
	expect(of(elsewhere)[1]).toBe('9123-2.1 d');
});
