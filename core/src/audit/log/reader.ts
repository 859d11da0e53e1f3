import type { Seq } from '../../model/index.ts';
import { callReaders, type CallReader } from './calls.ts';
import { aim, createCursor } from './cursor.ts';
import { copyText, textOf, type Text } from '../tables/bytes.ts';
import { createCallTable, type CallTable } from '../tables/calls.ts';
import type { CallEvent } from './events.ts';
import { interned } from './interned.ts';

/** Takes what a log tells, in its order. */
export interface LogTaker {
	take(events: readonly CallEvent[]): void;
	/** What calls say, by which those are known that say it again; the reader's own where there is none. */
	readonly calls?: CallTable;
	/**
	 * A call says what an event with the number `said` said; events before it have been taken. Without this, all calls are events.
	 *
	 * @returns false where it is wanted as an event
	 */
	again?(said: number, seq: Seq, pid: number): boolean;
}

/** Reads strace's log: bytes in, cut anywhere; calls out, their halves joined. */
export interface LogFeed {
	/** Tells every line that is whole by now. The chunk may be reused afterwards. */
	push(chunk: Buffer): void;
	/** Tells what was left over when the log ended: a last line that was cut, calls that never came back. */
	end(): void;
}

/** The same, of which the events are handed back. */
export interface LogReader {
	push(chunk: Buffer): readonly CallEvent[];
	end(): readonly CallEvent[];
}

export function createLogReader(): LogReader {
	let all: CallEvent[] = [];
	const feed = feedLog({ take: (events) => void (all = [...all, ...events]) });
	const taken = () => {
		const told = all;
		all = [];
		return told;
	};
	return {
		push(chunk) {
			feed.push(chunk);
			return taken();
		},
		end() {
			feed.end();
			return taken();
		},
	};
}

/** What is known of a call from its beginning. */
interface Begun {
	readonly seq: Seq;
	readonly reader: CallReader;
	/** When it started; read only where somebody wants it. */
	readonly at: number | null;
}

/** The first half of a call. A thread has one after another, in one place. */
interface Half {
	/** Null as long as there is none. */
	begun: Begun | null;
	/** What was written of it, from its name on: `openat(AT_FDCWD</cwd>, "a", O_RDONLY`. The text may be longer. */
	text: Text;
	length: number;
	/** Where its arguments begin in it. */
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

/**
 * Reads one log of `strace -f -ttt -y`, from its first byte on. Lines that cannot be read are counted and told at the end,
 * never thrown.
 */
export function feedLog(taker: LogTaker): LogFeed {
	const cursor = createCursor();
	const readerOf = interned((name) => callReaders.get(name));
	/** The first halves of calls, by thread. */
	const halves = new Map<number, Half>();
	/** Leaders whose `execve` has been told already, by the line that said who superseded them. */
	const superseded = new Set<number>();
	let rest: Buffer[] = [];
	let seq = 0;
	let events: CallEvent[] = [];
	let unread = 0;
	let firstUnread: Seq | null = null;

	const wrong = () => {
		unread++;
		firstUnread ??= seq;
	};

	const handOn = () => {
		if (events.length === 0) return;
		const told = events;
		events = [];
		taker.take(told);
	};

	/** What calls on files say, from their names to their results. */
	const said = taker.calls ?? createCallTable(() => undefined);
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

	/** Most lines say what an earlier one said, by another thread or at another time: they need not be read again. */
	const isTaken = (number: number, at: Seq, pid: number): boolean => {
		if (number < 0 || taker.again === undefined) return false;
		handOn();
		return taker.again(number, at, pid);
	};

	/** A whole call, its halves joined; `start` is where its name stands, `open` where its arguments begin. */
	const tell = (call: Begun, pid: number, text: Text, start: number, open: number, end: number) => {
		let number = -1;
		if (call.reader.repeats && findGap(text, open, end)) {
			number = said.find(text, start, gap, gapEnd, end);
			if (isTaken(number, call.seq, pid)) return;
			if (number < 0) number = said.add();
		}
		aim(cursor, text, open, end);
		const event = call.reader.whole(cursor, { seq: call.seq, pid, at: call.at, said: number < 0 ? undefined : number });
		if (cursor.broken) wrong();
		else if (event !== null) events.push(event);
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
	/** Ends a call of which there is a first half, by what would have stood in one line with it. */
	const finish = (half: Half, begun: Begun, pid: number, text: Text, start: number, end: number) => {
		half.begun = null;
		append(half, text, start, end);
		tell(begun, pid, half.text, 0, half.open, half.length);
	};
	/** A call that will never come back: what it was asked is known, what came of it is not. */
	const abandon = (pid: number) => {
		const half = halves.get(pid);
		if (half !== undefined && half.begun !== null) finish(half, half.begun, pid, lostEnd, 0, lostEnd.bytes.length);
	};

	const callLine = (text: Text, start: number, end: number, pid: number, clock: number) => {
		const { bytes } = text;
		let open = start;
		while (open < end && bytes[open] !== 0x28) open++;
		if (open >= end) return wrong();
		open++;
		const reader = readerOf(text, start, open - 1);
		// A call that says nothing; its second half finds no first one.
		if (reader === undefined) return undefined;
		abandon(pid);
		const isWhole = !endsUnfinished(bytes, open - 1, end);
		const begun: Begun = { seq, reader, at: reader.timed ? secondsOf(bytes, clock, start) : null };
		if (isWhole) return tell(begun, pid, text, start, open, end);
		let stop = end - unfinished.length;
		if (bytes[stop - 1] === space) stop--;
		let half = halves.get(pid);
		if (half === undefined) halves.set(pid, (half = { begun, text: textOf(Buffer.allocUnsafeSlow(512)), length: 0, open: 0 }));
		half.begun = begun;
		half.length = 0;
		half.open = open - start;
		append(half, text, start, stop);
		if (reader.began === null) return undefined;
		aim(cursor, half.text, half.open, half.length);
		const began = reader.began(cursor, { seq, pid, at: begun.at });
		if (!cursor.broken) events.push(began);
		return undefined;
	};

	/** `<... openat resumed>) = 3</path>`. */
	const resumedLine = (text: Text, start: number, end: number, pid: number) => {
		const half = halves.get(pid);
		const begun = half?.begun ?? null;
		if (half === undefined || begun === null) return superseded.delete(pid);
		const rest = text.bytes.indexOf(greater, start) + 1;
		if (rest <= start || rest > end || !isResumed(text.bytes, rest)) return wrong();
		if (!endsUnfinished(text.bytes, rest, end)) return finish(half, begun, pid, text, rest, end);
		// A call may be interrupted in the log more than once.
		return append(half, text, rest, end - unfinished.length);
	};

	/** `+++ exited with 0 +++`, `+++ killed by SIGKILL (core dumped) +++`, `+++ superseded by execve in pid 7 +++`. */
	const statusLine = (bytes: Buffer, start: number, end: number, pid: number, clock: number) => {
		const [word, , ...more] = bytes.toString('latin1', start + '+++ '.length, end).split(' ');
		abandon(pid);
		halves.delete(pid);
		if (word === 'superseded') {
			const by = Number(more[3]);
			events.push({ type: 'superseded', seq, pid, by });
			const exec = halves.get(by);
			if (exec === undefined || exec.begun === null) return undefined;
			superseded.add(pid);
			// The call may come back with any number (ENOSYS and the like): that the thread was superseded is its success.
			return finish(exec, exec.begun, pid, succeeded, 0, succeeded.bytes.length);
		}
		superseded.delete(pid);
		const at = secondsOf(bytes, clock, start);
		if (word === 'exited') events.push({ type: 'ended', seq, pid, exitCode: Number(more[0]), signal: null, at });
		else if (word === 'killed') events.push({ type: 'ended', seq, pid, exitCode: null, signal: more[0] ?? null, at });
		else wrong();
		return undefined;
	};

	const line = (text: Text, start: number, end: number) => {
		const { bytes } = text;
		seq++;
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
		if (isLetter(first)) return callLine(text, at, end, pid, clock);
		if (first === 0x3c) return resumedLine(text, at, end, pid);
		if (first === 0x2b) return statusLine(bytes, at, end, pid, clock);
		if (first === 0x2d) {
			const signal = /^--- (SIG\w+)/.exec(bytes.toString('latin1', at, Math.min(end, at + 40)))?.[1];
			if (signal !== undefined) events.push({ type: 'signal', seq, pid, signal });
			return undefined;
		}
		// `???( <unfinished ...>`: the thread was killed at the begin of a call, before strace could ask which.
		if (first === 0x3f && bytes.toString('latin1', at, Math.min(end, at + 4)) === '???(') return undefined;
		// `[ Process PID=7 runs in 32 bit mode. ]`
		return first === 0x5b ? undefined : wrong();
	};

	return {
		push(chunk) {
			const text = textOf(chunk);
			let from = 0;
			for (let stop = chunk.indexOf(newline); stop >= 0; stop = chunk.indexOf(newline, from)) {
				if (rest.length > 0) {
					rest.push(chunk.subarray(from, stop));
					const whole = textOf(Buffer.concat(rest));
					rest = [];
					line(whole, 0, whole.bytes.length);
				} else line(text, from, stop);
				from = stop + 1;
			}
			if (from < chunk.length) rest.push(Buffer.from(chunk.subarray(from)));
			handOn();
		},
		end() {
			if (rest.length > 0) {
				const message = 'the log ends in the middle of a line: what came after it is not known';
				events.push({ type: 'doubt', seq: seq + 1, code: 'CELLAR_LOG_CUT', message });
			}
			if (unread > 0) {
				const message = `${unread} lines of the log could not be read; the first is line ${firstUnread}`;
				events.push({ type: 'doubt', seq: firstUnread, code: 'CELLAR_LINE_UNREAD', message });
			}
			const left = [...halves.values()].flatMap(({ begun }) => (begun === null ? [] : [begun.seq]));
			if (left.length > 0) {
				const seq = Math.min(...left);
				const message = `${left.length} calls had not come back when the log ended; the first is in line ${seq}`;
				events.push({ type: 'doubt', seq, code: 'CELLAR_CALL_OPEN', message });
			}
			rest = [];
			halves.clear();
			handOn();
		},
	};
}

/** Neither `<` nor a quote is among four bytes: where one is, it becomes zero, and taking 1 from zero alone sets a highest bit that was not there. */
function hasNeither(word: number): boolean {
	const [brackets, quotes] = [word ^ 0x3c3c3c3c, word ^ 0x22222222];
	return ((((brackets - 0x01010101) & ~brackets) | ((quotes - 0x01010101) & ~quotes)) & 0x80808080) === 0;
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

/** `1795388008.059484`, as a number of seconds; null where a line has no time. */
function secondsOf(bytes: Buffer, start: number, end: number): number | null {
	if (start >= end || !isDigit(bytes[start]!)) return null;
	const seconds = Number.parseFloat(bytes.toString('latin1', start, end));
	return Number.isNaN(seconds) ? null : seconds;
}

function isDigit(byte: number): boolean {
	return byte >= 0x30 && byte <= 0x39;
}

function isLetter(byte: number): boolean {
	return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f;
}
