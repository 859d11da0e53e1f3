import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createUnion, describe, judge, openMachine, parseSelector } from '../../core/src/dependencies/index.ts';
import {
	columnsOf,
	createPathNumbers,
	hows,
	noFacts,
	type Access,
	type Change,
	type Dependencies,
	type Facts,
	type FactsWithoutAccesses,
	type FileFact,
	type ProcessFact,
	type Run,
	type TaskFact,
	type Use,
	type WorkerFact,
} from '../../core/src/model/index.ts';
import { look } from '../../core/src/store/index.ts';
import { folder, installed, runOf } from './facts.ts';

/** Each worker's log has the worker's own process, that of a second worker which was forked from it, and one that takes tasks. */
const processesOfLog = 3;

interface Told {
	readonly log: number;
	readonly process: number;
	readonly path: number;
	readonly how: Access['how'];
	readonly lines: number;
	readonly task: number;
	readonly ambiguous: boolean;
}

const told: fc.Arbitrary<Told> = fc.record({
	log: fc.integer({ min: 0, max: 3 }),
	process: fc.integer({ min: 0, max: processesOfLog - 1 }),
	// Mostly as workers do: they read what all read, for no task.
	path: fc.oneof(
		{ weight: 2, arbitrary: fc.integer({ min: 0, max: 3 }) },
		{ weight: 1, arbitrary: fc.integer({ min: 0, max: 15 }) },
	),
	how: fc.oneof({ weight: 3, arbitrary: fc.constant('read' as const) }, { weight: 2, arbitrary: fc.constantFrom(...hows) }),
	lines: fc.integer({ min: 0, max: 4 }),
	task: fc.integer({ min: -3, max: 1 }),
	ambiguous: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});

const changed = fc.record({
	log: fc.integer({ min: 0, max: 3 }),
	kind: fc.constantFrom('rename' as const, 'remove' as const, 'link' as const),
	from: fc.integer({ min: 0, max: 15 }),
	to: fc.integer({ min: 0, max: 15 }),
});

const logOf = (log: number) => (log === 0 ? 'manager' : `host-${log}`);
const workerOf = (log: number, process: number) => (log === 0 ? null : `w${log * 2 - (process === 1 ? 0 : 1)}`);
const taskOf = (log: number, task: number) => (log - 1) * 2 + task + 1;

/** What a few logs told. A line is of one log alone, so that of no two it is a matter of chance which comes first. */
function factsOf(
	paths: readonly string[],
	uses: readonly Told[],
	changes: readonly { log: number; kind: Change['kind']; from: number; to: number }[],
): Facts {
	const logs = 4;
	const processes: ProcessFact[] = [];
	const workers: WorkerFact[] = [];
	const tasks: TaskFact[] = [];
	const nowhere = { cell: null, worker: null, task: null };
	const lineOf = (log: number, at: number) => (at + 1) * logs + log;
	for (let log = 0; log < logs; log++) {
		for (let at = 0; at < processesOfLog; at++) {
			const ordinal = log * processesOfLog + at + 1;
			const forked = at === 1 ? { inheritsFrom: ordinal - 1, untilSeq: lineOf(log, 30) } : { inheritsFrom: null, untilSeq: null };
			processes.push({
				...{ ordinal, log: logOf(log), kind: 'process', process: ordinal, parent: at === 0 ? null : ordinal - at, pid: ordinal },
				...{ pidInside: null, host: 'h', bootId: 'b', ...forked, born: 1, ended: null, exitCode: null, signal: null, ...nowhere },
			});
			const worker = workerOf(log, at);
			if (worker !== null && at < 2) workers.push({ worker, process: ordinal, engine: 'dask', pid: ordinal, born: 1 });
		}
		for (const task of log === 0 ? [] : [0, 1]) {
			const process = log * processesOfLog + processesOfLog;
			const number = taskOf(log, task);
			const attempt = {
				log: logOf(log),
				attempt: `${number}`,
				counted: true,
				process,
				thread: process,
				worker: workerOf(log, 2),
			};
			tasks.push({
				...{ task: number, engine: 'dask', engineId: `dask.${number}`, function: task === 0 ? 'first' : 'second' },
				...{ submitted: { log: 'manager', seq: 4, ...nowhere, cell: (number % 2) + 1 } },
				attempts: [{ ...attempt, begun: lineOf(log, 20 + task * 10), ended: null }],
			});
		}
	}
	const accesses = uses.map(({ log, process, path, how, lines, task, ambiguous }, at): Access => {
		const number = log === 0 || task < 0 ? null : taskOf(log, task);
		const ordinal = log * processesOfLog + process + 1;
		return {
			...{ log: logOf(log), process: ordinal, thread: ordinal, worker: workerOf(log, process) },
			...{
				cell: number === null ? (log === 0 && task >= 0 ? task + 1 : null) : (number % 2) + 1,
				task: number === null ? null : `${number}`,
			},
			...{ during: null, ambiguous: ambiguous && log > 0, path: paths[path % paths.length]!, how },
			...{ first: lineOf(log, at), last: lineOf(log, at + lines), count: lines + 1 },
		};
	});
	return {
		...noFacts,
		...{ processes, workers, tasks },
		// Log by log, as they are merged.
		accesses: accesses.toSorted((a, b) => a.process - b.process || a.first - b.first),
		changes: changes.map(({ log, kind, from, to }, at) => {
			const process = log * processesOfLog + 1;
			const names = { from: kind === 'remove' ? null : paths[from % paths.length]!, to: paths[to % paths.length]! };
			return {
				log: logOf(log),
				seq: lineOf(log, at * 7),
				process,
				thread: process,
				...nowhere,
				worker: workerOf(log, 0),
				kind,
				...names,
			};
		}),
	};
}

test('what is judged of a union with counts is what is judged of every access by itself', () => {
	const place = folder();
	const site = join(place, 'venv/lib/python3.11/site-packages');
	installed(site, 'shared', '1.0', {
		'shared/__init__.py': '',
		'shared/part.py': '',
		'shared/fast.so': '',
		'shared/table.csv': 'x',
	});
	installed(site, 'rare', '2.0', { 'rare/__init__.py': '' });
	const project = join(place, 'project');
	for (const path of ['in.csv', 'out.csv', 'folder/a.txt', 'own.py', 'lib/libown.so.1']) {
		mkdirSync(dirname(join(project, path)), { recursive: true });
		writeFileSync(join(project, path), path);
	}
	// What is shared most comes first.
	const packaged = ['shared/__init__.py', 'shared/part.py', 'shared/table.csv', 'rare/__init__.py', 'shared/fast.so'];
	const paths = [
		...packaged.map((path) => join(site, path)),
		...['in.csv', 'own.py', 'folder', 'folder/a.txt', 'out.csv', 'lib/libown.so.1', 'gone.txt', 'folder/gone.txt'].map((path) =>
			join(project, path),
		),
		...['/etc/hosts', '/etc/nothing', '/tmp/gone/x'],
	];
	const machine = openMachine();
	const files = new Map(
		paths.map((path): [string, FileFact] => {
			const { born: _, target: __, ...seen } = look(path);
			const unknown = { sha256Before: null, sha256After: null, blobBefore: null, blobAfter: null, whyNoBlob: null };
			return [path, { ...seen, existedBefore: seen.kind === 'gone' ? null : !path.endsWith('out.csv'), ...unknown }];
		}),
	);
	const tell = (facts: Facts, run: Run, selector: string): Dependencies => {
		const judgement = judge({ run, facts, files, cells: [], machine });
		return describe(judgement, files, parseSelector(selector, run, facts.tasks));
	};
	let shared = 0;
	fc.assert(
		fc.property(
			fc.array(told, { minLength: 25, maxLength: 60, size: 'max' }),
			fc.array(changed, { maxLength: 3 }),
			(uses, changes) => {
				const facts = factsOf(paths, uses, changes);
				const together = { ...facts, accesses: unionOf(facts, [facts.accesses]) };
				shared += facts.accesses.length - together.accesses.length;
				const environment = { PYTHONPATH: site };
				const run = runOf({
					...{ started: Date.now(), folder: project, home: join(place, 'home'), workers: facts.workers, cells: [] },
					...{ accesses: [{ cell: 2 }], run: { circumstances: { environment } } },
				});
				for (const selector of ['run', 'manager', 'workers', 'worker:w1', 'worker:w4', 'cell:1', 'task:2', 'function:second'])
					expect(tell(together, run, selector)).toEqual(tell(facts, run, selector));
			},
		),
		{ numRuns: 30 },
	);
	expect(shared, 'uses that several had').toBeGreaterThan(50);
});

function unionOf(facts: FactsWithoutAccesses, pieces: readonly (readonly Access[])[]): Use[] {
	const paths = createPathNumbers();
	const union = createUnion(facts, paths);
	for (const piece of pieces) {
		const columns = columnsOf(piece);
		union.add(columns, paths.of(columns.path));
	}
	return union.uses();
}

/** Two workers' logs that used the same, by lines that differ. */
function sameUse(path: string, o: Partial<Access> = {}): Access[] {
	const scope = { cell: null, task: null, during: null, ambiguous: false };
	return [1, 2].map((log) => {
		const process = (log + 1) * processesOfLog;
		const lines = { first: 30 - log, last: 30 + log, count: log };
		return { ...scope, log: logOf(log), worker: workerOf(log, 0), process, thread: process, path, how: 'read', ...lines, ...o };
	});
}

test('what two workers read is one use: the earlier, to the last line, with both counts and who did it; none is lost of three', () => {
	const [a, b] = sameUse('/data/in.csv');
	const third = { ...a!, log: logOf(3), worker: workerOf(3, 0), process: 4 * processesOfLog, first: 50, last: 60 };
	const [use, ...others] = unionOf(factsOf([], [], []), [[a!], [b!], [third]]);
	expect(others).toEqual([]);
	expect(use).toMatchObject({ ...b!, first: 28, last: 60, count: 4 });
	expect([...use!.shared!.by.workers]).toEqual(['w1', 'w3', 'w5']);
	expect(use!.shared!.logs).toBe(3);
	for (const [worker, line] of Object.entries({ w1: 29, w3: 28, w5: 50 })) {
		expect(
			use!.shared!.someFirst((one, first) => one === worker && first === line),
			worker,
		).toBe(true);
		expect(
			use!.shared!.someFirst((one, first) => one === worker && first !== line),
			worker,
		).toBe(false);
	}
});

test('what is judged by its process or by the order of lines stays apart', () => {
	const nowhere = { cell: null, worker: 'w1', task: null, log: logOf(1), process: 4, thread: 4, seq: 40 };
	const facts: Facts = {
		...factsOf([], [], []),
		changes: [
			{ ...nowhere, kind: 'rename', from: '/data/part', to: '/data/whole' },
			{ ...nowhere, kind: 'remove', from: null, to: '/data/old.csv' },
		],
		execs: [{ ...nowhere, path: '/lib64/ld-linux-x86-64.so.2', argv: ['ld-linux-x86-64.so.2', '/opt/tool'] }],
	};
	const apart = [
		...sameUse('/opt/libtool.so.1'),
		...sameUse('/opt/tool'),
		...sameUse('/data/part/a.csv'),
		...sameUse('/data/old.csv'),
		...sameUse('/data/out.csv', { how: 'create' }),
	];
	expect(unionOf(facts, [apart])).toEqual(apart);
});
