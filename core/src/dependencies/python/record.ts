import { isUtf8 } from 'node:buffer';
import { CellarError, type Name } from '../../model/index.ts';

/** A line of a RECORD. `hash` is as it stands there, `sha256=…`; null where the line has none. */
export interface RecordRow {
	readonly path: string;
	readonly hash: string | null;
	readonly size: number | null;
}

/** What a RECORD says. Where it is broken, `rows` holds what stands before the fault. */
export interface RecordFile {
	readonly rows: readonly RecordRow[];
	readonly fault: CellarError | null;
}

/**
 * Reads a RECORD: csv in UTF-8 with `""` for a quote, lines parted by `\n` or `\r\n`, also within quotes.
 *
 * @see https://packaging.python.org/en/latest/specifications/recording-installed-packages/
 */
export function parseRecord(bytes: Buffer, where: Name): RecordFile {
	const rows: RecordRow[] = [];
	const broken = (line: number, why: string): RecordFile => ({
		rows,
		fault: new CellarError('CELLAR_RECORD_UNREADABLE', `line ${line} of ${where}: ${why}`, {
			where,
			hint: 'install the distribution again: pip install --force-reinstall --no-deps NAME==VERSION',
		}),
	});
	if (!isUtf8(bytes)) return broken(lineOfFault(bytes), 'it is not UTF-8');
	const text = bytes.toString('utf8');
	let at = 0;
	for (let line = 1; at < text.length; line++) {
		const end = endOfLine(text, at);
		const plain = text.slice(at, end);
		if (!plain.includes('"')) {
			const row = rowOf(plain.split(','));
			if (row === null) return broken(line, `${JSON.stringify(plain.slice(0, 60))} is not a path, a hash and a size`);
			if (row.path !== '') rows.push(row);
			at = nextLine(text, end);
			continue;
		}
		const quoted = quotedRow(text, at);
		const row = quoted === null ? null : rowOf(quoted.fields);
		if (quoted === null || row === null) return broken(line, quoted === null ? 'a quote is not closed' : 'too many fields');
		rows.push(row);
		at = quoted.next;
	}
	return { rows, fault: null };
}

/** The digest of a RECORD's hash as 64 hexadecimal digits; null for another algorithm. Debian writes digits, the standard urlsafe base64. */
export function sha256InHash(hash: string | null): string | null {
	if (hash?.startsWith('sha256=') !== true) return null;
	const digest = hash.slice('sha256='.length);
	if (/^[0-9a-f]{64}$/.test(digest)) return digest;
	const bytes = Buffer.from(digest, 'base64url');
	return bytes.length === 32 ? bytes.toString('hex') : null;
}

function rowOf(fields: readonly string[]): RecordRow | null {
	const [path = '', hash = '', size = ''] = fields;
	if (fields.length > 3 || path.includes('\0') || (path === '' && fields.length > 1)) return null;
	return { path, hash: hash === '' ? null : hash, size: /^\d+$/.test(size) ? Number(size) : null };
}

/** A row with quotes, which may go on over line ends; null where one is not closed. */
function quotedRow(text: string, start: number): { fields: string[]; next: number } | null {
	const fields: string[] = [];
	let at = start;
	for (;;) {
		let field = '';
		if (text[at] === '"') {
			for (at++; ;) {
				const close = text.indexOf('"', at);
				if (close < 0) return null;
				field += text.slice(at, close);
				at = close + 1;
				if (text[at] !== '"') break;
				field += '"';
				at++;
			}
		}
		const end = endOfLine(text, at);
		const comma = text.indexOf(',', at);
		const stop = comma >= 0 && comma < end ? comma : end;
		fields.push(field + text.slice(at, stop));
		if (stop === end) return { fields, next: nextLine(text, end) };
		at = stop + 1;
	}
}

function endOfLine(text: string, from: number): number {
	const newline = text.indexOf('\n', from);
	const end = newline < 0 ? text.length : newline;
	return end > from && text[end - 1] === '\r' ? end - 1 : end;
}

function nextLine(text: string, end: number): number {
	return end + (text[end] === '\r' ? 2 : 1);
}

function lineOfFault(bytes: Buffer): number {
	let line = 1;
	let start = 0;
	for (;;) {
		const newline = bytes.indexOf(10, start);
		if (newline < 0 || !isUtf8(bytes.subarray(start, newline))) return line;
		line++;
		start = newline + 1;
	}
}
