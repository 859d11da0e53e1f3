/** One entry as it goes into a tar file. Names are bytes, without a leading `/`; a folder's ends in `/`. */
export interface TarEntry {
	readonly name: Buffer;
	readonly kind: 'file' | 'directory' | 'link';
	readonly mode: number;
	/** Bytes that follow the header; 0 for all but files. */
	readonly size: number;
	/** Seconds since 1970. */
	readonly mtime: number;
	/** A link's text; empty for others. */
	readonly target: Buffer;
}

/** Tar counts in blocks: each header is one, content is filled up to whole ones. */
export const block = 512;

/** What ends a tar file. */
export const endOfTar: Buffer = Buffer.alloc(2 * block);

/** How many zero bytes follow content of this size. */
export function padding(size: number): number {
	return (block - (size % block)) % block;
}

const typeFlags = { file: '0', directory: '5', link: '2' } as const;
/** The largest size that eleven octal digits hold. */
const largestOctal = 8 ** 11 - 1;

/**
 * The header of an entry: ustar where its fields hold what it says, with a pax header before it where they do not (a long
 * name, one that is not ASCII, a size of 8 GiB or more). Owner and group are 0. The same entry gives the same bytes.
 *
 * Written here, because the tar library at hand takes names as text, which cannot hold every file name, and works in
 * streams of small pieces: the writer below it is several times slower than the disk.
 *
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html ("ustar Interchange Format", "pax Header Block")
 */
export function headerOf(entry: TarEntry): Buffer {
	const records: Buffer[] = [];
	const [prefix, name] = splitName(entry.name);
	if (name === null) records.push(paxRecord('path', entry.name));
	if (entry.target.length > 100 || !isAscii(entry.target)) records.push(paxRecord('linkpath', entry.target));
	if (records.some((record) => !isUtf8(record))) records.unshift(paxRecord('hdrcharset', Buffer.from('BINARY')));
	if (entry.size > largestOctal) records.push(paxRecord('size', Buffer.from(String(entry.size))));
	const own = ustar({
		prefix: prefix ?? empty,
		name: name ?? asciiOf(entry.name),
		mode: entry.mode,
		size: Math.min(entry.size, largestOctal),
		mtime: entry.mtime,
		type: typeFlags[entry.kind],
		target: asciiOf(entry.target),
	});
	if (records.length === 0) return own;
	const pax = Buffer.concat(records);
	const before = ustar({
		prefix: empty,
		name: paxName,
		mode: 0o644,
		size: pax.length,
		mtime: entry.mtime,
		type: 'x',
		target: empty,
	});
	return Buffer.concat([before, pax, Buffer.alloc(padding(pax.length)), own]);
}

const empty = Buffer.alloc(0);
/** What readers that know no pax would call the records' own entry. */
const paxName = Buffer.from('././@PaxHeader');

interface Fields {
	readonly prefix: Buffer;
	readonly name: Buffer;
	readonly mode: number;
	readonly size: number;
	readonly mtime: number;
	readonly type: string;
	readonly target: Buffer;
}

function ustar(fields: Fields): Buffer {
	const header = Buffer.alloc(block);
	fields.name.copy(header, 0, 0, 100);
	header.write(octal(fields.mode, 7), 100, 'latin1');
	header.write(octal(0, 7), 108, 'latin1');
	header.write(octal(0, 7), 116, 'latin1');
	header.write(octal(fields.size, 11), 124, 'latin1');
	header.write(octal(fields.mtime, 11), 136, 'latin1');
	header.write(fields.type, 156, 'latin1');
	fields.target.copy(header, 157, 0, 100);
	header.write('ustar\x0000', 257, 'latin1');
	header.write(octal(0, 7), 329, 'latin1');
	header.write(octal(0, 7), 337, 'latin1');
	fields.prefix.copy(header, 345, 0, 155);
	// The sum is taken with the sum's own field as eight spaces, and written as six digits, a NUL and a space.
	header.write('        ', 148, 'latin1');
	header.write(`${octal(sumOf(header), 6)}\0 `, 148, 'latin1');
	return header;
}

/** The sum of a header's bytes. */
export function sumOf(header: Buffer): number {
	let sum = 0;
	for (let at = 0; at < block; at++) sum += header[at]!;
	return sum;
}

function octal(value: number, digits: number): string {
	return value.toString(8).padStart(digits, '0');
}

/** A name for ustar's two fields, 155 and 100 bytes, parted at a `/`; null where it does not fit or is not ASCII. */
function splitName(name: Buffer): [Buffer, Buffer] | [null, null] {
	if (!isAscii(name)) return [null, null];
	if (name.length <= 100) return [empty, name];
	if (name.length > 256) return [null, null];
	// A folder's own last `/` stays with its name.
	const at = name.subarray(0, -1).indexOf(0x2f, name.length - 101);
	if (at < 1 || at > 155) return [null, null];
	return [name.subarray(0, at), name.subarray(at + 1)];
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function paxRecord(key: string, value: Buffer): Buffer {
	const rest = key.length + value.length + 3;
	let length = rest + String(rest).length;
	if (String(length).length > String(rest).length) length += 1;
	return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')]);
}

function isAscii(bytes: Buffer): boolean {
	return bytes.every((byte) => byte < 0x80);
}

function isUtf8(bytes: Buffer): boolean {
	return Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes);
}

/** The first hundred bytes, for readers that know no pax. */
function asciiOf(name: Buffer): Buffer {
	return Buffer.from(name.subarray(0, 100).map((byte) => (byte < 0x80 ? byte : 0x5f)));
}
