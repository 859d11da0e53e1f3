import { textOf, type Text } from '../tables/bytes.ts';

/**
 * What was found in some lines, as numbers, and the bytes in which it stands: made by a scanner, taken by a reader, which may be on
 * another thread.
 */
export interface Batch {
	readonly text: Text;
	/** Behind the lines, where halves of calls are joined. */
	readonly joined: number;
	/** A record's numbers side by side, as many as `recordWidth`. */
	readonly records: Int32Array;
	/** How many records there are. */
	size: number;
}

/**
 * What stands in a record, by its place: the kind, which call it is (by the order of `callReaders`), the thread, the line in which the call began, the
 * number of what it says (-1 where it has none), and where in the text its time is, and its arguments begin and end.
 */
export const field = { kind: 0, call: 1, pid: 2, seq: 3, said: 4, clock: 5, open: 6, end: 7 } as const;
export const recordWidth = 8;

export const recordKind = {
	/** A whole call, its halves joined. */
	call: 0,
	/** The first half of a call of which somebody must know that it began. */
	began: 1,
	/** `exited with 0 +++` */
	ended: 2,
	/** A leader whose pid another thread took, by executing a program: that one's pid is in the place of `said`. */
	superseded: 3,
	/** `--- SIGCHLD {…} ---` */
	signal: 4,
} as const;

const textSize = (1 << 20) + (1 << 16);
const joinedSize = 1 << 19;
const recordCount = 1 << 14;
const recordBytes = recordCount * recordWidth * Int32Array.BYTES_PER_ELEMENT;

/** The bytes that a batch takes: records, lines, joined halves. */
export const batchSize = recordBytes + textSize + joinedSize;

/** A batch in memory that may be shared with another thread. */
export function batchIn(memory: ArrayBuffer | SharedArrayBuffer): Batch {
	const bytes = Buffer.from(memory, recordBytes, textSize + joinedSize);
	const records = new Int32Array(memory, 0, recordCount * recordWidth);
	return { text: textOf(bytes), joined: textSize, records, size: 0 };
}
