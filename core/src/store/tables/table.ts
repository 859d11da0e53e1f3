import { readFile } from 'node:fs/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
	parquetMetadataAsync,
	parquetRead,
	parquetSchema,
	type DecodedArray,
	type FileMetaData,
	type SchemaElement,
} from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { CellarError, errnoOf } from '../../model/index.ts';
import type { Column } from './column.ts';
import { openWhole } from '../disk.ts';
import { checkFormat } from '../journal.ts';

/** The columns of one table, in their order: each field of its rows has exactly one. */
export type Columns<Row> = { readonly [Field in keyof Row]-?: Column<Row[Field]> };

/** A table that is written piece by piece; nothing stands under its name before it is whole. */
export interface TableWriter<Row> extends AsyncDisposable {
	/** @throws CellarError CELLAR_DISK_FULL, CELLAR_NO_PERMISSION */
	add(rows: readonly Row[]): Promise<void>;
	/** Gives it its name: whoever lets go of it before leaves nothing. @throws as `add` */
	finish(): Promise<void>;
}

/** So many rows are written at a time: enough to share what is alike in them, few enough to be held in memory. */
const groupRows = 1 << 16;

/**
 * Writes a table as Parquet with `"format": 1` as its key-value metadata, so that pandas, Polars and DuckDB open it as it
 * is. An empty table has its columns too.
 *
 * @throws CellarError CELLAR_DISK_FULL, CELLAR_NO_PERMISSION
 */
export async function writeTable<Row>(path: string, columns: Columns<Row>, rows: readonly Row[]): Promise<void> {
	await using table = await createTable(path, columns);
	await table.add(rows);
	await table.finish();
}

/** The same, for more rows than are held in memory. */
export async function createTable<Row>(path: string, columns: Columns<Row>): Promise<TableWriter<Row>> {
	const fields = fieldsOf(columns);
	const schema: SchemaElement[] = [{ name: 'root', num_children: fields.length }];
	for (const name of fields) schema.push(...columns[name].elements(name));
	const file = await openWhole(path);
	const bytes = new ByteWriter();
	const parquet = new ParquetWriter({
		writer: bytes,
		schema,
		codec: 'GZIP',
		// zlib's own code is several times faster than a codec in JavaScript, and every reader has it.
		compressors: { GZIP: (input) => gzipSync(input, { level: 1 }) },
		statistics: false,
		kvMetadata: [{ key: 'format', value: '1' }],
		createdBy: 'cellar',
	});
	/** What has been written is in the file, and is not kept. */
	const flush = async () => {
		await file.write(bytes.getBytes());
		bytes.index = 0;
	};
	const write = async (rows: readonly Row[]) => {
		const columnData = fields.map((name) => {
			const column = columns[name];
			return { name, data: rows.map((row) => column.encode(row[name])) };
		});
		await parquet.write({ columnData, rowGroupSize: groupRows });
		await flush();
	};
	let waiting: Row[] = [];
	return {
		async add(rows) {
			for (let at = 0; at < rows.length;) {
				const more = rows.slice(at, at + groupRows - waiting.length);
				at += more.length;
				for (const row of more) waiting.push(row);
				if (waiting.length < groupRows) return;
				await write(waiting);
				waiting = [];
			}
		},
		async finish() {
			if (waiting.length > 0) await write(waiting);
			await parquet.finish();
			await flush();
			await file.finish();
		},
		[Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
	};
}

/**
 * Reads a table that `writeTable` wrote; columns that a later version of this format added are left out.
 *
 * @throws CellarError CELLAR_RUN_UNREADABLE with the file and the column, CELLAR_RUN_TOO_NEW
 */
export async function readTable<Row>(
	path: string,
	columns: Columns<Row>,
	rowOf?: (values: Values<Row>, at: number) => Row,
): Promise<readonly Row[]> {
	const all: Row[] = [];
	for await (const rows of readPieces(path, columns, rowOf)) for (const row of rows) all.push(row);
	return all;
}

/** The values of some rows, column by column. */
export type Values<Row> = { readonly [Field in keyof Row]-?: readonly Row[Field][] };

/**
 * The same, as many rows at a time as were written together.
 *
 * @param rowOf makes a row of what stands at a place: written out for a table of millions of rows, it is faster
 */
export async function* readPieces<Row>(
	path: string,
	columns: Columns<Row>,
	rowOf: (values: Values<Row>, at: number) => Row = rowOfFields(fieldsOf(columns)),
): AsyncGenerator<readonly Row[]> {
	const file = await readFile(path).catch((cause: unknown) => {
		if (errnoOf(cause) === null) throw cause;
		throw new CellarError('CELLAR_RUN_UNREADABLE', `a table of the run cannot be read (${errnoOf(cause)})`, {
			where: path,
			cause,
		});
	});
	const buffer = new Uint8Array(file).buffer;
	const metadata = await unlessBroken(path, () => parquetMetadataAsync(buffer));
	checkFormat(formatOf(metadata), path);
	const there = new Set(parquetSchema(metadata).children.map((child) => child.element.name));
	for (const name of fieldsOf(columns)) if (!there.has(name) && columns[name].isLater !== true) missing(path, name);
	let from = 0;
	for (const group of metadata.row_groups) {
		const to = from + Number(group.num_rows);
		const start = from;
		from = to;
		yield await unlessBroken(path, async () => {
			const values = await readColumns(buffer, metadata, columns, start, to);
			const rows: Row[] = [];
			for (let at = 0; at < to - start; at++) rows.push(rowOf(values, at));
			return rows;
		});
	}
}

function rowOfFields<Row>(fields: readonly (keyof Row & string)[]): (values: Values<Row>, at: number) => Row {
	return (values, at) => {
		const row: Partial<Row> = {};
		for (const name of fields) row[name] = values[name][at]!;
		// All its fields are there now.
		return row as Row;
	};
}

async function readColumns<Row>(
	file: ArrayBuffer,
	metadata: FileMetaData,
	columns: Columns<Row>,
	from: number,
	to: number,
): Promise<Values<Row>> {
	const read = new Map<string, unknown[]>(fieldsOf(columns).map((name) => [name, []]));
	await parquetRead({
		file,
		metadata,
		rowStart: from,
		rowEnd: to,
		compressors: { GZIP: (input, length) => gunzipSync(input, { maxOutputLength: length + 1 }) },
		parsers: { timestampFromMilliseconds: (millis: bigint | null | undefined) => millis ?? null },
		onChunk({ columnName, columnData, rowStart }) {
			const values = read.get(columnName);
			if (values !== undefined) copy(columnData, values, rowStart - from);
		},
	});
	const decoded = fieldsOf(columns).map((name) => [name, decodedBy(columns[name].decode, read.get(name) ?? [], to - from)]);
	// Each column holds what its own `decode` gives, whose type is the field's.
	return Object.fromEntries(decoded) as Values<Row>;
}

function copy(from: DecodedArray, into: unknown[], start: number): void {
	for (let at = 0; at < from.length; at++) into[start + at] = from[at];
}

/** Where a column has no value, `decode` says whether it may. */
function decodedBy<T>(decode: (value: unknown) => T, values: readonly unknown[], size: number): T[] {
	const decoded: T[] = [];
	for (let at = 0; at < size; at++) decoded.push(decode(values[at]));
	return decoded;
}

function formatOf(metadata: FileMetaData): number {
	const value = metadata.key_value_metadata?.find((pair) => pair.key === 'format')?.value;
	return value === undefined ? 0 : Number(value);
}

function missing(path: string, name: string): never {
	throw new CellarError('CELLAR_RUN_UNREADABLE', `the table has no column "${name}"`, { where: path });
}

/** Whatever a broken Parquet file makes its reader throw is the file's fault. */
async function unlessBroken<T>(path: string, read: () => T | Promise<T>): Promise<T> {
	try {
		return await read();
	} catch (cause) {
		throw new CellarError(
			'CELLAR_RUN_UNREADABLE',
			`a table of the run is broken: ${cause instanceof Error ? cause.message : ''}`,
			{
				where: path,
				cause,
			},
		);
	}
}

function fieldsOf<Row>(columns: Columns<Row>): (keyof Row & string)[] {
	// An object literal has no keys but those of its type here: `Columns` maps exactly the fields of `Row`.
	return Object.keys(columns) as (keyof Row & string)[];
}
