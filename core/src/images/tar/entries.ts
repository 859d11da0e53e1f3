import { CellarError, encodeName } from '../../model/index.ts';
import { block, padding, sumOf } from './header.ts';
import type { ByteStream } from './stream.ts';

/** An entry as a tar file has it; nothing about it is believed yet. */
export interface FoundEntry {
	readonly name: Buffer;
	/** The type flag of ustar: `0` a file, `1` a hard link, `2` a link, `5` a folder, … */
	readonly type: string;
	readonly mode: number;
	readonly size: number;
	readonly mtime: number;
	readonly target: Buffer;
	/** Where its content begins. */
	readonly offset: number;
}

/** The longest pax header that is taken: names are at most 4 KiB, and attributes of files are no business of an image. */
const longestPax = 1 << 20;

/**
 * Reads a tar file from entry to entry: ustar, pax and GNU's long names. The stream is at an entry's content when the
 * entry is handed out, and is moved behind it afterwards.
 *
 * @param what for messages: `layer 2`
 * @throws CellarError CELLAR_IMAGE_BROKEN where the file is cut, is no tar, or goes on behind its end;
 *   CELLAR_IMAGE_HOSTILE for what no honest writer writes
 */
export async function* readEntries(stream: ByteStream, what: string): AsyncGenerator<FoundEntry> {
	let own: Overrides = {};
	for (;;) {
		const at = stream.position;
		const header = await stream.take(block);
		if (header === null) throw broken(what, 'ends without the mark that ends a tar file: it was cut');
		if (isZero(header)) break;
		const fields = parseHeader(header, what, at);
		if (fields.type === 'x' || fields.type === 'g' || fields.type === 'L' || fields.type === 'K') {
			if (fields.size > longestPax) throw hostile(what, fields.name, 'has an absurdly long header');
			const content = Buffer.from((await stream.take(fields.size + padding(fields.size))) ?? []).subarray(0, fields.size);
			if (content.length < fields.size) throw broken(what, 'is cut within a header');
			own = { ...own, ...overridesOf(fields, content, what) };
			continue;
		}
		const size = own.size ?? fields.size;
		const offset = stream.position;
		yield { ...fields, size, name: own.path ?? fields.name, target: own.linkpath ?? fields.target, offset };
		own = {};
		await stream.skip(offset + size + padding(size) - stream.position);
	}
	if (Object.keys(own).length > 0) throw broken(what, 'ends within an entry');
	await readEnd(stream, what);
}

/** Behind the first block of zeros there is a second, and at most more zeros. */
async function readEnd(stream: ByteStream, what: string): Promise<void> {
	const second = await stream.take(block);
	if (second === null || !isZero(second)) throw broken(what, 'does not end as a tar file does: it was cut');
	for (let more = await stream.take(block); more !== null; more = await stream.take(block)) {
		if (!isZero(more)) throw hostile(what, Buffer.alloc(0), 'goes on behind its end');
	}
}

interface Overrides {
	readonly path?: Buffer;
	readonly linkpath?: Buffer;
	readonly size?: number;
}

type Fields = Omit<FoundEntry, 'offset'>;

function parseHeader(header: Buffer, what: string, at: number): Fields {
	const expected = numberAt(header, 148, 8);
	const zeroed = Buffer.from(header);
	zeroed.fill(0x20, 148, 156);
	const magic = header.toString('latin1', 257, 263);
	if (expected !== sumOf(zeroed) || (magic !== 'ustar\0' && magic !== 'ustar ')) {
		throw broken(what, `has no tar header at byte ${at}`);
	}
	const size = numberAt(header, 124, 12);
	const mtime = numberAt(header, 136, 12);
	const mode = numberAt(header, 100, 8);
	if (size === null || mtime === null || mode === null) throw broken(what, `has a damaged tar header at byte ${at}`);
	const prefix = magic === 'ustar\0' ? textAt(header, 345, 155) : Buffer.alloc(0);
	const name = textAt(header, 0, 100);
	return {
		name: prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), name]) : Buffer.from(name),
		type: header[156] === 0 ? '0' : String.fromCharCode(header[156]!),
		mode: mode & 0o7777,
		size,
		mtime,
		target: Buffer.from(textAt(header, 157, 100)),
	};
}

/** What a header that only speaks of the next entry says of it. */
function overridesOf(fields: Fields, content: Buffer, what: string): Overrides {
	if (fields.type === 'L') return { path: untilNul(content) };
	if (fields.type === 'K') return { linkpath: untilNul(content) };
	const found = parsePax(content, what);
	if ([...found.keys()].some((key) => key.startsWith('GNU.sparse.'))) {
		throw hostile(what, found.get('path') ?? Buffer.alloc(0), 'has holes, which images of Cellar never have');
	}
	const [path, linkpath, size] = [found.get('path'), found.get('linkpath'), found.get('size')];
	if (fields.type === 'g') {
		const names = path ?? linkpath ?? size;
		if (names !== undefined) throw hostile(what, names, 'is given for all entries at once');
		return {};
	}
	if (size !== undefined && !/^\d{1,16}$/.test(size.toString('latin1'))) throw broken(what, 'has an entry of no size');
	return { ...(path && { path }), ...(linkpath && { linkpath }), ...(size && { size: Number(size.toString('latin1')) }) };
}

/** Records of `LENGTH KEY=VALUE\n`. */
function parsePax(content: Buffer, what: string): Map<string, Buffer> {
	const found = new Map<string, Buffer>();
	for (let at = 0; at < content.length;) {
		const space = content.indexOf(0x20, at);
		const digits = space < 0 ? '' : content.toString('latin1', at, space);
		const end = at + Number(digits);
		const equals = content.indexOf(0x3d, space);
		const whole = /^[1-9]\d{0,8}$/.test(digits) && end <= content.length && content[end - 1] === 0x0a;
		if (!whole || equals < 0 || equals >= end) throw broken(what, 'has a damaged pax header');
		found.set(content.toString('utf8', space + 1, equals), content.subarray(equals + 1, end - 1));
		at = end;
	}
	return found;
}

/** An octal number, or base 256 where the first bit is set; null where it is neither, negative or too large to be true. */
function numberAt(header: Buffer, at: number, length: number): number | null {
	const field = header.subarray(at, at + length);
	if ((field[0]! & 0x80) !== 0) {
		let value = field[0]! & 0x7f;
		for (const byte of field.subarray(1)) value = value * 256 + byte;
		return Number.isSafeInteger(value) ? value : null;
	}
	const digits = /^ *([0-7]*)[ \0]*$/.exec(field.toString('latin1'));
	return digits === null ? null : Number.parseInt(digits[1] || '0', 8);
}

function textAt(header: Buffer, at: number, length: number): Buffer {
	return untilNul(header.subarray(at, at + length));
}

function untilNul(bytes: Buffer): Buffer {
	const end = bytes.indexOf(0);
	return end < 0 ? bytes : bytes.subarray(0, end);
}

const zeros = Buffer.alloc(block);

/** The last piece of a file may be less than a block. */
function isZero(bytes: Buffer): boolean {
	return bytes.length === block && bytes.equals(zeros);
}

export function broken(what: string, why: string): CellarError {
	return new CellarError('CELLAR_IMAGE_BROKEN', `${what} ${why}`, { hint: 'copy or pack the image again' });
}

/** @param name the entry that gives the image away */
export function hostile(what: string, name: Buffer, why: string): CellarError {
	return new CellarError(
		'CELLAR_IMAGE_HOSTILE',
		`${what} holds an entry that no image of Cellar holds: "${encodeName(name)}" ${why}`,
		{
			hint: 'nothing of it was written; do not trust where it came from',
		},
	);
}
