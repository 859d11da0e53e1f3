import type { Name } from '../../model/index.ts';
import { textOf, type Text } from '../tables/bytes.ts';
import type { Failure } from './events.ts';
import { interned } from './interned.ts';
import { nameOf } from './strings.ts';

/**
 * A place in the arguments of one call, and what the last reading function found there. One cursor reads a whole log: the
 * hot path makes no objects but the events themselves.
 */
export interface Cursor {
	bytes: Buffer;
	/** The same bytes. */
	text: Text;
	at: number;
	end: number;
	/** Something was not as expected: the line is not to be believed. */
	broken: boolean;
	/** What a descriptor, or a result, names by `-y`; null for a pipe, a socket, a deleted file. */
	shown: Name | null;
	/** The descriptor was `AT_FDCWD`. */
	working: boolean;
	/** The descriptor's file was deleted: `shown` is the name that it had. */
	gone: boolean;
	/** The result: its number, why it failed, and the pid that strace's own namespace has for it. */
	value: number;
	failure: Failure;
	valueOutside: number | null;
	/** The last path that was read, and where it stands: what was opened is mostly called as it was asked for. */
	last: Name | null;
	lastStart: number;
	lastEnd: number;
	/** The name for what strace wrote of a descriptor. The same name is always the same string: there are few, and they are compared often. */
	readonly folders: (text: Text, start: number, end: number) => Name;
	/** The same for words: flags, numbers. */
	readonly words: (text: Text, start: number, end: number) => string;
}

export function createCursor(): Cursor {
	const text = textOf(Buffer.alloc(0));
	return {
		bytes: text.bytes,
		text,
		at: 0,
		end: 0,
		broken: false,
		shown: null,
		working: false,
		gone: false,
		value: 0,
		failure: null,
		valueOutside: null,
		last: null,
		lastStart: 0,
		lastEnd: 0,
		folders: interned(nameOf),
		words: interned((word) => word),
	};
}

const quote = 0x22;
const backslash = 0x5c;
const less = 0x3c;
const greater = 0x3e;
const slash = 0x2f;
const space = 0x20;
const comma = 0x2c;
const dot = 0x2e;
const close = 0x29;
const minus = 0x2d;
const equals = 0x3d;
const question = 0x3f;

/** Points the cursor at a call's arguments. */
export function aim(c: Cursor, text: Text, start: number, end: number): void {
	c.bytes = text.bytes;
	c.text = text;
	c.at = start;
	c.end = end;
	c.broken = false;
	c.shown = null;
	c.working = false;
	c.gone = false;
	c.last = null;
}

/** Takes `, ` where it stands; the first half of a call may end in it. */
export function skipComma(c: Cursor): void {
	if (c.bytes[c.at] === comma && c.at < c.end) c.at++;
	while (c.at < c.end && c.bytes[c.at] === space) c.at++;
}

/** `AT_FDCWD</cwd>`, `3</path>`, `3</path>(deleted)`, `3`: sets `shown`, `working` and `gone`. */
export function readDescriptor(c: Cursor): void {
	const { bytes, end } = c;
	c.working = bytes[c.at] === 0x41;
	c.shown = null;
	while (c.at < end && isWord(bytes[c.at]!)) c.at++;
	if (bytes[c.at] === less && c.at < end) readShown(c, true);
	c.gone = c.at < end && bytes[c.at] === 0x28;
	if (c.gone) c.at += '(deleted)'.length;
	skipComma(c);
}

/** `</path>` as `-y` writes it; within, `<` and `>` are escaped. What does not begin with `/` is no path. */
function readShown(c: Cursor, isFolder: boolean): void {
	const start = c.at + 1;
	const stop = c.bytes.indexOf(greater, start);
	if (stop < 0 || stop >= c.end) {
		c.broken = true;
		return;
	}
	if (c.bytes[start] !== slash) c.shown = null;
	else if (isFolder) c.shown = c.folders(c.text, start, stop);
	else c.shown = c.last !== null && isLast(c, start, stop) ? c.last : nameOf(c.bytes.toString('latin1', start, stop));
	c.at = stop + 1;
}

function isLast({ bytes, lastStart, lastEnd }: Cursor, start: number, stop: number): boolean {
	if (lastEnd - lastStart !== stop - start) return false;
	// From the end: there names differ.
	for (let at = stop, other = lastEnd; at > start;) if (bytes[--at] !== bytes[--other]) return false;
	return true;
}

/** A quoted path, or null for a pointer that could not be read. */
export function readName(c: Cursor): Name | null {
	const start = c.at + 1;
	if (!skipString(c)) {
		skipArgument(c);
		return null;
	}
	const stop = c.at - 1;
	// A path is written whole unless it is longer than any can be.
	const cut = skipDots(c);
	skipComma(c);
	if (cut || c.broken) return null;
	c.last = nameOf(c.bytes.toString('latin1', start, stop));
	c.lastStart = start;
	c.lastEnd = stop;
	return c.last;
}

/** Moves behind a quoted string; false where none stands here. */
export function skipString(c: Cursor): boolean {
	const { bytes, end } = c;
	if (bytes[c.at] !== quote || c.at >= end) return false;
	let stop = bytes.indexOf(quote, c.at + 1);
	// A quote with a backslash before it may stand within: only then it matters what each byte is.
	if (stop > 0 && bytes[stop - 1] === backslash) {
		stop = c.at + 1;
		while (stop < end && bytes[stop] !== quote) stop += bytes[stop] === backslash ? 2 : 1;
	}
	c.broken ||= stop < 0 || stop >= end;
	c.at = c.broken ? end : stop + 1;
	return true;
}

/** Moves behind `...`, which says that a string or a list was cut. */
export function skipDots(c: Cursor): boolean {
	const { bytes, at } = c;
	if (at + 3 > c.end || bytes[at] !== dot || bytes[at + 1] !== dot || bytes[at + 2] !== dot) return false;
	c.at += 3;
	return true;
}

/** Moves behind one argument without quotes or brackets: a pointer, a number, flags. */
export function skipArgument(c: Cursor): void {
	while (c.at < c.end && c.bytes[c.at] !== comma && c.bytes[c.at] !== close) c.at++;
	skipComma(c);
}

/** One argument without quotes or brackets, as text. */
export function readWord(c: Cursor): string {
	const start = c.at;
	while (c.at < c.end && isFlag(c.bytes[c.at]!)) c.at++;
	const word = c.words(c.text, start, c.at);
	skipComma(c);
	return word;
}

/** The value of `name=` in what is left of the arguments, as text; empty where it is not there. */
export function readField(c: Cursor, name: string): string {
	const found = c.bytes.indexOf(name, c.at, 'latin1');
	if (found < 0 || found >= c.end) return '';
	c.at = found + name.length;
	return readWord(c);
}

/** Moves behind the `)` that ends the arguments, which `=` follows, and reads the result. No string may stand between. */
export function readResult(c: Cursor): void {
	const { bytes, end } = c;
	let at = c.at;
	for (;;) {
		while (at < end && bytes[at] !== close) at++;
		if (at >= end) {
			c.broken = true;
			return;
		}
		at++;
		let next = at;
		while (next < end && bytes[next] === space) next++;
		if (bytes[next] === equals && bytes[next + 1] === space && next + 2 < end) {
			c.at = next + 2;
			readValue(c);
			return;
		}
	}
}

// `3</path>`, `-1 ENOENT (…)`, `-1 (errno 512)`, `? ERESTARTSYS (…)`, `?`, `2 /* 16780 in strace's PID NS */`
function readValue(c: Cursor): void {
	const { bytes, end } = c;
	c.shown = null;
	c.valueOutside = null;
	c.failure = null;
	const first = bytes[c.at]!;
	if (first === question || first === minus) {
		c.value = -1;
		const start = c.at + (first === question ? 2 : 3);
		let stop = start;
		while (stop < end && isWord(bytes[stop]!)) stop++;
		c.failure = stop > start ? c.words(c.text, start, stop) : first === question ? '?' : 'errno';
		return;
	}
	if (first < 0x30 || first > 0x39) {
		c.broken = true;
		return;
	}
	let value = 0;
	while (c.at < end && bytes[c.at]! >= 0x30 && bytes[c.at]! <= 0x39) value = value * 10 + bytes[c.at++]! - 0x30;
	c.value = value;
	if (c.at >= end) return;
	if (bytes[c.at] === less) {
		readShown(c, false);
		if (c.at < end && bytes[c.at] === 0x28) c.shown = null; // `(deleted)`: the name is no longer this file's
	} else if (bytes[c.at] === space && bytes[c.at + 1] === slash) {
		c.at += ' /* '.length;
		let outside = 0;
		while (c.at < end && bytes[c.at]! >= 0x30 && bytes[c.at]! <= 0x39) outside = outside * 10 + bytes[c.at++]! - 0x30;
		c.valueOutside = outside;
	}
}

/** Letters, digits, `_` and `-`: a descriptor, an errno. */
function isWord(byte: number): boolean {
	return (
		(byte >= 0x30 && byte <= 0x39) ||
		(byte >= 0x41 && byte <= 0x5a) ||
		byte === 0x5f ||
		(byte >= 0x61 && byte <= 0x7a) ||
		byte === minus
	);
}

/** The same and `|`: flags. */
function isFlag(byte: number): boolean {
	return isWord(byte) || byte === 0x7c;
}
