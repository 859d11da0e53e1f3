import type { Seq } from '../../model/index.ts';
import { batchIn, batchSize, field, recordKind, recordWidth, type Batch } from './batches.ts';
import { callReaders } from './calls.ts';
import { aim, createCursor } from './cursor.ts';
import type { CallEvent } from './events.ts';
import { createScanner, type LeftOver } from './scan.ts';

/** Takes what a log tells, in its order. */
export interface LogTaker {
	take(events: readonly CallEvent[]): void;
	/**
	 * A call says what an event with the number `said` said; events before it have been taken. Without this, all calls are events.
	 *
	 * @returns false where it is wanted as an event
	 */
	again?(said: number, seq: Seq, pid: number): boolean;
	/** Such calls come next (-1: one that says nothing known): all that is known of them may come from memory at once, which each would wait for. */
	expect?(said: Int32Array): void;
}

/** Reads what was found in the lines of one log. Lines that cannot be read are counted and told at the end, never thrown. */
export interface BatchReader {
	take(batch: Batch): void;
	/** Tells what was left over when the log ended: a last line that was cut, calls that never came back. */
	end(left: LeftOver): void;
}

/** Reads strace's log: bytes in, cut anywhere; calls out, their halves joined. */
export interface LogFeed {
	/** Tells every line that is whole by now. The chunk may be reused afterwards. */
	push(chunk: Buffer): void;
	/** Tells what was left over when the log ended. */
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

/** Reads one log of `strace -f -ttt -y`, from its first byte on, on this thread. */
export function feedLog(taker: LogTaker): LogFeed {
	const reader = createBatchReader(taker);
	const scanner = createScanner(batchIn(new ArrayBuffer(batchSize)), (batch) => {
		reader.take(batch);
		return batch;
	});
	return { push: (chunk) => scanner.push(chunk), end: () => reader.end(scanner.end()) };
}

const readers = [...callReaders.values()];
/** So many calls are told of before they are read. */
const ahead = 64;

export function createBatchReader(taker: LogTaker): BatchReader {
	const cursor = createCursor();
	let events: CallEvent[] = [];
	let unread = 0;
	let firstUnread: Seq = Infinity;

	const handOn = () => {
		if (events.length === 0) return;
		const told = events;
		events = [];
		taker.take(told);
	};

	/** Most lines say what an earlier one said, by another thread or at another time: they need not be read again. */
	const isTaken = (said: number, seq: Seq, pid: number): boolean => {
		if (said < 0 || taker.again === undefined) return false;
		handOn();
		return taker.again(said, seq, pid);
	};

	const readCall = ({ text, records }: Batch, place: number, seq: Seq, pid: number) => {
		const said = records[place + field.said]!;
		const isWhole = records[place + field.kind] === recordKind.call;
		if (isWhole && isTaken(said, seq, pid)) return;
		const reader = readers[records[place + field.call]!]!;
		const open = records[place + field.open]!;
		const at = reader.timed ? secondsOf(text.bytes, records[place + field.clock]!, open) : null;
		const line = { seq, pid, at, said: said < 0 ? undefined : said };
		aim(cursor, text, open, records[place + field.end]!);
		const event = isWhole ? reader.whole(cursor, line) : (reader.began?.(cursor, line) ?? null);
		if (!cursor.broken) {
			if (event !== null) events.push(event);
		} else if (isWhole) {
			unread++;
			firstUnread = Math.min(firstUnread, seq);
		}
	};

	/** What strace says of a thread itself. */
	const readStatus = ({ text: { bytes }, records }: Batch, place: number, seq: Seq, pid: number) => {
		const open = records[place + field.open]!;
		const text = bytes.toString('latin1', open, records[place + field.end]);
		const kind = records[place + field.kind]!;
		if (kind === recordKind.superseded) events.push({ type: 'superseded', seq, pid, by: records[place + field.said]! });
		else if (kind === recordKind.ended) {
			const at = secondsOf(bytes, records[place + field.clock]!, open);
			const [word, , how] = text.split(' ');
			if (word === 'exited') events.push({ type: 'ended', seq, pid, exitCode: Number(how), signal: null, at });
			else events.push({ type: 'ended', seq, pid, exitCode: null, signal: how ?? null, at });
		} else {
			const signal = /^--- (SIG\w+)/.exec(text)?.[1];
			if (signal !== undefined) events.push({ type: 'signal', seq, pid, signal });
		}
	};

	const said = new Int32Array(ahead);
	const expect = ({ records, size }: Batch, first: number) => {
		const count = Math.min(ahead, size - first);
		for (let at = 0; at < count; at++) said[at] = records[(first + at) * recordWidth + field.said]!;
		taker.expect?.(count < ahead ? said.subarray(0, count) : said);
	};

	return {
		take(batch) {
			const { records, size } = batch;
			for (let at = 0; at < size; at++) {
				if (at % ahead === 0) expect(batch, at);
				const place = at * recordWidth;
				const kind = records[place + field.kind]!;
				const pid = records[place + field.pid]!;
				// Lines are counted beyond what 31 bits hold.
				const seq = records[place + field.seq]! >>> 0;
				if (kind === recordKind.call || kind === recordKind.began) readCall(batch, place, seq, pid);
				else readStatus(batch, place, seq, pid);
			}
			handOn();
		},
		end(left) {
			if (left.cut) {
				const message = 'the log ends in the middle of a line: what came after it is not known';
				events.push({ type: 'doubt', seq: left.lines + 1, code: 'CELLAR_LOG_CUT', message });
			}
			const count = unread + left.unread.count;
			if (count > 0) {
				const seq = Math.min(firstUnread, left.unread.first ?? Infinity);
				const message = `${count} lines of the log could not be read; the first is line ${seq}`;
				events.push({ type: 'doubt', seq, code: 'CELLAR_LINE_UNREAD', message });
			}
			if (left.calls.length > 0) {
				const seq = Math.min(...left.calls);
				const message = `${left.calls.length} calls had not come back when the log ended; the first is in line ${seq}`;
				events.push({ type: 'doubt', seq, code: 'CELLAR_CALL_OPEN', message });
			}
			handOn();
		},
	};
}

/** `1795388008.059484 `, as a number of seconds; null where a line has no time. */
function secondsOf(bytes: Buffer, start: number, open: number): number | null {
	const first = bytes[start]!;
	if (first < 0x30 || first > 0x39) return null;
	const seconds = Number.parseFloat(bytes.toString('latin1', start, open));
	return Number.isNaN(seconds) ? null : seconds;
}
