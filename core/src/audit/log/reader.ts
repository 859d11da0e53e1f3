import type { Seq } from '../../model/index.ts';
import { callReaders, type CallReader } from './calls.ts';
import { aim, createCursor } from './cursor.ts';
import type { CallEvent } from './events.ts';
import { interned } from './interned.ts';

/** Reads strace's log: bytes in, cut anywhere; calls out, their halves joined. */
export interface LogReader {
	/** The events of every line that is whole by now. The chunk may be reused afterwards. */
	push(chunk: Buffer): readonly CallEvent[];
	/** Tells what was left over when the log ended: a last line that was cut, calls that never came back. */
	end(): readonly CallEvent[];
}

interface Half {
	readonly seq: Seq;
	readonly reader: CallReader;
	/** When it started; read only where somebody wants it. */
	readonly at: number | null;
	readonly start: Buffer;
}

const newline = 0x0a;
const space = 0x20;
const unfinished = Buffer.from('<unfinished ...>');

/**
 * A reader of one log of `strace -f -ttt -y`, from its first byte on. Lines that cannot be read are counted and told at the
 * end, never thrown.
 */
export function createLogReader(): LogReader {
	const cursor = createCursor();
	const readerOf = interned((name) => callReaders.get(name));
	/** The first halves of calls that have not come back, by thread. */
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

	const tell = (call: Omit<Half, 'start'>, pid: number, bytes: Buffer, start: number, end: number) => {
		aim(cursor, bytes, start, end);
		const event = call.reader.whole(cursor, { seq: call.seq, pid, at: call.at });
		if (cursor.broken) wrong();
		else if (event !== null) events.push(event);
	};

	/** A call that will never come back: what it was asked is known, what came of it is not. */
	const abandon = (pid: number, half: Half) => {
		halves.delete(pid);
		const text = Buffer.concat([half.start, Buffer.from(') = ?')]);
		tell(half, pid, text, 0, text.length);
	};

	const callLine = (bytes: Buffer, start: number, end: number, pid: number, clock: number) => {
		let open = start;
		while (open < end && bytes[open] !== 0x28) open++;
		if (open >= end) return wrong();
		const reader = readerOf(bytes, start, open);
		// A call that says nothing; its second half finds no first one.
		if (reader === undefined) return undefined;
		const lost = halves.size === 0 ? undefined : halves.get(pid);
		if (lost !== undefined) abandon(pid, lost);
		const at = reader.timed ? secondsOf(bytes, clock, start) : null;
		if (endsUnfinished(bytes, open, end)) {
			let stop = end - unfinished.length;
			if (bytes[stop - 1] === space) stop--;
			const half = { seq, reader, at, start: Buffer.from(bytes.subarray(open + 1, stop)) };
			halves.set(pid, half);
			if (reader.began !== null) {
				aim(cursor, half.start, 0, half.start.length);
				const began = reader.began(cursor, { seq, pid, at });
				if (!cursor.broken) events.push(began);
			}
			return undefined;
		}
		return tell({ seq, reader, at }, pid, bytes, open + 1, end);
	};

	/** `<... openat resumed>) = 3</path>`. */
	const resumedLine = (bytes: Buffer, start: number, end: number, pid: number) => {
		const half = halves.get(pid);
		if (half === undefined) return superseded.delete(pid);
		const stop = bytes.indexOf(' resumed>', start, 'latin1');
		if (stop < 0 || stop >= end) return wrong();
		halves.delete(pid);
		let last = end;
		// A call may be interrupted in the log more than once.
		if (endsUnfinished(bytes, stop, end)) last = end - unfinished.length;
		const joined = Buffer.concat([half.start, bytes.subarray(stop + ' resumed>'.length, last)]);
		if (last !== end) return halves.set(pid, { ...half, start: joined });
		return tell(half, pid, joined, 0, joined.length);
	};

	/** `+++ exited with 0 +++`, `+++ killed by SIGKILL (core dumped) +++`, `+++ superseded by execve in pid 7 +++`. */
	const statusLine = (bytes: Buffer, start: number, end: number, pid: number, clock: number) => {
		const [word, , ...more] = bytes.toString('latin1', start + '+++ '.length, end).split(' ');
		const half = halves.get(pid);
		if (half !== undefined) abandon(pid, half);
		if (word === 'superseded') {
			const by = Number(more[3]);
			events.push({ type: 'superseded', seq, pid, by });
			const exec = halves.get(by);
			if (exec === undefined) return undefined;
			halves.delete(by);
			superseded.add(pid);
			// The call may come back with any number (ENOSYS and the like): that the thread was superseded is its success.
			const text = Buffer.concat([exec.start, Buffer.from(') = 0')]);
			return tell(exec, pid, text, 0, text.length);
		}
		superseded.delete(pid);
		const at = secondsOf(bytes, clock, start);
		if (word === 'exited') events.push({ type: 'ended', seq, pid, exitCode: Number(more[0]), signal: null, at });
		else if (word === 'killed') events.push({ type: 'ended', seq, pid, exitCode: null, signal: more[0] ?? null, at });
		else wrong();
		return undefined;
	};

	const line = (bytes: Buffer, start: number, end: number) => {
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
		if (isLetter(first)) return callLine(bytes, at, end, pid, clock);
		if (first === 0x3c) return resumedLine(bytes, at, end, pid);
		if (first === 0x2b) return statusLine(bytes, at, end, pid, clock);
		if (first === 0x2d) {
			const signal = /^--- (SIG\w+)/.exec(bytes.toString('latin1', at, Math.min(end, at + 40)))?.[1];
			if (signal !== undefined) events.push({ type: 'signal', seq, pid, signal });
			return undefined;
		}
		// `[ Process PID=7 runs in 32 bit mode. ]`
		return first === 0x5b ? undefined : wrong();
	};

	const taken = (): readonly CallEvent[] => {
		const told = events;
		events = [];
		return told;
	};

	return {
		push(chunk) {
			let from = 0;
			for (let stop = chunk.indexOf(newline); stop >= 0; stop = chunk.indexOf(newline, from)) {
				if (rest.length > 0) {
					rest.push(chunk.subarray(from, stop));
					const whole = Buffer.concat(rest);
					rest = [];
					line(whole, 0, whole.length);
				} else line(chunk, from, stop);
				from = stop + 1;
			}
			if (from < chunk.length) rest.push(Buffer.from(chunk.subarray(from)));
			return taken();
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
			if (halves.size > 0) {
				const seq = Math.min(...[...halves.values()].map((half) => half.seq));
				const message = `${halves.size} calls had not come back when the log ended; the first is in line ${seq}`;
				events.push({ type: 'doubt', seq, code: 'CELLAR_CALL_OPEN', message });
			}
			rest = [];
			halves.clear();
			return taken();
		},
	};
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
