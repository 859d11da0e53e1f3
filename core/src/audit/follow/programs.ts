import { basename } from 'node:path';
import { parseMark, redactArgv, type Name, type Seq } from '../../model/index.ts';
import { takeReached } from '../engines/taskvine.ts';
import type {
	CallBegan,
	CallEvent,
	ExecCall,
	Failure,
	LookupCall,
	NetworkCall,
	Superseded,
	ThreadEnded,
	WorldCall,
} from '../log/events.ts';
import { howOfCall } from './hows.ts';
import { doubtProgram, type State } from './state.ts';
import type { Thread } from './threads.ts';
import { nameOf, use } from './uses.ts';
import { engineOf, isForkServer, isServer } from './workers.ts';

export function takeExec(state: State, thread: Thread, call: ExecCall): void {
	const { process } = thread;
	const { files, doubts, execs, marking } = state;
	const { seq, failure, argv } = call;
	if (thread.parent === null && process.program === null && argv.includes(state.options.nonce)) thread.own = true;
	const asked = nameOf(state, thread, call);
	if (thread.own) {
		if (!becomesProgram(state, thread, call)) {
			process.program ??= asked;
			return;
		}
		enter(state, thread);
	}
	process.triedExec = true;
	const name = asked === '/proc/self/exe' ? (process.program ?? asked) : asked;
	const how = howOfCall('exec', failure);
	if (name === null || how === null) return;
	const inMemory = call.path === '' && name.endsWith(' (deleted)');
	if (!inMemory) use(state, thread, seq, name, how);
	if (failure !== null) return;
	if (isDeputy(state, thread, name)) marking.deputies.add(thread);
	if (process.executed === null && (thread.parent?.own ?? true)) thread.bornAt = call.at;
	became(state, thread, name, call);
	const isPath = (word: string) => files.exists(word.startsWith('/') ? word : `${thread.folders.working ?? ''}/${word}`);
	execs.push({ fact: { seq, path: name, argv: redactArgv(argv, isPath) }, thread, scope: marking.scopeOf(thread, seq) });
	if (!inMemory && files.setuid(name)) {
		const message = `${basename(name)} runs with another user's rights where it is not traced: what it used may be missing`;
		doubts.add('CELLAR_SETUID', name, seq, message);
	}
}

/** The kernel hands its cells to a program of their language that it started before the first of them, as the kernel for bash does. */
function isDeputy({ marking, options }: State, { process, birth }: Thread, name: Name): boolean {
	if (birth.cell !== null || process.parent === null || process.parent !== marking.runner?.process) return false;
	return basename(name) === options.language;
}

/** The launcher executes what undoes the shell's environment, and then the program; a sandbox starts it somewhere below. */
function becomesProgram({ marking, options }: State, thread: Thread, { failure, argv }: ExecCall): boolean {
	if (failure !== null || marking.execsLeft === null) return false;
	if (options.program !== undefined) return isSame(argv, options.program);
	return thread.parent === null && marking.execsLeft-- === 0;
}

/** The tracer cuts long words, and long lists. */
function isSame(argv: readonly Name[], program: readonly Name[]): boolean {
	if (argv.length !== program.length && argv.at(-1) !== '…') return false;
	return argv.every((word, at) =>
		word.endsWith('…') ? (program[at] ?? '').startsWith(word.slice(0, -1)) : word === program[at],
	);
}

/** The run begins with this thread. Inside a sandbox it takes the place of the one that was launched. */
function enter({ marking, tree, paths, accesses }: State, thread: Thread): void {
	thread.own = false;
	if (thread.parent === null) return;
	const [launched] = tree.all;
	thread.ordinal = launched!.ordinal; // whoever has a parent is not the first
	launched!.ordinal = 0;
	marking.runner = thread;
	paths.forget();
	accesses.calls.forget();
}

function became(state: State, thread: Thread, name: Name, { argv, seq }: ExecCall): void {
	const { process } = thread;
	process.program = name;
	process.executed = seq;
	process.engine = engineOf(argv);
	process.noWorker = isServer(argv);
	process.requests = isForkServer(argv) ? [] : null;
	// multiprocessing binds the address and starts the server in one breath, on one thread.
	const address = thread.parent?.bound ?? null;
	if (process.requests !== null && address !== null) state.servers.set(address, process);
}

export function takeNetwork(state: State, thread: Thread, call: NetworkCall): void {
	const { seq, address, port, failure } = call;
	if (thread.own || address === null) return;
	if (call.call === 'connect' && port !== null && port !== domain) {
		takeReached(thread.process, port, state.options.log === 'manager' ? null : call.at);
	}
	if (call.call === 'connect') ask(state, thread, { seq, address, failure, began: false });
	else if (failure !== null) return;
	else thread.bound = address;
	const scope = state.marking.scopeOf(thread, seq);
	const { cell, task, worker, ambiguous } = scope;
	const process = thread.process.leader.ordinal;
	const name = call.call === 'connect' && port !== null ? hostOf(thread, address, port) : null;
	const key = [call.call, port, process, cell, task, worker?.number, ambiguous, address, name].join(' ');
	if (state.reached.has(key)) return;
	state.reached.add(key);
	state.network.push({ fact: { seq, address, port, name, how: call.call }, thread, scope });
}

/** The server is asked again where it did not answer, or for the name within another domain: the last time is what counts. */
export function takeLookup(thread: Thread, { name }: LookupCall): void {
	const { lookups } = thread.process;
	if (thread.lookup !== null) lookups.delete(thread.lookup);
	thread.lookup = { name, port: null };
	lookups.add(thread.lookup);
}

/** A thread that does something else is done with the name, whether it got an answer or not. The C library reads its preferences first. */
export function endLookup(thread: Thread, event: CallEvent): void {
	const goesOn = event.type === 'network' || event.type === 'began' || (event.type === 'open' && event.path === '/etc/gai.conf');
	if (goesOn || thread.lookup === null) return;
	thread.process.lookups.delete(thread.lookup);
	thread.lookup = null;
}

/** Where name servers listen. */
const domain = 53;

/**
 * The name that a connection follows from. Answers are not traced, so it is told by the order: the connections that a thread
 * makes right after it looked up a name, all to one port (the C library tries each address to find the best one), and later ones of
 * the process to the same addresses. A loop that has names looked up by other threads waits for the answer: where one name
 * waits, it is this one.
 */
function hostOf({ lookup, process }: Thread, address: string, port: number): string | null {
	if (port === domain) return null;
	const known = process.hosts.get(address) ?? null;
	const [waiting] = process.lookups.size === 1 && known === null ? process.lookups : [];
	const follows = lookup?.port === null || (lookup?.port === port && known === null) ? lookup : waiting;
	if (follows === undefined) return known;
	follows.port = port;
	process.lookups.delete(follows);
	process.hosts.set(address, follows.name);
	return follows.name;
}

/** Somebody asks a fork server for a worker. The server may fork before the asking call has returned. */
function ask(
	{ servers, marking }: State,
	thread: Thread,
	call: { readonly seq: Seq; readonly address: Name | null; readonly failure: Failure; readonly began: boolean },
): void {
	const { seq } = call;
	const requests = call.address === null ? null : servers.get(call.address)?.requests;
	if (!requests) return;
	const counted = thread.counted.delete(seq);
	if (call.began) thread.counted.add(seq);
	if (call.failure !== null) {
		const at = requests.findIndex((request) => request.seq === seq);
		if (at >= 0) requests.splice(at, 1);
	} else if (!counted) requests.push({ seq, scope: marking.scopeOf(thread, seq) });
}

export function takeBegan(state: State, thread: Thread, call: CallBegan): void {
	const { seq, what } = call;
	if (what.call === 'birth') state.tree.began(call, thread);
	else if (what.call === 'connect') ask(state, thread, { seq, address: what.address, failure: null, began: true });
	else {
		const mark = what.path === null ? null : parseMark(state.options.nonce, what.path);
		if (mark === null) return;
		thread.counted.add(seq);
		state.marking.apply(mark, thread, seq);
	}
}

export function takeWorld(state: State, thread: Thread, call: WorldCall): void {
	if (call.failure !== null) return;
	const flags = call.flags.split('|');
	if (call.call === 'unshare') {
		if (flags.includes('CLONE_FS') || flags.includes('CLONE_NEWNS')) thread.folders = { ...thread.folders };
	} else if (thread.own) return;
	else if (call.call === 'io_uring_setup') {
		doubtProgram(state, 'CELLAR_IO_URING', thread, call.seq, 'set up io_uring: what it opened by that is not in the trace');
	} else if (call.call !== 'setns' || flags.includes('0') || flags.includes('CLONE_NEWNS')) {
		const what = `changed what paths mean (${call.call}): those that it used may be other files here`;
		doubtProgram(state, 'CELLAR_NAMESPACE', thread, call.seq, what);
	}
}

export function takeEnd({ marking, tree }: State, thread: Thread, { seq, at, exitCode, signal }: ThreadEnded): void {
	marking.close(thread, seq);
	Object.assign(thread, { ended: seq, endedAt: at, exitCode, signal });
	tree.ended(thread);
}

/** A thread that is not the first executes: its scope goes on, under the pid and the ordinal of the process's first thread. */
export function takeSuperseded({ tree }: State, by: Thread, { seq }: Superseded): void {
	const { leader } = by.process;
	if (leader === by) return;
	const { base, tasks, bound } = by;
	Object.assign(leader, { ended: null, endedAt: null, exitCode: null, signal: null, base, tasks, bound });
	by.tasks = [];
	by.ended = seq;
	tree.ended(by);
	tree.revived(leader);
}
