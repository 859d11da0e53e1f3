import type { Name, Seq } from '../../model/index.ts';
import type { Marking } from '../follow/marking.ts';
import type { AttemptTrace, Process, Thread, VineWorker } from '../follow/threads.ts';

/**
 * TaskVine's workers and tasks, told by what a worker does to its own folders: nothing is marked, for a task may be any command.
 * Each task runs in a folder of its own below the worker's workspace, and the process that is to be the task goes there first:
 * `task.N` and `mini.K` in a child of the worker, `func.N` in a library's process, or in one that it forks.
 */

/** The folders that a worker makes in its workspace when it starts, in this order. */
const parts = ['cache', 'transfer', 'temp', 'trash'];
const isPart = /\/(cache|transfer|temp|trash)$/;
const sandbox = /^(task|func|mini|libr)\.(\d+)$/;

/**
 * A folder was made, or was there: a worker is told by those that it makes when it starts.
 *
 * @returns whether it may be one of them: then the same call has to be looked at each time
 */
export function takeFolder({ process }: Thread, name: Name): boolean {
	if (process.vine !== null || !isPart.test(name)) return false;
	const at = name.lastIndexOf('/');
	const [folder, part] = [name.slice(0, at), name.slice(at + 1)];
	const known = process.workspace;
	const next = known?.folder === folder ? known.parts : 0;
	if (part !== parts[next]) process.workspace = part === parts[0] ? { folder, parts: 1 } : null;
	else if (next + 1 < parts.length) process.workspace = { folder, parts: next + 1 };
	else becameWorker(process, folder);
	return true;
}

function becameWorker(process: Process, workspace: Name): void {
	process.workspace = null;
	const worker: VineWorker = {
		workspace,
		process,
		manager: process.reached,
		running: new Map(),
	};
	process.engine = 'taskvine';
	process.vine = { place: 'worker', worker };
}

/** What a process has of its maker: below a worker each is a transfer until it goes to a task's folder. */
export function bornBelow(maker: Process['vine']): Process['vine'] {
	return maker?.place === 'worker' ? { place: 'transfer', worker: maker.worker } : maker;
}

/** A worker reached an address: the last one before a task is that of its manager. @param at null where the manager's own log tells it */
export function takeReached(process: Process, port: number, at: number | null): void {
	// In a log of its own nothing but the time tells which of several managers it was that had this port.
	const manager = at === null ? String(port) : `${port},${Math.floor(at * 1000)}`;
	if (process.vine === null) process.reached = manager;
	else if (process.vine.place === 'worker') process.vine.worker.manager = manager;
}

/** A process below a worker has gone to another folder. */
export function takeGone(marking: Marking, thread: Thread, name: Name, seq: Seq): void {
	const { vine } = thread.process;
	if (vine === null || vine.place === 'worker' || vine.place === 'task') return;
	const { worker } = vine;
	const id = sandboxOf(worker, name);
	if (id === null) return;
	const kind = id.slice(0, 4);
	if (vine.place === 'transfer') {
		if (kind === 'libr') thread.process.vine = { place: 'library', worker };
		else if (kind !== 'func') {
			thread.process.vine = { place: 'task', worker };
			begin(marking, thread, worker, id, seq);
		}
	} else if (kind === 'func') begin(marking, thread, worker, id, seq);
	else if (kind === 'libr') end(marking, thread, seq);
}

function begin(marking: Marking, thread: Thread, worker: VineWorker, id: string, seq: Seq): void {
	const [kind, number] = [id.slice(0, 4), id.slice(5)];
	const manager = `taskvine.${worker.manager ?? 0}`;
	const { leader } = worker.process;
	// A mini-task has a number of its worker's own.
	const engineId = kind === 'mini' ? `${manager}.mini.${leader.ordinal}.${number}` : `${manager}.${number}`;
	const trace = marking.begin(engineId, kind === 'mini' ? 'mini-task' : null, thread, seq);
	trace.lost = true;
	worker.running.set(id, trace);
}

/** In direct mode a library runs a function itself, and goes back to its own folder. */
function end(marking: Marking, thread: Thread, seq: Seq): void {
	const task = thread.tasks.at(-1);
	if (task === undefined) return;
	marking.end(task.id, thread, seq);
}

/** A worker moves the folder of a task that has ended away: what the task does from then on is late. */
export function takeMoved({ process }: Thread, from: Name, to: Name, seq: Seq): void {
	const { vine } = process;
	if (vine === null || vine.place !== 'worker' || !to.startsWith(`${vine.worker.workspace}/trash/`)) return;
	const { worker } = vine;
	const id = sandboxOf(worker, from);
	const trace: AttemptTrace | undefined = id === null ? undefined : worker.running.get(id);
	if (id === null || trace === undefined) return;
	worker.running.delete(id);
	trace.ended = seq;
	trace.lost = false;
}

/** `task.7` of a path that is the sandbox itself; null for all others. */
function sandboxOf({ workspace }: VineWorker, name: Name): string | null {
	if (name[workspace.length] !== '/' || !name.startsWith(workspace)) return null;
	const own = name.slice(workspace.length + 1);
	return sandbox.test(own) ? own : null;
}
