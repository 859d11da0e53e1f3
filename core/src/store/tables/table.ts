import { readFile } from 'node:fs/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
	parquetMetadataAsync,
	parquetRead,
	parquetSchema,
	type ColumnChunk,
	type FileMetaData,
	type RowGroup,
	type SchemaElement,
} from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { CellarError, errnoOf } from '../../model/index.ts';
import { chunkOf, remember, withChunk } from './chunks.ts';
import type { Column } from './column.ts';
import { openWhole } from '../disk.ts';
import { checkFormat } from '../journal.ts';

/** The columns of one table, in their order: each field of its rows has exactly one. */
export type Columns<Row> = { readonly [Field in keyof Row]-?: Column<Row[Field]> };

/** Some rows, column by column: as many values in each. */
export type Values<Row> = { readonly [Field in keyof Row]-?: ArrayLike<Row[Field]> };

/** A table that is written piece by piece; nothing stands under its name before it is whole. */
export interface TableWriter<Row> extends AsyncDisposable {
	/** @throws CellarError CELLAR_DISK_FULL, CELLAR_NO_PERMISSION */
	add(values: Values<Row>): Promise<void>;
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
	await table.add(valuesOf(columns, rows));
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
	const noRows = (names: typeof fields) => names.map((name): { name: string; data: unknown[] } => ({ name, data: [] }));
	const encoded = (values: Values<Row>, names: typeof fields, into: ReturnType<typeof noRows>, from: number, to: number) => {
		for (const [place, name] of names.entries()) {
			const { encode } = columns[name];
			const { data } = into[place]!;
			for (let at = from; at < to; at++) data.push(encode(values[name][at]!));
		}
		return into;
	};
	/** What is not written yet, as it stands in the file. */
	let waiting = noRows(fields);
	const write = async () => {
		await parquet.write({ columnData: waiting, rowGroupSize: groupRows });
		waiting = noRows(fields);
		await flush();
	};
	/** Writes rows of which some columns are copied from where they were read. */
	const copy = async (values: Values<Row>, size: number, fresh: typeof fields) => {
		if (waiting[0]!.data.length > 0) await write();
		await parquet.write({ columnData: encoded(values, fresh, noRows(fresh), 0, size), rowGroupSize: size });
		let group = parquet.row_groups.pop()!;
		for (const name of fields) {
			const chunk = fresh.includes(name) ? undefined : chunkOf(values[name]);
			if (chunk === undefined) continue;
			group = withChunk(group, chunk, BigInt(bytes.offset));
			bytes.appendBytes(chunk.bytes);
		}
		const placeOf = ({ meta_data }: ColumnChunk) => fields.findIndex((name) => name === meta_data?.path_in_schema[0]);
		parquet.row_groups.push({ ...group, columns: group.columns.toSorted((a, b) => placeOf(a) - placeOf(b)) });
		await flush();
	};
	return {
		async add(values) {
			const size = sizeOf(values, fields);
			const fresh = fields.filter((name) => chunkOf(values[name]) === undefined);
			if (fresh.length > 0 && fresh.length < fields.length) {
				await copy(values, size, fresh);
				return;
			}
			for (let at = 0; at < size;) {
				const to = Math.min(size, at + groupRows - waiting[0]!.data.length);
				encoded(values, fields, waiting, at, to);
				at = to;
				if (waiting[0]!.data.length === groupRows) await write();
			}
		},
		async finish() {
			if (waiting[0]!.data.length > 0) await write();
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
 * @param rowOf makes a row of what stands at a place: written out for a table of millions of rows, it is faster
 * @throws CellarError CELLAR_RUN_UNREADABLE with the file and the column, CELLAR_RUN_TOO_NEW
 */
export async function readTable<Row>(
	path: string,
	columns: Columns<Row>,
	rowOf: (values: Values<Row>, at: number) => Row = rowOfFields(fieldsOf(columns)),
): Promise<readonly Row[]> {
	const all: Row[] = [];
	for await (const values of readColumns(path, columns)) {
		const size = sizeOf(values, fieldsOf(columns));
		for (let at = 0; at < size; at++) all.push(rowOf(values, at));
	}
	return all;
}

/** The same, as many rows at a time as were written together. */
export async function* readColumns<Row>(path: string, columns: Columns<Row>): AsyncGenerator<Values<Row>> {
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
		const start = from;
		from += Number(group.num_rows);
		yield await unlessBroken(path, () => valuesIn(buffer, metadata, columns, group, start));
	}
}

function valuesOf<Row>(columns: Columns<Row>, rows: readonly Row[]): Values<Row> {
	const values: { -readonly [Field in keyof Row]?: readonly Row[Field][] } = {};
	for (const name of fieldsOf(columns)) values[name] = rows.map((row) => row[name]);
	// All columns are there now.
	return values as Values<Row>;
}

function sizeOf<Row>(values: Values<Row>, [first]: readonly (keyof Row)[]): number {
	return first === undefined ? 0 : values[first].length;
}

function rowOfFields<Row>(fields: readonly (keyof Row & string)[]): (values: Values<Row>, at: number) => Row {
	return (values, at) => {
		const row: Partial<Row> = {};
		for (const name of fields) row[name] = values[name][at]!;
		// All its fields are there now.
		return row as Row;
	};
}

async function valuesIn<Row>(
	file: ArrayBuffer,
	metadata: FileMetaData,
	columns: Columns<Row>,
	group: RowGroup,
	from: number,
): Promise<Values<Row>> {
	const to = from + Number(group.num_rows);
	const chunks = new Map<string, { readonly start: number; readonly data: ArrayLike<unknown> }[]>();
	for (const name of fieldsOf(columns)) chunks.set(name, []);
	await parquetRead({
		file,
		metadata,
		rowStart: from,
		rowEnd: to,
		compressors: { GZIP: (input, length) => gunzipSync(input, { maxOutputLength: length + 1 }) },
		parsers: { timestampFromMilliseconds: (millis: bigint | null | undefined) => millis ?? null },
		// What is thrown here reaches nobody.
		onChunk({ columnName, columnData, rowStart }) {
			chunks.get(columnName)?.push({ start: rowStart - from, data: columnData });
		},
	});
	const values: { -readonly [Field in keyof Row]?: readonly Row[Field][] } = {};
	const elements = new Map(parquetSchema(metadata).children.map(({ element }) => [element.name, element]));
	for (const name of fieldsOf(columns)) {
		const all = decoded(columns[name], chunks.get(name) ?? [], to - from);
		values[name] = all;
		const [own, ...parts] = columns[name].elements(name);
		const there = elements.get(name);
		const chunk = group.columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === name);
		// A column of lists stands in several.
		if (own !== undefined && parts.length === 0 && there !== undefined && chunk !== undefined)
			remember(all, file, chunk, there, own);
	}
	// All columns are there now.
	return values as Values<Row>;
}

function decoded<T>(
	{ decode }: Column<T>,
	chunks: readonly { readonly start: number; readonly data: ArrayLike<unknown> }[],
	size: number,
): T[] {
	const [whole] = chunks;
	// Most columns come in one array, which is nobody else's: of millions of values each copy counts.
	if (chunks.length === 1 && Array.isArray(whole?.data) && whole.data.length === size) {
		const values: unknown[] = whole.data;
		for (let at = 0; at < size; at++) values[at] = decode(values[at]);
		// Each of them is what `decode` gave.
		return values as T[];
	}
	const values: T[] = [];
	for (const { start, data } of chunks) {
		const some = data instanceof BigInt64Array ? numbersOf(data) : data;
		for (let at = 0; at < some.length; at++) values[start + at] = decode(some[at]);
	}
	// Where a column has no value, `decode` says whether it may.
	while (values.length < size) values.push(decode(undefined));
	return values;
}

/** Without a bigint for each, of which there may be millions. */
function numbersOf(wide: BigInt64Array): ArrayLike<number> {
	const halves = new DataView(wide.buffer, wide.byteOffset, wide.byteLength);
	const numbers = new Float64Array(wide.length);
	for (let at = 0; at < wide.length; at++)
		numbers[at] = halves.getInt32(at * 8 + 4, true) * 2 ** 32 + halves.getUint32(at * 8, true);
	return numbers;
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
