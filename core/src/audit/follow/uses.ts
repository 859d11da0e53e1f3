import { parseMark, type Change, type How, type Name, type Seq } from '../../model/index.ts';
import { takeFolder, takeGone, takeMoved } from '../engines/taskvine.ts';
import { openFlags, type OpenCall, type PairCall, type PathCall } from '../log/events.ts';
import { howOfCall, howOfOpen } from './hows.ts';
import { settled } from './scopes.ts';
import { doubtProgram, type State } from './state.ts';
import type { Thread } from './threads.ts';

interface Asked {
	readonly seq: Seq;
	readonly folder: Name | null;
	readonly working: boolean;
	readonly path: Name | null;
}

/**
 * The absolute name that a call means. What the call shows of the working folder is kept for calls that show none.
 *
 * @param shown what was opened, by `-y`
 * @returns null, with a doubt, where nothing tells it
 */
export function nameOf({ paths, doubts }: State, thread: Thread, call: Asked, shown: Name | null = null): Name | null {
	const { folders } = thread;
	if (call.working && call.folder !== null && call.folder !== folders.working) {
		folders.working = withoutDeleted(call.folder, folders.working);
		folders.real = true;
		paths.show(folders.working, true);
	}
	if (call.path === null) return null;
	const folder = call.working ? folders.working : (call.folder ?? folders.working);
	const isReal = call.folder !== null || folders.real;
	const name = paths.absolute(call.path, folder, isReal, folders.root, shown);
	if (name === null) doubts.add('CELLAR_RELATIVE_PATH', '', call.seq, `${call.path} is relative to a folder that is not known`);
	return name;
}

const deleted = ' (deleted)';

/** strace shows a working folder that was deleted as the kernel writes it; a folder may really be called so. */
function withoutDeleted(shown: Name, known: Name | null): Name {
	return shown.endsWith(deleted) && shown !== known ? shown.slice(0, -deleted.length) : shown;
}

/** Counts an access. @returns its row */
export function use(state: State, thread: Thread, seq: Seq, path: Name, how: How): number {
	const { marking, options, accesses } = state;
	const scope = marking.scopeOf(thread, seq);
	const known = accesses.pathCount;
	const row = accesses.add(accesses.ownerOf(thread, scope), accesses.useOf(path, how), seq, marking.cells.activeAt(seq));
	if (options.onFirstUse === undefined || accesses.pathCount === known) return row;
	const { cell, task } = settled(scope);
	options.onFirstUse({ path, how, seq, scope: { cell, worker: null, task } });
	return row;
}

/**
 * Remembers what a call was that has just been counted, where others that say the same are the same use: what is relative to a
 * folder that they do not show is not, nor what more may become known of later.
 */
function learn({ accesses, options }: State, { folders }: Thread, call: OpenCall | PathCall, path: Name, row: number): void {
	if (call.said === undefined || call.path === null || folders.root !== null || path === options.connectionFile) return;
	if (call.path.includes('..') || (call.folder === null && !call.path.startsWith('/'))) return;
	// Shown as deleted: another thread's folder may really be called so.
	if (call.working && call.folder !== null && call.folder !== folders.working) return;
	accesses.learn(call.said, row, call.working ? call.folder : null);
}

/**
 * Counts a call that says what another one said, without looking at what that is.
 *
 * @returns false where it has to be looked at: this thread may mean another file by it, or it does more than use one
 */
export function takeAgain({ accesses, marking }: State, thread: Thread, said: number, seq: Seq): boolean {
	const { own, folders, lookup } = thread;
	if (own || folders.root !== null || lookup !== null) return false;
	const row = accesses.calls.rowOf(said, folders.working);
	if (row < 0) return false;
	const owner = accesses.ownerOf(thread, marking.scopeOf(thread, seq));
	if (!accesses.calls.repeat(said, owner, seq)) accesses.addAs(row, owner, said, seq, marking.cells.activeAt(seq));
	return true;
}

/** Applies the mark that a path is, unless it was applied when its call began. */
function isMark({ options, marking }: State, thread: Thread, path: Name, seq: Seq): boolean {
	const mark = parseMark(options.nonce, path);
	if (mark === null) return false;
	if (!thread.counted.delete(seq)) marking.apply(mark, thread, seq);
	return true;
}

export function takeOpen(state: State, thread: Thread, call: OpenCall): void {
	const { seq } = call;
	// A shell that cannot look without opening marks by that.
	if (call.failure === 'ENOENT' && call.path !== null && isMark(state, thread, call.path, seq)) return;
	if (call.opened !== null) state.paths.show(call.opened, (call.flags & openFlags.directory) !== 0);
	const name = call.byHandle ? call.opened : nameOf(state, thread, call, call.opened);
	if (thread.own) return;
	if (call.byHandle) {
		doubtProgram(state, 'CELLAR_BY_HANDLE', thread, seq, 'opened files by handle: of those without a name nothing is known');
	}
	const how = howOfOpen(call.flags, call.failure);
	if (name === null || how === null) return;
	// That a folder was opened says only that it is there: whether its names were read is told by the calls that do so.
	if (how === 'list' && call.failure === null) {
		if (call.opened === null) return;
		if (call.opened === name) thread.process.folders.delete(name);
		else thread.process.folders.set(call.opened, name);
		return;
	}
	const { marking, options } = state;
	// A wrapper (`conda run`, a shell script) may be what was started: the kernel is who reads what was made for it.
	if (name === options.connectionFile && how === 'read' && marking.cells.untouched) marking.runner = thread.process.leader;
	const row = use(state, thread, seq, name, how);
	if (!call.byHandle) learn(state, thread, call, name, row);
}

export function takePath(state: State, thread: Thread, call: PathCall): void {
	const { seq, failure } = call;
	if (call.call === 'look' && call.path !== null && isMark(state, thread, call.path, seq)) return;
	if (call.call === 'list') {
		if (call.folder !== null && failure === null && !thread.own)
			use(state, thread, seq, thread.process.folders.get(call.folder) ?? call.folder, 'list');
		return;
	}
	// By the descriptor alone: the file was opened before.
	if (call.path === '' && call.call !== 'change folder') return;
	const name = nameOf(state, thread, call);
	if (name === null) return;
	if (failure === null && call.call === 'change folder') {
		Object.assign(thread.folders, { working: name, real: call.path === '' });
		if (thread.process.vine !== null) takeGone(state.marking, thread, name, seq);
	}
	if (failure === null && call.call === 'change root') thread.folders.root = name;
	if (thread.own) return;
	const how = howOfCall(call.call, failure);
	const tells = call.call === 'make' && takeFolder(thread, name);
	if (how !== null) {
		const row = use(state, thread, seq, name, how);
		// What changes the thread is never only a use.
		if (!tells && call.call !== 'change folder' && call.call !== 'change root') learn(state, thread, call, name, row);
	} else if (failure === null) change(state, thread, seq, 'remove', null, name);
}

/** What a descriptor is called in /proc: the file behind it has another name, or none. */
const byDescriptor = /^\/proc\/[^/]+\/(?:task\/[^/]+\/)?fd\/|^\/dev\/fd\//;

export function takePair(state: State, thread: Thread, call: PairCall): void {
	const { seq } = call;
	const to = nameOf(state, thread, call);
	if (thread.own || call.failure !== null || to === null) return;
	if (call.call === 'symlink') {
		change(state, thread, seq, 'symlink', call.from?.startsWith('/') ? call.from : null, to);
		return;
	}
	const from =
		call.from === null || byDescriptor.test(call.from)
			? null
			: nameOf(state, thread, { seq, folder: call.fromFolder, working: false, path: call.from });
	// A file without a name, by O_TMPFILE, gets one: nothing else tells that it was written.
	if (call.call === 'link' && from === null) use(state, thread, seq, to, 'create');
	if (thread.process.vine !== null && call.call === 'rename' && from !== null) takeMoved(thread, from, to, seq);
	change(state, thread, seq, call.call === 'exchange' ? 'rename' : call.call, from, to);
	if (call.call === 'exchange' && from !== null) change(state, thread, seq, 'rename', to, from);
}

function change(state: State, thread: Thread, seq: Seq, kind: Change['kind'], from: Name | null, to: Name): void {
	state.changes.push({ fact: { seq, kind, from, to }, thread, scope: state.marking.scopeOf(thread, seq) });
}
