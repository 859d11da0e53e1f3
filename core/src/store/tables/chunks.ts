import type { ColumnChunk, ColumnMetaData, RowGroup, SchemaElement } from 'hyparquet';

/** The values of a column as they stand in a file: where they go into another unchanged, their bytes do. */
export interface Chunk {
	readonly bytes: Uint8Array;
	/** Places in it are counted from the first of the bytes. */
	readonly metadata: ColumnMetaData;
}

/** By the array that was read from it. Whoever changes a value makes another array. */
const chunks = new WeakMap<object, Chunk>();

/** A chunk of fewer values is better written anew, together with others. */
const fewest = 4096;

/**
 * Remembers from where values were read.
 *
 * @param element what the file says of the column
 * @param own what we write of it: of another kind, values are not copied
 */
export function remember(
	values: readonly unknown[],
	file: ArrayBuffer,
	chunk: ColumnChunk,
	element: SchemaElement,
	own: SchemaElement,
): void {
	const of = chunk.meta_data;
	if (of === undefined || chunk.file_path !== undefined || values.length < fewest || Number(of.num_values) !== values.length)
		return;
	if (
		element.type !== own.type ||
		element.repetition_type !== own.repetition_type ||
		element.converted_type !== own.converted_type
	)
		return;
	const start = of.dictionary_page_offset ?? of.data_page_offset;
	chunks.set(values, {
		bytes: new Uint8Array(file, Number(start), Number(of.total_compressed_size)),
		metadata: {
			...{
				type: of.type,
				encodings: of.encodings,
				path_in_schema: of.path_in_schema,
				codec: of.codec,
				num_values: of.num_values,
			},
			...{ total_uncompressed_size: of.total_uncompressed_size, total_compressed_size: of.total_compressed_size },
			data_page_offset: of.data_page_offset - start,
			...(of.dictionary_page_offset === undefined ? {} : { dictionary_page_offset: 0n }),
		},
	});
}

export function chunkOf(values: ArrayLike<unknown>): Chunk | undefined {
	return chunks.get(values);
}

/** A row group with one column more, whose bytes stand in the file from a place on. */
export function withChunk(group: RowGroup, { metadata }: Chunk, start: bigint): RowGroup {
	const { data_page_offset, dictionary_page_offset } = metadata;
	const column: ColumnChunk = {
		file_offset: start,
		meta_data: {
			...metadata,
			data_page_offset: start + data_page_offset,
			...(dictionary_page_offset === undefined ? {} : { dictionary_page_offset: start + dictionary_page_offset }),
		},
	};
	return {
		...group,
		columns: [...group.columns, column],
		total_byte_size: group.total_byte_size + metadata.total_uncompressed_size,
		total_compressed_size: (group.total_compressed_size ?? 0n) + metadata.total_compressed_size,
	};
}
