import type { Name, Seq } from '../../model/index.ts';

/**
 * What a trace tells, call by call, so that another tracer can take strace's place. Names are encoded as in the model; pids
 * are those of the tracer's own PID namespace; a call's `seq` is where it *started*, so it may be smaller than that of an
 * event before it.
 */
export type CallEvent =
	| OpenCall
	| PathCall
	| PairCall
	| ExecCall
	| BirthCall
	| NetworkCall
	| LookupCall
	| WorldCall
	| CallBegan
	| ThreadEnded
	| Superseded
	| SignalTaken
	| LogDoubt;

/** Why a call did not succeed: null where it did, an errno's name (`ENOENT`), or `?` where it never returned. */
export type Failure = string | null;

interface Place {
	/** Where a relative path starts, where the trace shows it: the descriptor's folder, or the working folder. */
	readonly folder: Name | null;
	/** `folder` is the thread's working folder. */
	readonly working: boolean;
	/** As asked; empty where only the descriptor is meant; null where it could not be read (a null pointer). */
	readonly path: Name | null;
}

interface Call {
	readonly seq: Seq;
	readonly pid: number;
	readonly failure: Failure;
}

interface Repeatable {
	/**
	 * A number for all that the event says but `seq` and `pid`, small and unique within its log: an event of the same number says the
	 * same again. Left out where nobody looked.
	 */
	readonly said?: number | undefined;
}

/** `open` and its kin; `flags` are those of `openFlags`. */
export interface OpenCall extends Call, Place, Repeatable {
	readonly type: 'open';
	readonly flags: number;
	/** The file that was opened, links resolved; null where it has no name (a pipe, a deleted file) or nothing was opened. */
	readonly opened: Name | null;
	/** By `open_by_handle_at`: no path was asked for. */
	readonly byHandle: boolean;
}

/** A call on one path. `look`: access, stat, readlink. `make`: mkdir, mknod. `remove`: unlink, rmdir. `list`: getdents. */
export interface PathCall extends Call, Place, Repeatable {
	readonly type: 'path';
	readonly call: PathWord;
}
export type PathWord = 'look' | 'read link' | 'make' | 'truncate' | 'remove' | 'change folder' | 'change root' | 'list';

/** A call that gives a file another name: `from` and `path` (for a symbolic link, `from` is its text). */
export interface PairCall extends Call, Place {
	readonly type: 'pair';
	readonly call: 'rename' | 'exchange' | 'link' | 'symlink';
	readonly fromFolder: Name | null;
	readonly from: Name | null;
}

/** A program was executed. After the call of a thread that is no leader, `pid` is the leader's: see `Superseded`. */
export interface ExecCall extends Call, Place {
	readonly type: 'exec';
	/** A word that the trace cut ends in `…`, and so does a list that it cut. */
	readonly argv: readonly string[];
	/** Seconds since 1970, by the log's clock. */
	readonly at: number | null;
}

/** A thread or a process was made. */
export interface BirthCall extends Call {
	readonly type: 'birth';
	readonly kind: BirthKind;
	readonly child: number | null;
	/** The child's pid as the maker sees it, where that differs. */
	readonly childInside: number | null;
	/** Seconds since 1970, by the log's clock. */
	readonly at: number | null;
}
export interface BirthKind {
	readonly thread: boolean;
	/** The maker waits until the child has executed a program or ended, as `vfork` does. */
	readonly waits: boolean;
	/** It shares the maker's memory. */
	readonly sharesMemory: boolean;
	/** It shares the maker's working folder and root. */
	readonly sharesFolder: boolean;
	/** CLONE_UNTRACED: what it does is not in the trace. */
	readonly untraced: boolean;
}

/** `connect` or `bind`; `address` is null for families that name nothing outside (netlink) and for no address. */
export interface NetworkCall extends Call {
	readonly type: 'network';
	readonly call: 'connect' | 'bind';
	readonly address: string | null;
	readonly port: number | null;
	/** Of `connect`, seconds since 1970 by the log's clock. */
	readonly at: number | null;
}

/** A name server was asked for the addresses of a name. */
export interface LookupCall extends Call {
	readonly type: 'lookup';
	readonly name: string;
}

/** A call that changes what paths mean, or hides files from the trace. `flags` as strace prints them. */
export interface WorldCall extends Call {
	readonly type: 'world';
	readonly call: 'mount' | 'pivot_root' | 'move_mount' | 'unshare' | 'setns' | 'io_uring_setup';
	readonly flags: string;
}

/** A call has begun and is not done: what a child, or the other end of a connection, does may be told before it returns. */
export interface CallBegan {
	readonly type: 'began';
	readonly seq: Seq;
	readonly pid: number;
	readonly at: number | null;
	readonly what:
		| { readonly call: 'birth'; readonly kind: BirthKind }
		| { readonly call: 'look'; readonly path: Name | null }
		| { readonly call: 'connect'; readonly address: string | null };
}

export interface ThreadEnded {
	readonly type: 'ended';
	readonly seq: Seq;
	readonly pid: number;
	readonly exitCode: number | null;
	readonly signal: string | null;
	readonly at: number | null;
}

/** Thread `by` executed a program and goes on under the pid of its leader, `pid`; its own pid is free. */
export interface Superseded {
	readonly type: 'superseded';
	readonly seq: Seq;
	readonly pid: number;
	readonly by: number;
}

export interface SignalTaken {
	readonly type: 'signal';
	readonly seq: Seq;
	readonly pid: number;
	readonly signal: string;
}

/** Something in the log itself may make the facts incomplete. */
export interface LogDoubt {
	readonly type: 'doubt';
	readonly seq: Seq | null;
	readonly code: string;
	readonly message: string;
}

/** The flags of `open` that tell how a file is used; the others are not kept. */
export const openFlags = {
	write: 1,
	readWrite: 2,
	create: 4,
	exclusive: 8,
	truncate: 16,
	append: 32,
	directory: 64,
	path: 128,
	temporary: 256,
} as const;
