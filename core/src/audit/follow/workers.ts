import { basename } from 'node:path';
import type { Name, Seq, WorkerFact, WorkerId } from '../../model/index.ts';
import type { MarkedWorker, Process, Thread } from './threads.ts';

/** Programs that an engine starts its workers as, told by the words of their arguments. */
const started: readonly (readonly [engine: string, isIt: (word: string) => boolean])[] = [
	['multiprocessing.spawn', (word) => word.includes('from multiprocessing.spawn import spawn_main')],
	['loky', (word) => /(?:^|\.)popen_loky_posix$/.test(word)],
	['ipyparallel', (word) => word === 'ipyparallel.engine'],
	['ray', (word) => word.endsWith('/ray/_private/workers/default_worker.py')],
];

/** The engine whose worker a program is, by its arguments; null for every other program. */
export function engineOf(argv: readonly string[]): string | null {
	return started.find(([, isIt]) => argv.some(isIt))?.[0] ?? null;
}

/** multiprocessing's fork server: it is no worker, its forked children are. From Python 3.14 on, `import sys; ` comes first. */
export function isForkServer(argv: readonly string[]): boolean {
	return argv.some((word) => word.includes('from multiprocessing.forkserver import main'));
}

/** An engine's own program that hands out tasks: what it forks are no workers. */
export function isServer(argv: readonly string[]): boolean {
	return argv.includes('ipyparallel.controller');
}

/** Who is whose worker, as it is known by now. */
export interface Workers {
	readonly facts: readonly WorkerFact[];
	/** By the worker that a thread marked itself, or the first of its process's ancestors that is one. */
	idOf(process: Process, marked: MarkedWorker | null): WorkerId | null;
}

/**
 * Decides which processes were workers. A fork is one when it has never called `execve` by now, so this is right of every
 * process that has ended, and a guess of those that go on.
 *
 * @param threads all of the log, in order of appearance
 * @param kernel whose children by `fork` are workers, and those of processes that run the same program; null where no fork is
 */
export function findWorkers(threads: readonly Thread[], marked: readonly MarkedWorker[], kernel: Process | null): Workers {
	interface Found {
		readonly process: Process;
		readonly born: Seq;
		engine: string;
		mark: MarkedWorker | null;
	}
	const byProcess = new Map<Process, Found>();
	const all: Found[] = [];
	for (const thread of threads) {
		const { process } = thread;
		if (process.leader !== thread || thread.own) continue;
		const above = process.parent === null ? undefined : byProcess.get(process.parent);
		if (above !== undefined) {
			byProcess.set(process, above);
			continue;
		}
		const engine = engineOfProcess(process, kernel);
		if (engine === null) continue;
		const found: Found = { process, born: thread.born, engine, mark: null };
		byProcess.set(process, found);
		all.push(found);
	}
	const byMark = new Map<MarkedWorker, Found>();
	const byName = new Map<string, Found>();
	for (const mark of marked) {
		const { process } = mark.thread;
		const engine = mark.id.split('.', 1)[0] ?? mark.id;
		const name = `${process.leader.ordinal} ${mark.id}`;
		let found = byName.get(name) ?? byProcess.get(process);
		// What a process was recognised as and what it calls itself is one worker; a second name in it is another, and threads of one name are one.
		if (found === undefined || found.process !== process || (found.mark !== null && found.mark.id !== mark.id)) {
			found = { process, born: mark.seq, engine, mark };
			all.push(found);
		}
		found.engine = engine;
		found.mark = mark;
		byMark.set(mark, found);
		byName.set(name, found);
	}
	all.sort((a, b) => a.born - b.born);
	const ids = new Map(all.map((found, at) => [found, `w${at + 1}`]));
	return {
		facts: all.map((found) => ({
			worker: ids.get(found)!, // made of the same list
			process: found.process.leader.ordinal,
			engine: found.engine,
			pid: found.process.leader.pid,
			born: found.born,
		})),
		idOf(process, mark) {
			const found = mark === null ? byProcess.get(process) : byMark.get(mark);
			return found === undefined ? null : (ids.get(found) ?? null);
		},
	};
}

function engineOfProcess(process: Process, kernel: Process | null): string | null {
	if (process.vine?.place === 'worker') return 'taskvine';
	if (kernel === null || process.noWorker) return null;
	if (process.engine !== null) return process.engine;
	const { made, parent } = process;
	for (let above = parent; above !== null; above = above.parent) if (above.noWorker) return null;
	if (made === null || parent === null || made.waits || made.sharesMemory || process.triedExec) return null;
	// What was forked before the kernel became what it is: R is started by a shell script that forks for `$( … )`.
	if (kernel.executed !== null && process.leader.born < kernel.executed) return null;
	if (parent.requests !== null) return 'multiprocessing.forkserver';
	// A shell forks too, for `( … )` and `… | while`: only a program of the kernel's own kind makes workers by it.
	return parent === kernel || (parent.program !== null && programOf(parent) === programOf(kernel)) ? 'fork' : null;
}

/** `python3.11`, `python3` and `python` are one program. */
function programOf(process: Process): Name | null {
	return process.program === null ? null : basename(process.program).replace(/[\d.]+$/, '');
}
