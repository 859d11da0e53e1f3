/** A row of a table whose second column is the last: its number, and that column's bytes. */
export interface BlobRow {
	readonly id: number;
	readonly bytes: Buffer;
}

/**
 * Reads one table of a SQLite database: only what rpm's needs, an integer key and a blob. Changes that stand in the log beside
 * the database, and were committed, are seen.
 *
 * @param log the bytes of the `-wal` file
 * @returns null where these bytes are no such database, or have no such table
 * @see https://www.sqlite.org/fileformat2.html
 */
export function readBlobTable(database: Buffer, log: Buffer | null, table: string): BlobRow[] | null {
	if (database.length < 100 || database.toString('latin1', 0, 16) !== 'SQLite format 3\0') return null;
	const told = database.readUInt16BE(16);
	const size = told === 1 ? 65536 : told;
	if (size < 512) return null;
	const changed = pagesInLog(log, size);
	const file: Pages = {
		usable: size - database.readUInt8(20),
		page: (number) => changed.get(number) ?? database.subarray((number - 1) * size, number * size),
	};
	try {
		for (const row of rowsOf(file, 1)) {
			const columns = columnsOf(row.bytes);
			if (text(columns[0]) === 'table' && text(columns[1]) === table)
				return [...rowsOf(file, whole(columns[3]))].map(({ id, bytes }) => ({
					id,
					bytes: columnsOf(bytes)[1] ?? Buffer.alloc(0),
				}));
		}
	} catch (error) {
		// A number that points outside of its page: the database is cut short or is none.
		if (!(error instanceof RangeError)) throw error;
	}
	return null;
}

interface Pages {
	readonly usable: number;
	page(number: number): Buffer;
}

/** The last committed content of each page in the log, whose frames carry its two salts. */
function pagesInLog(log: Buffer | null, size: number): Map<number, Buffer> {
	const committed = new Map<number, Buffer>();
	if (log === null || log.length < 32) return committed;
	let waiting: [number, Buffer][] = [];
	const salts = log.subarray(16, 24);
	for (let at = 32; at + 24 + size <= log.length; at += 24 + size) {
		if (!log.subarray(at + 8, at + 16).equals(salts)) break;
		waiting.push([log.readUInt32BE(at), log.subarray(at + 24, at + 24 + size)]);
		if (log.readUInt32BE(at + 4) === 0) continue;
		for (const [number, page] of waiting) committed.set(number, page);
		waiting = [];
	}
	return committed;
}

/** The rows of a table, from the page at its root. */
function* rowsOf(file: Pages, number: number, depth = 0): Generator<BlobRow> {
	const page = file.page(number);
	// Before the first page's content stands the header of the file.
	const start = number === 1 ? 100 : 0;
	const kind = page.readUInt8(start);
	const count = page.readUInt16BE(start + 3);
	if ((kind !== 5 && kind !== 13) || depth > 20) throw new RangeError('not a page of a table');
	const cells = start + (kind === 5 ? 12 : 8);
	for (let index = 0; index < count; index++) {
		const at = page.readUInt16BE(cells + 2 * index);
		if (kind === 5) yield* rowsOf(file, page.readUInt32BE(at), depth + 1);
		else yield rowAt(file, page, at);
	}
	if (kind === 5) yield* rowsOf(file, page.readUInt32BE(start + 8), depth + 1);
}

function rowAt(file: Pages, page: Buffer, at: number): BlobRow {
	const [length, afterLength] = varint(page, at);
	const [id, begin] = varint(page, afterLength);
	const most = file.usable - 35;
	const least = Math.floor(((file.usable - 12) * 32) / 255) - 23;
	const rest = least + ((length - least) % (file.usable - 4));
	const here = length <= most ? length : rest <= most ? rest : least;
	const parts = [page.subarray(begin, begin + here)];
	let left = length - here;
	for (let next = left > 0 ? page.readUInt32BE(begin + here) : 0; left > 0;) {
		const more = file.page(next);
		const part = more.subarray(4, Math.min(file.usable, 4 + left));
		if (part.length === 0) throw new RangeError('an overflow page is missing');
		parts.push(part);
		left -= part.length;
		next = more.readUInt32BE(0);
	}
	return { id, bytes: Buffer.concat(parts) };
}

/** The columns of a record as their bytes; empty for NULL and for the numbers 0 and 1. */
function columnsOf(record: Buffer): Buffer[] {
	const [header, first] = varint(record, 0);
	const columns: Buffer[] = [];
	let data = header;
	for (let at = first; at < header;) {
		const [type, next] = varint(record, at);
		at = next;
		const length = type >= 12 ? Math.floor((type - 12) / 2) : ([0, 1, 2, 3, 4, 6, 8, 8][type] ?? 0);
		columns.push(record.subarray(data, data + length));
		data += length;
	}
	return columns;
}

function text(column: Buffer | undefined): string {
	return column?.toString('utf8') ?? '';
}

function whole(column: Buffer | undefined): number {
	return column === undefined || column.length === 0 || column.length > 6 ? 0 : column.readUIntBE(0, column.length);
}

/** A number of one to nine bytes, seven bits of it in each but the ninth; and where it ends. */
function varint(bytes: Buffer, at: number): [number, number] {
	let value = 0;
	for (let index = 0; index < 8; index++) {
		const byte = bytes.readUInt8(at + index);
		value = value * 128 + (byte & 0x7f);
		if (byte < 0x80) return [value, at + index + 1];
	}
	return [value * 256 + bytes.readUInt8(at + 8), at + 9];
}
