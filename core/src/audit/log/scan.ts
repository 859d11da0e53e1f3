import type { Seq } from '../../model/index.ts';
import { copyText, textOf, type Text } from '../tables/bytes.ts';
import { createCallNumbers } from '../tables/numbers.ts';
import { field, recordKind, recordWidth, type Batch } from './batches.ts';
import { callReaders } from './calls.ts';
import { interned } from './interned.ts';

/** Finds what lines of a log are, and joins the halves of calls: bytes in, cut anywhere; records out. Nothing is read twice. */
export interface Scanner {
	/** Hands on every line that is whole by now. The chunk may be reused afterwards. */
	push(chunk: Buffer): void;
	/** Says what was left over when the log ended. */
	end(): LeftOver;
}

export interface LeftOver {
	/** How many lines the log has. */
	readonly lines: number;
	/** It ends in the middle of one. */
	readonly cut: boolean;
	/** Lines that are none of strace's. */
	readonly unread: Unread;
	/** The calls that never came back, by the lines in which they began. */
	readonly calls: readonly Seq[];
}

export interface Unread {
	count: number;
	first: Seq | null;
}

/** The first half of a call. A thread has one after another, in one place. */
interface Half {
	/** Which call it is; -1 where there is none. */
	call: number;
	seq: Seq;
	/** What was written of it, from its time on: `1795388008.059484 openat(AT_FDCWD</cwd>, "a", O_RDONLY`. The text may be longer. */
	text: Text;
	length: number;
	/** Where its name and its arguments begin in it. */
	start: number;
	open: number;
}

const newline = 0x0a;
const space = 0x20;
const less = 0x3c;
const greater = 0x3e;
const equals = 0x3d;
const quote = 0x22;
const unfinished = Buffer.from('<unfinished ...>');
const resumed = Buffer.from(' resumed>');
const lostEnd = textOf(Buffer.from(') = ?'));
const succeeded = textOf(Buffer.from(') = 0'));

const longestName = 32;
const names = [...callReaders.keys()];
const readers = [...callReaders.values()];

/**
 * Scans one log of `strace -f -ttt -y`, from its first byte on.
 *
 * @param first the batch to begin with
 * @param next takes a batch that is done, and gives the one to go on with; it may be the same
 */
export function createScanner(first: Batch, next: (done: Batch) => Batch): Scanner {
	const callOf = interned((name) => names.indexOf(name));
	/** What calls on files say, from their names to their results. */
	const said = createCallNumbers();
	const halves = new Map<number, Half>();
	/** Leaders whose `execve` has been told already, by the line that said who superseded them. */
	const superseded = new Set<number>();
	let batch = first;
	/** Where the first line begins that has not been looked at, and where the bytes end that are there. */
	let scanned = 0;
	let filled = 0;
	let joined = batch.joined;
	/** A line is being passed over that is longer than all room for lines. */
	let isTooLong = false;
	/** The name of the last call, with its bracket: most that follow are called so too. */
	const lastName = new Uint8Array(longestName);
	let lastLength = 0;
	let lastCall = -1;
	let seq = 0;
	const unread: Unread = { count: 0, first: null };

	const wrong = () => {
		unread.count++;
		unread.first ??= seq;
	};

	const handOn = () => {
		const done = batch;
		said.tell(done.records);
		if (done.size > 0) batch = next(done);
		// What is left of the lines goes to the beginning: nobody writes where it lies meanwhile.
		done.text.bytes.copy(batch.text.bytes, 0, scanned, filled);
		filled -= scanned;
		scanned = 0;
		batch.size = 0;
		joined = batch.joined;
	};

	const put = (kind: number, call: number, pid: number, at: Seq, number: number, clock: number, open: number, end: number) => {
		const { records } = batch;
		const place = batch.size++ * recordWidth;
		records[place + field.kind] = kind;
		records[place + field.call] = call;
		records[place + field.pid] = pid;
		records[place + field.seq] = at;
		records[place + field.said] = number;
		records[place + field.clock] = clock;
		records[place + field.open] = open;
		records[place + field.end] = end;
	};

	/** Where the number of a descriptor stands in a call's result: it says nothing. */
	let gap = 0;
	let gapEnd = 0;

	/** Sets the gap of a call that ends in `= 3</path>`; of others it is empty, and at their end. False where it cannot be told. */
	const findGap = ({ bytes, view }: Text, open: number, end: number): boolean => {
		gap = gapEnd = end;
		if (bytes[end - 1] !== greater) return true;
		let at = end - 2;
		// Within a path by `-y`, brackets and quotes are escaped; within an argument they are not. Most of it holds neither.
		while (at - 3 > open && hasNeither(view.getInt32(at - 3, true))) at -= 4;
		while (at > open && bytes[at] !== less && bytes[at] !== quote) at--;
		if (bytes[at] !== less) return true;
		let digit = at;
		while (digit > open && isDigit(bytes[digit - 1]!)) digit--;
		if (bytes[digit - 1] !== space || bytes[digit - 2] !== equals) return true;
		gap = digit;
		gapEnd = at;
		// `= </path>` is no result, and would be the same without its number as those that are.
		return digit < at;
	};

	/** A whole call; `clock` is where its time stands in the batch, `start` its name, `open` its arguments. */
	const tell = (call: number, pid: number, at: Seq, clock: number, start: number, open: number, end: number) => {
		const { text } = batch;
		if (readers[call]!.repeats && findGap(text, open, end))
			said.ask(text, start, gap, gapEnd, end, batch.size * recordWidth + field.said);
		put(recordKind.call, call, pid, at, -1, clock, open, end);
	};

	const append = (half: Half, text: Text, start: number, end: number) => {
		const length = half.length + end - start;
		if (length > half.text.bytes.length) {
			const larger = textOf(Buffer.allocUnsafeSlow(length * 2));
			copyText(half.text, 0, half.length, larger, 0);
			half.text = larger;
		}
		copyText(text, start, end, half.text, half.length);
		half.length = length;
	};

	/** There is room to join a half with so many bytes. */
	const hasRoom = (half: Half, more: number): boolean => joined + half.length + more <= batch.text.bytes.length;

	/** Ends a call of which there is a first half, by what would have stood in one line with it. */
	const finish = (half: Half, pid: number, text: Text, start: number, end: number) => {
		const { call } = half;
		half.call = -1;
		const at = joined;
		if (!hasRoom(half, end - start)) return wrong();
		copyText(half.text, 0, half.length, batch.text, at);
		copyText(text, start, end, batch.text, at + half.length);
		joined = at + half.length + end - start;
		return tell(call, pid, half.seq, at, at + half.start, at + half.open, joined);
	};
	/** A call that will never come back: what it was asked is known, what came of it is not. */
	const abandon = (half: Half | undefined, pid: number) => {
		if (half !== undefined && half.call >= 0) finish(half, pid, lostEnd, 0, lostEnd.bytes.length);
	};

	const callLine = (half: Half | undefined, clock: number, start: number, end: number, pid: number) => {
		const { text } = batch;
		const { bytes } = text;
		let open = start;
		while (open - start < lastLength && bytes[open] === lastName[open - start]) open++;
		if (open - start < lastLength || lastLength === 0) {
			while (open < end && bytes[open] !== 0x28) open++;
			if (open >= end) return wrong();
			open++;
			lastCall = callOf(text, start, open - 1);
			lastLength = open - start <= longestName ? open - start : 0;
			for (let at = 0; at < lastLength; at++) lastName[at] = bytes[start + at]!;
		}
		const call = lastCall;
		// A call that says nothing; its second half finds no first one.
		if (call < 0) return undefined;
		abandon(half, pid);
		if (!endsUnfinished(bytes, open - 1, end)) return tell(call, pid, seq, clock, start, open, end);
		let stop = end - unfinished.length;
		if (bytes[stop - 1] === space) stop--;
		if (half === undefined) {
			half = { call, seq, text: textOf(Buffer.allocUnsafeSlow(512)), length: 0, start: 0, open: 0 };
			halves.set(pid, half);
		}
		half.call = call;
		half.seq = seq;
		half.length = 0;
		half.start = start - clock;
		half.open = open - clock;
		append(half, text, clock, stop);
		if (readers[call]!.began !== null) put(recordKind.began, call, pid, seq, -1, clock, open, stop);
		return undefined;
	};

	/** `<... openat resumed>) = 3</path>`. */
	const resumedLine = (half: Half | undefined, start: number, end: number, pid: number) => {
		if (half === undefined || half.call < 0) return superseded.delete(pid);
		const { text } = batch;
		const rest = text.bytes.indexOf(greater, start) + 1;
		if (rest <= start || rest > end || !isResumed(text.bytes, rest)) return wrong();
		if (!endsUnfinished(text.bytes, rest, end)) return finish(half, pid, text, rest, end);
		// A call may be interrupted in the log more than once.
		return append(half, text, rest, end - unfinished.length);
	};

	/** `+++ exited with 0 +++`, `+++ killed by SIGKILL (core dumped) +++`, `+++ superseded by execve in pid 7 +++`. */
	const statusLine = (half: Half | undefined, clock: number, start: number, end: number, pid: number) => {
		const said = start + '+++ '.length;
		const [word, , , , , pidOf] = batch.text.bytes.toString('latin1', said, end).split(' ');
		abandon(half, pid);
		halves.delete(pid);
		if (word === 'superseded') {
			const by = Number(pidOf);
			put(recordKind.superseded, -1, pid, seq, by, clock, said, end);
			const exec = halves.get(by);
			if (exec === undefined || exec.call < 0) return undefined;
			superseded.add(pid);
			// The call may come back with any number (ENOSYS and the like): that the thread was superseded is its success.
			return finish(exec, pid, succeeded, 0, succeeded.bytes.length);
		}
		superseded.delete(pid);
		if (word === 'exited' || word === 'killed') return put(recordKind.ended, -1, pid, seq, -1, clock, said, end);
		return wrong();
	};

	const line = (start: number, end: number) => {
		const { bytes } = batch.text;
		let at = start;
		let pid = 0;
		while (at < end && isDigit(bytes[at]!)) pid = pid * 10 + bytes[at++]! - 0x30;
		if (at === start || bytes[at] !== space) return wrong();
		while (at < end && bytes[at] === space) at++;
		const clock = at;
		if (isDigit(bytes[at]!)) {
			while (at < end && bytes[at] !== space) at++;
			while (at < end && bytes[at] === space) at++;
		}
		if (at >= end) return wrong();
		const first = bytes[at]!;
		const half = halves.get(pid);
		if (isLetter(first)) return callLine(half, clock, at, end, pid);
		if (first === 0x3c) return resumedLine(half, at, end, pid);
		if (first === 0x2b) return statusLine(half, clock, at, end, pid);
		if (first === 0x2d) return put(recordKind.signal, -1, pid, seq, -1, clock, at, end);
		// `???( <unfinished ...>`: the thread was killed at the begin of a call, before strace could ask which.
		if (first === 0x3f && bytes.toString('latin1', at, Math.min(end, at + 4)) === '???(') return undefined;
		// `[ Process PID=7 runs in 32 bit mode. ]`
		return first === 0x5b ? undefined : wrong();
	};

	/** Looks at all lines that are whole, and hands on batches that are full. */
	const scan = () => {
		for (let stop = endOfLine(batch.text, scanned, filled); stop < filled;) {
			// A line makes three records at most; and most room for joined calls should be used before it is made anew.
			if (isFull(batch, joined)) {
				stop -= scanned;
				handOn();
			}
			const start = scanned;
			scanned = stop + 1;
			if (isTooLong) isTooLong = false;
			else {
				seq++;
				line(start, stop);
			}
			stop = endOfLine(batch.text, scanned, filled);
		}
	};

	return {
		push(chunk) {
			for (let from = 0; from < chunk.length;) {
				const count = Math.min(chunk.length - from, batch.joined - filled);
				chunk.copy(batch.text.bytes, filled, from, from + count);
				from += count;
				filled += count;
				scan();
				if (filled - scanned === batch.joined) {
					if (!isTooLong) {
						seq++;
						wrong();
					}
					isTooLong = true;
					scanned = filled;
				}
				handOn();
			}
		},
		end() {
			const cut = filled > scanned || isTooLong;
			const calls = [...halves.values()].flatMap(({ call, seq }) => (call < 0 ? [] : [seq]));
			return { lines: seq, cut, unread, calls };
		},
	};
}

function isFull(batch: Batch, joined: number): boolean {
	const room = batch.text.bytes.length;
	return (batch.size + 3) * recordWidth > batch.records.length || joined > batch.joined + ((room - batch.joined) >> 1);
}

/** Where the line from `start` on ends; `end` where it does not. To look here takes less time than to ask for it, line by line. */
function endOfLine({ bytes, view }: Text, start: number, end: number): number {
	let at = start;
	for (; at + 8 <= end; at += 8) {
		const here = view.getInt32(at, true) ^ 0x0a0a0a0a;
		const next = view.getInt32(at + 4, true) ^ 0x0a0a0a0a;
		if ((zeroes(here) | zeroes(next)) !== 0) break;
	}
	while (at < end && bytes[at] !== newline) at++;
	return at;
}

/** Neither `<` nor a quote is among four bytes. */
function hasNeither(word: number): boolean {
	return (zeroes(word ^ 0x3c3c3c3c) | zeroes(word ^ 0x22222222)) === 0;
}

/** Not 0 where one of four bytes is: taking 1 from zero alone sets a highest bit that was not there. */
function zeroes(word: number): number {
	return (word - 0x01010101) & ~word & 0x80808080;
}

/** ` resumed>` ends there. */
function isResumed(bytes: Buffer, end: number): boolean {
	const from = end - resumed.length;
	for (let k = 0; k < resumed.length; k++) if (bytes[from + k] !== resumed[k]) return false;
	return true;
}

function endsUnfinished(bytes: Buffer, start: number, end: number): boolean {
	// Most lines end in `)`, `>` of a path or a digit; inside a path both brackets are escaped.
	const from = end - unfinished.length;
	if (from < start || bytes[end - 1] !== 0x3e || bytes[end - 2] !== 0x2e) return false;
	for (let k = 0; k < unfinished.length; k++) if (bytes[from + k] !== unfinished[k]) return false;
	return true;
}

function isDigit(byte: number): boolean {
	return byte >= 0x30 && byte <= 0x39;
}

function isLetter(byte: number): boolean {
	return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f;
}
