import { nameLookedUp, type Name, type Seq } from '../../model/index.ts';
import {
	readDescriptor,
	readField,
	readName,
	readResult,
	readWord,
	skipArgument,
	skipComma,
	skipDots,
	skipString,
	type Cursor,
} from './cursor.ts';
import { openFlags, type BirthKind, type CallBegan, type CallEvent, type PairCall, type PathWord } from './events.ts';
import { nameOf, remembered, unescape } from './strings.ts';

/** What is known of a call beside its arguments. `at` is the log's clock, read only where it is wanted. */
export interface Line {
	readonly seq: Seq;
	readonly pid: number;
	readonly at: number | null;
	/** See `Repeatable`. */
	readonly said?: number | undefined;
}

/** How one system call is read. The cursor stands behind `(`; null where the call says nothing. */
export interface CallReader {
	/** Reads a whole call, its halves joined. */
	readonly whole: (c: Cursor, line: Line) => CallEvent | null;
	/** Reads the first half of a call whose end comes later, where somebody must know that it began. */
	readonly began: ((c: Cursor, line: Line) => CallBegan) | null;
	/** Somebody asks when it started. */
	readonly timed: boolean;
	/** It comes again and again, and says all that it says by its text. */
	readonly repeats: boolean;
}

const at = true;

/** Every call that is traced, by its name: a call that is not here is passed over. */
export const callReaders: ReadonlyMap<string, CallReader> = new Map([
	...uses(['open'], (c, line) => opened(c, line, !at)),
	...uses(['openat'], (c, line) => opened(c, line, at)),
	...uses(['creat'], (c, line) => opened(c, line, !at, openFlags.write | openFlags.create | openFlags.truncate)),
	...uses(['openat2'], (c, line) => opened2(c, line)),
	...uses(['open_by_handle_at'], (c, line) => openedByHandle(c, line)),
	...looks(['access', 'stat', 'lstat', 'stat64', 'lstat64'], 'look', !at),
	...looks(['faccessat', 'faccessat2', 'newfstatat', 'fstatat64', 'statx'], 'look', at),
	...uses(['readlink'], (c, line) => path(c, line, 'read link', !at)),
	...uses(['readlinkat'], (c, line) => path(c, line, 'read link', at)),
	...uses(['mkdir', 'mknod'], (c, line) => path(c, line, 'make', !at)),
	...uses(['mkdirat', 'mknodat'], (c, line) => path(c, line, 'make', at)),
	...uses(['truncate', 'truncate64'], (c, line) => path(c, line, 'truncate', !at)),
	...uses(['unlink', 'rmdir'], (c, line) => path(c, line, 'remove', !at)),
	...uses(['unlinkat'], (c, line) => path(c, line, 'remove', at)),
	...uses(['chdir'], (c, line) => path(c, line, 'change folder', !at)),
	...uses(['chroot'], (c, line) => path(c, line, 'change root', !at)),
	...uses(['fchdir'], (c, line) => byDescriptor(c, line, 'change folder')),
	...uses(['getdents', 'getdents64'], (c, line) => listed(c, line)),
	...each(['rename', 'link'], (c, line, name) => pair(c, line, name === 'rename' ? 'rename' : 'link', !at)),
	...each(['renameat', 'renameat2'], (c, line) => pair(c, line, 'rename', at)),
	...each(['linkat'], (c, line) => pair(c, line, 'link', at)),
	...each(['symlink'], (c, line) => symlink(c, line, !at)),
	...each(['symlinkat'], (c, line) => symlink(c, line, at)),
	['execve', { whole: (c, line) => executed(c, line, !at), began: null, timed: true, repeats: false }],
	['execveat', { whole: (c, line) => executed(c, line, at), began: null, timed: true, repeats: false }],
	...births(['clone', 'clone3'], (c) => flaggedBirth(readField(c, 'flags='))),
	...births(['fork'], () => forked),
	...births(['vfork'], () => vforked),
	['connect', { whole: (c, line) => reached(c, line, 'connect'), began: connecting, timed: true, repeats: false }],
	...each(['bind'], (c, line) => reached(c, line, 'bind')),
	...each(['sendmmsg'], (c, line) => sent(c, line)),
	...each(['mount'], (c, line) => mounted(c, line)),
	...each(['pivot_root', 'move_mount'], (c, line, name) => changed(c, line, name === 'pivot_root' ? name : 'move_mount')),
	...each(['unshare'], (c, line) => changed(c, line, 'unshare')),
	...each(['setns'], (c, line) => changed(c, line, 'setns')),
	...each(['io_uring_setup'], (c, line) => changed(c, line, 'io_uring_setup')),
]);

type Read = (c: Cursor, line: Line, name: string) => CallEvent | null;

function each(names: readonly string[], read: Read, repeats = false): (readonly [string, CallReader])[] {
	return names.map((name) => [name, { whole: (c, line) => read(c, line, name), began: null, timed: false, repeats }]);
}

/** Of calls that use one file. */
function uses(names: readonly string[], read: Read): (readonly [string, CallReader])[] {
	return each(names, read, true);
}

function looks(names: readonly string[], call: PathWord, hasFolder: boolean): (readonly [string, CallReader])[] {
	const began = (c: Cursor, line: Line): CallBegan => ({
		type: 'began',
		...line,
		what: { call: 'look', path: readPlace(c, hasFolder).path },
	});
	return names.map((name) => [name, { whole: (c, line) => path(c, line, call, hasFolder), began, timed: false, repeats: true }]);
}

function births(names: readonly string[], kindOf: (c: Cursor) => BirthKind): (readonly [string, CallReader])[] {
	const whole = (c: Cursor, line: Line): CallEvent => {
		const kind = kindOf(c);
		readResult(c);
		const { failure, value, valueOutside } = c;
		return {
			type: 'birth',
			seq: line.seq,
			pid: line.pid,
			failure,
			kind,
			child: failure === null ? (valueOutside ?? value) : null,
			childInside: failure === null && valueOutside !== null ? value : null,
			at: line.at,
		};
	};
	const began = (c: Cursor, line: Line): CallBegan => ({ type: 'began', ...line, what: { call: 'birth', kind: kindOf(c) } });
	return names.map((name) => [name, { whole, began, timed: true, repeats: false }]);
}

function readPlace(c: Cursor, hasFolder: boolean): { folder: Name | null; working: boolean; path: Name | null } {
	if (!hasFolder) return { folder: null, working: false, path: readName(c) };
	readDescriptor(c);
	const { shown, working, gone } = c;
	const path = readName(c);
	// A path below a descriptor that has no name, or a deleted file that only its descriptor means: there is nothing to name.
	const nameless =
		path === '' ? gone || shown === null : path !== null && shown === null && !working && path.charCodeAt(0) !== 0x2f;
	return { folder: shown, working, path: nameless ? null : path };
}

function opened(c: Cursor, { seq, pid, said }: Line, hasFolder: boolean, fixed: number | null = null): CallEvent {
	const { folder, working, path } = readPlace(c, hasFolder);
	const flags = fixed ?? maskOf(readWord(c));
	readResult(c);
	return { type: 'open', seq, pid, failure: c.failure, folder, working, path, flags, opened: c.shown, byHandle: false, said };
}

function opened2(c: Cursor, { seq, pid, said }: Line): CallEvent {
	const place = readPlace(c, at);
	const flags = maskOf(readField(c, 'flags='));
	readResult(c);
	return { type: 'open', seq, pid, failure: c.failure, ...place, flags, opened: c.shown, byHandle: false, said };
}

function openedByHandle(c: Cursor, { seq, pid, said }: Line): CallEvent {
	readDescriptor(c);
	// `{handle_bytes=8, handle_type=1, f_handle=0x…}, O_RDONLY`, or a pointer that could not be read.
	const brace = c.bytes.indexOf('}, ', c.at, 'latin1');
	if (brace >= 0 && brace < c.end) c.at = brace + 3;
	else skipArgument(c);
	const flags = maskOf(readWord(c));
	readResult(c);
	return {
		type: 'open',
		seq,
		pid,
		failure: c.failure,
		folder: null,
		working: false,
		path: null,
		flags,
		opened: c.shown,
		byHandle: true,
		said,
	};
}

function path(c: Cursor, { seq, pid, said }: Line, call: PathWord, hasFolder: boolean): CallEvent {
	const { folder, working, path } = readPlace(c, hasFolder);
	// readlink's answer is text of any kind.
	if (call === 'read link') skipString(c);
	readResult(c);
	return { type: 'path', call, seq, pid, failure: c.failure, folder, working, path, said };
}

function byDescriptor(c: Cursor, { seq, pid, said }: Line, call: PathWord): CallEvent {
	readDescriptor(c);
	const folder = c.shown;
	readResult(c);
	return { type: 'path', call, seq, pid, failure: c.failure, folder, working: false, path: '', said };
}

/** Names come in several calls, of which the last brings none. */
function listed(c: Cursor, line: Line): CallEvent | null {
	const event = byDescriptor(c, line, 'list');
	return c.failure === null && c.value === 0 ? null : event;
}

function pair(c: Cursor, { seq, pid }: Line, call: PairCall['call'], hasFolder: boolean): CallEvent {
	const first = readPlace(c, hasFolder);
	const second = readPlace(c, hasFolder);
	const exchange = call === 'rename' && hasFolder && readWord(c).includes('RENAME_EXCHANGE');
	readResult(c);
	return {
		type: 'pair',
		call: exchange ? 'exchange' : call,
		seq,
		pid,
		failure: c.failure,
		fromFolder: first.folder,
		from: first.path,
		...second,
	};
}

function symlink(c: Cursor, { seq, pid }: Line, hasFolder: boolean): CallEvent {
	const from = readName(c);
	const place = readPlace(c, hasFolder);
	readResult(c);
	return { type: 'pair', call: 'symlink', seq, pid, failure: c.failure, fromFolder: null, from, ...place };
}

function executed(c: Cursor, { seq, pid, at }: Line, hasFolder: boolean): CallEvent {
	let place = readPlace(c, hasFolder);
	// A program in memory is named as /proc/PID/exe names it.
	if (place.path === null && c.gone && c.shown !== null) place = { ...place, folder: `${c.shown} (deleted)`, path: '' };
	const argv = readList(c);
	// What is left is pointers, flags and `/* 23 vars */`: the environment's words are never logged.
	readResult(c);
	return { type: 'exec', seq, pid, failure: c.failure, ...place, argv, at };
}

/** `["cat", "a b"..., ...]`, or a pointer. */
function readList(c: Cursor): string[] {
	const words: string[] = [];
	if (c.bytes[c.at] !== 0x5b) {
		skipArgument(c);
		return words;
	}
	c.at++;
	while (c.at < c.end && c.bytes[c.at] !== 0x5d) {
		const start = c.at + 1;
		if (skipString(c)) {
			const word = nameOf(c.bytes.toString('latin1', start, c.at - 1));
			words.push(skipDots(c) ? `${word}…` : word);
		} else if (skipDots(c)) words.push('…');
		else {
			// A pointer that could not be read, or NULL.
			skipWordInList(c);
			words.push('…');
		}
		skipComma(c);
	}
	c.at++;
	skipComma(c);
	return words;
}

function skipWordInList(c: Cursor): void {
	while (c.at < c.end && c.bytes[c.at] !== 0x2c && c.bytes[c.at] !== 0x5d) c.at++;
}

const forked: BirthKind = { thread: false, waits: false, sharesMemory: false, sharesFolder: false, untraced: false };
const vforked: BirthKind = { ...forked, waits: true, sharesMemory: true };

const flaggedBirth = remembered((flags): BirthKind => {
	const words = new Set(flags.split('|'));
	return {
		thread: words.has('CLONE_THREAD'),
		waits: words.has('CLONE_VFORK'),
		sharesMemory: words.has('CLONE_VM'),
		sharesFolder: words.has('CLONE_FS'),
		untraced: words.has('CLONE_UNTRACED'),
	};
});

function reached(c: Cursor, { seq, pid, at }: Line, call: 'connect' | 'bind'): CallEvent {
	const { address, port } = readAddress(c);
	readResult(c);
	return { type: 'network', call, seq, pid, failure: c.failure, address, port, at };
}

function connecting(c: Cursor, line: Line): CallBegan {
	return { type: 'began', ...line, what: { call: 'connect', address: readAddress(c).address } };
}

/** `3<socket:[1]>, {sa_family=AF_UNIX, sun_path=…}, 14`. What is not UNIX, IPv4 or IPv6 has no address that matters. */
function readAddress(c: Cursor): { address: string | null; port: number | null } {
	readDescriptor(c);
	const family = readField(c, 'sa_family=');
	let address: string | null = null;
	let port: number | null = null;
	if (family === 'AF_UNIX') {
		if (c.bytes.indexOf('sun_path=', c.at, 'latin1') === c.at) c.at += 'sun_path='.length;
		const abstract = c.bytes[c.at] === 0x40;
		if (abstract) c.at++;
		const start = c.at + 1;
		if (skipString(c)) {
			const name = nameOf(c.bytes.toString('latin1', start, c.at - 1));
			// Neither a path nor a name: nobody in particular.
			if (name !== '') address = abstract ? `@${name}` : name;
		}
	} else if (family === 'AF_INET') {
		port = portOf(readField(c, 'sin_port=htons('));
		address = textBetween(c, 'inet_addr("');
	} else if (family === 'AF_INET6') {
		port = portOf(readField(c, 'sin6_port=htons('));
		address = textBetween(c, 'inet_pton(AF_INET6, "');
	}
	return { address, port };
}

function portOf(word: string): number | null {
	const port = Number.parseInt(word, 10);
	return Number.isNaN(port) ? null : port;
}

function textBetween(c: Cursor, before: string): string | null {
	const found = c.bytes.indexOf(before, c.at, 'latin1');
	if (found < 0 || found >= c.end) return null;
	c.at = found + before.length - 1;
	const start = c.at + 1;
	return skipString(c) ? nameOf(c.bytes.toString('latin1', start, c.at - 1)) : null;
}

/** `3<socket:[1]>, [{msg_hdr={…, msg_iov=[{iov_base="…", iov_len=34}], …}, …], 2, MSG_NOSIGNAL`: the first message is enough. */
function sent(c: Cursor, { seq, pid }: Line): CallEvent | null {
	const found = c.bytes.indexOf('iov_base="', c.at, 'latin1');
	if (found < 0 || found >= c.end) return null;
	c.at = found + 'iov_base='.length;
	const start = c.at + 1;
	if (!skipString(c)) return null;
	const name = nameLookedUp(unescape(c.bytes.subarray(start, c.at - 1)));
	return name === null ? null : { type: 'lookup', seq, pid, failure: null, name };
}

function mounted(c: Cursor, line: Line): CallEvent {
	for (let k = 0; k < 3; k++) readName(c);
	const flags = readWord(c);
	skipString(c);
	readResult(c);
	return { type: 'world', call: 'mount', seq: line.seq, pid: line.pid, failure: c.failure, flags };
}

function changed(c: Cursor, line: Line, call: 'pivot_root' | 'move_mount' | 'unshare' | 'setns' | 'io_uring_setup'): CallEvent {
	let flags = '';
	if (call === 'pivot_root') {
		readName(c);
		readName(c);
	} else if (call === 'move_mount') {
		readPlace(c, at);
		readPlace(c, at);
	} else if (call === 'unshare') flags = readWord(c);
	else if (call === 'setns') {
		readDescriptor(c);
		flags = readWord(c);
	}
	readResult(c);
	return { type: 'world', call, seq: line.seq, pid: line.pid, failure: c.failure, flags };
}

const flagBits: readonly (readonly [string, number])[] = [
	['O_WRONLY', openFlags.write],
	['O_RDWR', openFlags.readWrite],
	['O_CREAT', openFlags.create],
	['O_EXCL', openFlags.exclusive],
	['O_TRUNC', openFlags.truncate],
	['O_APPEND', openFlags.append],
	['O_DIRECTORY', openFlags.directory],
	['O_PATH', openFlags.path],
	['O_TMPFILE', openFlags.temporary],
];

/** The bits of `openFlags` in strace's words. */
const maskOf = remembered((flags): number => {
	const words = new Set(flags.split('|'));
	return flagBits.reduce((sum, [word, bit]) => (words.has(word) ? sum | bit : sum), 0);
});
