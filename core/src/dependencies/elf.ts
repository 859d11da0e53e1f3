import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { errnoOf, type Name } from '../model/index.ts';
import { nameOfText, onDisk } from './paths.ts';

/** What an ELF file says of what it needs. @see elf(5) */
export interface Elf {
	/** 32 or 64 bits and the machine: a library of another kind does not fit. */
	readonly kind: string;
	/** The program that loads it (PT_INTERP); null for a library. */
	readonly interpreter: Name | null;
	readonly needed: readonly string[];
	readonly soname: string | null;
	/** DT_RPATH, also looked at for what its libraries need; empty where there is a DT_RUNPATH. */
	readonly rpath: readonly string[];
	/** DT_RUNPATH, for its own needs alone. */
	readonly runpath: readonly string[];
}

/** `broken` says why a file that begins as ELF cannot be read as such. */
export type ElfFile =
	| { readonly is: 'elf'; readonly elf: Elf }
	| { readonly is: 'broken'; readonly why: string }
	| { readonly is: 'other' };

/** Reads the headers of a file; nothing of its code. */
export function readElf(path: Name): ElfFile {
	let file: number;
	try {
		file = openSync(onDisk(path, true), 'r');
	} catch (error) {
		if (['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENXIO', 'ERR_INVALID_ARG_VALUE'].includes(errnoOf(error) ?? ''))
			return { is: 'other' };
		throw error;
	}
	try {
		const start = readAt(file, 0, 64);
		if (start.length < 20 || start.readUInt32BE(0) !== 0x7f454c46) return { is: 'other' };
		return { is: 'elf', elf: parse(file, start) };
	} catch (error) {
		if (error instanceof RangeError) return { is: 'broken', why: 'its headers point beyond its end' };
		throw error;
	} finally {
		closeSync(file);
	}
}

interface Segment {
	readonly type: number;
	readonly offset: number;
	readonly address: number;
	readonly size: number;
}

const [loadable, dynamic, interp] = [1, 2, 3];
const [neededTag, strtabTag, strszTag, sonameTag, rpathTag, runpathTag] = [1, 5, 10, 14, 15, 29];

/** @throws RangeError where a header points beyond the file */
function parse(file: number, start: Buffer): Elf {
	const wide = start[4] === 2;
	const little = start[5] === 1;
	const word = (bytes: Buffer, at: number) => number(bytes, at, 4, little);
	const address = (bytes: Buffer, at: number) => number(bytes, at, wide ? 8 : 4, little);
	const half = (bytes: Buffer, at: number) => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
	const kind = `${wide ? 64 : 32}-bit${little ? '' : ' big-endian'} machine ${half(start, 18)}`;

	const entrySize = half(start, wide ? 54 : 42);
	const count = half(start, wide ? 56 : 44);
	const table = exactly(file, address(start, wide ? 32 : 28), entrySize * count);
	const segments: Segment[] = Array.from({ length: count }, (_, index) => {
		const at = index * entrySize;
		return {
			type: word(table, at),
			offset: address(table, at + (wide ? 8 : 4)),
			address: address(table, at + (wide ? 16 : 8)),
			size: address(table, at + (wide ? 32 : 16)),
		};
	});
	const program = segments.find((one) => one.type === interp);
	const interpreter = program === undefined ? null : nameOfText(textAt(exactly(file, program.offset, program.size), 0));
	const nothing: Elf = { kind, interpreter, needed: [], soname: null, rpath: [], runpath: [] };

	const section = segments.find((one) => one.type === dynamic);
	if (section === undefined) return nothing;
	const bytes = exactly(file, section.offset, section.size);
	const width = wide ? 8 : 4;
	const tags: [number, number][] = [];
	for (let at = 0; at + 2 * width <= bytes.length; at += 2 * width) {
		const tag = address(bytes, at);
		if (tag === 0) break;
		tags.push([tag, address(bytes, at + width)]);
	}
	const value = (wanted: number) => tags.find(([tag]) => tag === wanted)?.[1];
	const place = value(strtabTag);
	if (place === undefined) return nothing;
	const holder = segments.find((one) => one.type === loadable && place >= one.address && place < one.address + one.size);
	const strings = exactly(file, holder === undefined ? place : place - holder.address + holder.offset, value(strszTag) ?? 0);
	const string = (offset: number | undefined) => (offset === undefined ? null : textAt(strings, offset));
	const folders = (text: string | null) => (text ?? '').split(':').filter((folder) => folder !== '');
	const runpath = folders(string(value(runpathTag)));
	return {
		kind,
		interpreter,
		needed: tags.filter(([tag]) => tag === neededTag).map(([, offset]) => textAt(strings, offset)),
		soname: string(value(sonameTag)),
		rpath: runpath.length > 0 ? [] : folders(string(value(rpathTag))),
		runpath,
	};
}

function number(bytes: Buffer, at: number, width: number, little: boolean): number {
	if (width === 4) return little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
	return Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
}

function textAt(bytes: Buffer, at: number): string {
	if (at >= bytes.length) throw new RangeError('a string beyond its table');
	const end = bytes.indexOf(0, at);
	return bytes.subarray(at, end < 0 ? bytes.length : end).toString('utf8');
}

/** What a header may ask for at once: no honest table of names is larger. */
const largestTable = 64 << 20;

function exactly(file: number, at: number, length: number): Buffer {
	if (length > largestTable || at + length > fstatSync(file).size) throw new RangeError('beyond the end of the file');
	return readAt(file, at, length);
}

function readAt(file: number, at: number, length: number): Buffer {
	const bytes = Buffer.alloc(length);
	return bytes.subarray(0, readSync(file, bytes, 0, length, at));
}
