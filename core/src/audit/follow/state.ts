import { lstatSync, statSync, type Stats } from 'node:fs';
import { basename } from 'node:path';
import {
	fsPath,
	type CellExecution,
	type Change,
	type ExecFact,
	type How,
	type LogId,
	type Name,
	type NetworkFact,
	type Scope,
	type Seq,
} from '../../model/index.ts';
import type { BirthKind } from '../log/events.ts';
import { bornBelow } from '../engines/taskvine.ts';
import { createDoubts, type Doubts, type Told } from './facts.ts';
import { createMarking, type Marking } from './marking.ts';
import { createPaths, type Paths } from './paths.ts';
import { createScopes } from './scopes.ts';
import { createAccesses, type Accesses, type Process, type ScopeState, type Thread } from './threads.ts';
import { createTree, type MakeThread, type Tree } from './tree.ts';

/** A path at its first sighting. Which worker it was is known at the end only: here it is always null. */
export interface FirstUse {
	readonly path: Name;
	readonly how: How;
	readonly seq: Seq;
	readonly scope: Scope;
}

export interface FollowerOptions {
	readonly log: LogId;
	readonly nonce: string;
	readonly host: string;
	readonly bootId: string;
	/** The program's working folder when it starts; only needed where the log does not begin with our launcher. */
	readonly cwd?: Name;
	/** The process that reads it before the first cell is the kernel. Without it, the program that was started is. */
	readonly connectionFile?: Name;
	/**
	 * The words of the program that a sandbox starts, as the sandbox executes it. What comes before is the sandbox's start and
	 * no part of the run; from then on paths are those inside. Without it, the run begins with the program that was launched.
	 */
	readonly program?: readonly Name[];
	/** The language of the cells, in small letters: a program of this name that the kernel starts before them runs them for it. */
	readonly language?: string;
	/** Cell executions that start coroutines: they may go on in later cells, and the log cannot tell. It may grow. */
	readonly coroutineCells?: ReadonlySet<CellExecution>;
	/**
	 * Cell executions whose code IPython hands to a program, as `%%bash` does. It starts all of them from one thread, which is born
	 * in the first such cell: each program belongs to the cell that is active, not to that one. It may grow.
	 */
	readonly scriptCells?: ReadonlySet<CellExecution>;
	/** The folder of the agent that was started with the program: its files, and its words before the program's, are no part of the facts. */
	readonly agent?: Name;
	/** Whether forked children, and those that Python's pools start, are workers. True for notebooks, the default. */
	readonly findWorkers?: boolean;
	/** What is asked of the file system when a program is executed; the real one unless a test has its own. */
	readonly files?: ProgramFiles;
	/** Called once for each path, as soon as the call that used it first has returned. */
	readonly onFirstUse?: (use: FirstUse) => void;
}

/** What is asked of the file system when a program is executed. */
export interface ProgramFiles {
	exists(path: Name): boolean;
	/** It runs with another's rights: under seccomp it then runs without them, or strace loses sight of it. */
	setuid(path: Name): boolean;
}

/** All that is known of one log by now; what takes its events changes it. */
export interface State {
	readonly options: FollowerOptions;
	readonly files: ProgramFiles;
	readonly paths: Paths;
	readonly doubts: Doubts;
	readonly marking: Marking;
	readonly tree: Tree;
	readonly accesses: Accesses;
	readonly changes: Told<Change>[];
	readonly execs: Told<ExecFact>[];
	readonly network: Told<NetworkFact>[];
	/** Which addresses were reached on behalf of which scope: one fact for each. */
	readonly reached: Set<string>;
	/** Fork servers by the address on which they listen. */
	readonly servers: Map<Name, Process>;
}

export function createState(options: FollowerOptions): State {
	const scopes = createScopes();
	const doubts = createDoubts();
	const accesses = createAccesses();
	const nowhere = scopes.of({ cell: null, worker: null, task: null, ambiguous: false });
	const lists = { changes: [], execs: [], network: [] };
	const reached = new Set<string>();
	const marking = createMarking({
		scopes,
		doubts,
		leaving: options.coroutineCells ?? new Set(),
		forget: () => {
			accesses.forget();
			for (const list of Object.values(lists)) list.length = 0;
			reached.clear();
			doubts.forget();
		},
	});

	const birthScope = (maker: Thread | null, isThread: boolean, seq: Seq): ScopeState => {
		if (maker === null) return nowhere;
		// A fork server forks on somebody's word: what it makes belongs to whoever asked for it.
		const request = isThread ? undefined : maker.process.requests?.shift();
		return request?.scope ?? (isThread ? null : scriptScope(maker, seq)) ?? marking.scopeOf(maker, seq);
	};
	/** The cell for which a thread of IPython's own starts a program; null for all other births. */
	const scriptScope = (maker: Thread, seq: Seq): ScopeState | null => {
		const { runner, cells } = marking;
		const made = maker.birth.cell;
		const active = cells.activeAt(seq);
		if (runner === null || maker === runner || maker.process !== runner.process || made === null || active === null) return null;
		const both = options.scriptCells?.has(made) === true && options.scriptCells.has(active);
		return both ? cells.scopeAt(seq) : null;
	};
	const foldersOf = (maker: Thread | null, shares: boolean): Thread['folders'] => {
		if (maker === null) return { working: options.cwd ?? null, real: false, root: null };
		return shares ? maker.folders : { ...maker.folders };
	};

	let ordinals = 0;
	const makeThread: MakeThread = ({ pid, maker, kind, seq, at }) => {
		if (maker === null && ordinals > 0) {
			doubts.add('CELLAR_BIRTH_UNKNOWN', '', seq, `process ${pid} is in the log, and who made it is not`);
		}
		const isThread = maker !== null && kind !== null && kind.thread;
		const birth = birthScope(maker, isThread, seq);
		const process = isThread ? maker.process : newProcess(maker, kind);
		// What is Cellar's own is no part of the run, and has no ordinal.
		if (!maker?.own) ordinals++;
		const thread: Thread = {
			...{ ordinal: maker?.own ? 0 : ordinals, pid, pidInside: null, process, parent: maker, own: maker?.own ?? false },
			...{ born: seq, bornAt: at, ended: null, endedAt: null, exitCode: null, signal: null },
			folders: foldersOf(maker, kind?.sharesFolder ?? false),
			...{ birth, base: birth, tasks: [], owners: new Map(), owner: null, counted: new Set(), bound: null, lookup: null },
		};
		if (!isThread) {
			process.leader = thread;
			if (maker !== null && maker.process.executed === null) maker.process.forkedFirst = true;
		}
		marking.runner ??= thread;
		return thread;
	};
	const tree = createTree(makeThread);

	return {
		...{ options, doubts, marking, tree, accesses },
		...lists,
		reached,
		files: options.files ?? realFiles,
		paths: createPaths(),
		servers: new Map(),
	};
}

/** A process without its first thread, which is made next: each names the other. */
function newProcess(maker: Thread | null, kind: BirthKind | null): Process {
	const process: Omit<Process, 'leader'> = {
		parent: maker?.process ?? null,
		made: kind,
		triedExec: false,
		program: maker?.process.program ?? null,
		executed: null,
		forkedFirst: false,
		folders: new Map(),
		lookups: new Set(),
		hosts: new Map(),
		cellars: false,
		engine: null,
		noWorker: false,
		...{ vine: bornBelow(maker?.process.vine ?? null), workspace: null, reached: null },
		requests: null,
	};
	// `leader` is set by the only caller, before anybody else sees it.
	return process as Process;
}

/** A doubt about what a thread's program did, told once for each program. */
export function doubtProgram({ doubts }: State, code: string, thread: Thread, seq: Seq, what: string): void {
	const { program } = thread.process;
	doubts.add(code, program ?? '', seq, `${program === null ? 'a program' : basename(program)} ${what}`);
}

const realFiles: ProgramFiles = {
	exists: (path) => lookAt(path, lstatSync) !== null,
	setuid: (path) => ((lookAt(path, statSync)?.mode ?? 0) & 0o6000) !== 0,
};

function lookAt(path: Name, look: (path: string | Buffer) => Stats): Stats | null {
	try {
		return look(fsPath(path));
	} catch {
		// Whatever keeps us from looking (gone, too long, no right, a NUL in a word): it is no path for us.
		return null;
	}
}
