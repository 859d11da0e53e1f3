import type { SchemaElement } from 'hyparquet';

/** One column of a table: how its values stand in Parquet, and what a value read must be. */
export interface Column<T> {
	readonly elements: (name: string) => SchemaElement[];
	readonly encode: (value: T) => unknown;
	/** @throws TypeError where the value is none of the column's */
	readonly decode: (value: unknown) => T;
	/** Older tables have not this column: there nothing is known. */
	readonly isLater?: boolean;
}

/** UTF-8; names of files stand in it encoded (model/names.ts). */
export const text: Column<string> = plain({ type: 'BYTE_ARRAY', converted_type: 'UTF8' }, isText);

/** 32 bits: ordinals, pids, modes, ports. */
export const int: Column<number> = plain({ type: 'INT32' }, (value): value is number => Number.isInteger(value));

/** 64 bits: sequence numbers, counts, sizes. In memory a number; nothing that a run counts comes near 2^53. */
export const long: Column<number> = {
	elements: (name) => [{ name, type: 'INT64', repetition_type: 'REQUIRED' }],
	encode: BigInt,
	decode: wholeNumber,
};

/** Milliseconds since 1970 in UTC, in memory a whole number; a `datetime64[ms, UTC]` in pandas. */
export const time: Column<number> = {
	elements: (name) => [
		{
			name,
			type: 'INT64',
			converted_type: 'TIMESTAMP_MILLIS',
			logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
			repetition_type: 'REQUIRED',
		},
	],
	encode: BigInt,
	decode: wholeNumber,
};

export const flag: Column<boolean> = plain({ type: 'BOOLEAN' }, (value): value is boolean => typeof value === 'boolean');

/** One of a fixed set of words. */
export function oneOf<W extends string>(words: readonly W[]): Column<W> {
	const known: ReadonlySet<unknown> = new Set(words);
	return plain({ type: 'BYTE_ARRAY', converted_type: 'UTF8' }, (value): value is W => known.has(value));
}

/** A list of texts. */
export const texts: Column<readonly string[]> = {
	elements: (name) => [
		{ name, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' }, repetition_type: 'REQUIRED' },
		{ name: 'list', num_children: 1, repetition_type: 'REPEATED' },
		{ name: 'element', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
	],
	encode: (value) => value,
	decode(value) {
		if (Array.isArray(value) && value.every(isText)) return value;
		throw new TypeError(`not a list of texts: ${String(value)}`);
	},
};

/** The same column where a value may be null. */
export function orNull<T>(column: Column<T>): Column<T | null> {
	return {
		elements(name) {
			const [own, ...children] = column.elements(name);
			return own === undefined ? [] : [{ ...own, repetition_type: 'OPTIONAL' }, ...children];
		},
		encode: (value) => (value === null ? null : column.encode(value)),
		decode: (value) => (value === null || value === undefined ? null : column.decode(value)),
	};
}

/** A column that the table has not had from the beginning. */
export function later<T>(column: Column<T | null>): Column<T | null> {
	return { ...column, isLater: true };
}

function plain<T>(element: Omit<SchemaElement, 'name'>, fits: (value: unknown) => value is T): Column<T> {
	return {
		elements: (name) => [{ ...element, name, repetition_type: 'REQUIRED' }],
		encode: (value) => value,
		decode(value) {
			if (fits(value)) return value;
			throw new TypeError(`not one of the column's values: ${String(value)}`);
		},
	};
}

function wholeNumber(value: unknown): number {
	const number = typeof value === 'bigint' ? Number(value) : value;
	if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
	throw new TypeError(`not a whole number: ${String(value)}`);
}

function isText(value: unknown): value is string {
	return typeof value === 'string';
}
