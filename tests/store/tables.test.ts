import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { parquetMetadata } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import { columnsOf, encodeName, hows, noFacts, type Facts, type FileFact, type OutputFact } from '../../core/src/model/index.ts';
import {
	createAccesses,
	hasTables,
	readAccessColumns,
	readAccesses,
	readTables,
	writeTables,
	type Tables,
} from '../../core/src/store/index.ts';
import { failureOf, folder, smallDisk } from './some.ts';

const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const long = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
const text = fc.string({ unit: 'grapheme' });
const name = fc.uint8Array({ maxLength: 40 }).map((bytes) => encodeName(bytes));
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const scope = { log: text, cell: orNull(int), worker: orNull(text), task: orNull(text), process: int };
const sha256 = fc.stringMatching(/^[0-9a-f]{64}$/);

const submitted = orNull(fc.record({ log: text, seq: long, cell: orNull(int), worker: orNull(text), task: orNull(text) }));
const facts: fc.Arbitrary<Facts> = fc.record({
	accesses: fc.array(
		fc.record({
			...scope,
			thread: int,
			during: orNull(int),
			ambiguous: fc.boolean(),
			path: name,
			how: fc.constantFrom(...hows),
			first: long,
			last: long,
			count: long,
		}),
	),
	changes: fc.array(
		fc.record({
			...scope,
			seq: long,
			thread: int,
			kind: fc.constantFrom('rename', 'link', 'symlink', 'remove'),
			from: orNull(name),
			to: name,
		}),
	),
	processes: fc.array(
		fc.record({
			...scope,
			ordinal: int,
			kind: fc.constantFrom('process', 'thread'),
			parent: orNull(int),
			pid: int,
			pidInside: orNull(int),
			host: text,
			bootId: text,
			inheritsFrom: orNull(int),
			untilSeq: orNull(long),
			born: long,
			ended: orNull(long),
			exitCode: orNull(int),
			signal: orNull(text),
		}),
	),
	execs: fc.array(fc.record({ ...scope, seq: long, path: name, argv: fc.array(text) })),
	network: fc.array(
		fc.record({
			...scope,
			seq: long,
			address: text,
			port: orNull(int),
			name: orNull(text),
			how: fc.constantFrom('connect', 'bind'),
		}),
	),
	workers: fc.array(fc.record({ worker: text, process: int, engine: text, pid: int, born: long })),
	tasks: fc.uniqueArray(
		fc.record({
			task: int,
			engine: text,
			engineId: text,
			function: orNull(text),
			submitted,
			attempts: fc.array(
				fc.record({
					...{ log: text, attempt: text, counted: fc.boolean(), process: int, thread: int, worker: orNull(text) },
					...{ begun: long, ended: orNull(long) },
				}),
			),
		}),
		{ selector: ({ task }) => task },
	),
	handed: fc.array(fc.record({ id: text, task: orNull(int), attempt: orNull(text), submitted })),
	names: fc.array(fc.record({ log: text, worker: orNull(text), task: orNull(text), path: name, as: name })),
	doubts: fc.array(fc.record({ code: text, message: text, seq: orNull(long) })),
});
const files: fc.Arbitrary<FileFact[]> = fc.array(
	fc.record({
		path: name,
		realPath: orNull(name),
		kind: fc.constantFrom('file', 'directory', 'link', 'other', 'gone'),
		size: orNull(long),
		mode: orNull(int),
		mtime: orNull(fc.integer({ min: -8.64e15, max: 8.64e15 })),
		existedBefore: orNull(fc.boolean()),
		sha256Before: orNull(sha256),
		sha256After: orNull(sha256),
		blobBefore: orNull(sha256),
		blobAfter: orNull(sha256),
		whyNoBlob: orNull(text),
	}),
);
const outputs: fc.Arbitrary<OutputFact[]> = fc.array(
	fc.record({
		cell: int,
		output: int,
		kind: fc.constantFrom('stream', 'display_data', 'execute_result', 'error'),
		media: text,
		name: orNull(text),
		bytes: long,
		sha256,
		blob: orNull(sha256),
	}),
);
const tables: fc.Arbitrary<Tables> = fc.record({ facts, files, outputs });

const nothing: Tables = {
	facts: noFacts,
	files: [],
	outputs: [],
};

test('what is read from the tables is what was written to them', async () => {
	const directory = folder();
	await fc.assert(
		fc.asyncProperty(tables, async (written) => {
			await writeTables(directory, written);
			expect(await readTables(directory)).toEqual(written);
		}),
		{ numRuns: 100 },
	);
});

test('empty tables are written and read too, one file each, of format 1, readable by their owner only', async () => {
	const directory = folder();
	expect(await hasTables(directory)).toBe(false);
	await writeTables(directory, nothing);
	expect(await hasTables(directory)).toBe(true);
	expect(await readTables(directory)).toEqual(nothing);
	const names = [
		'accesses',
		'changes',
		'doubts',
		'execs',
		'files',
		'handed',
		'names',
		'network',
		'outputs',
		'processes',
		'tasks',
		'workers',
	];
	expect(readdirSync(directory).toSorted()).toEqual(names.map((table) => `${table}.parquet`));
	for (const table of names) {
		const path = join(directory, `${table}.parquet`);
		expect(parquetMetadata(arrayOf(path)).key_value_metadata).toEqual([{ key: 'format', value: '1' }]);
		expect(statSync(path).mode & 0o777).toBe(0o600);
	}
	rmSync(join(directory, 'files.parquet'));
	expect(await hasTables(directory)).toBe(false);
});

const path = '/data/Gr\\xf6\\xdfe ∑.csv';
const known: Tables = {
	facts: {
		...nothing.facts,
		accesses: [
			{
				log: 'manager',
				cell: 2,
				worker: null,
				task: null,
				process: 1,
				thread: 4,
				during: null,
				ambiguous: false,
				path,
				how: 'read',
				first: 12,
				last: 2 ** 40,
				count: 3,
			},
			{
				log: 'manager',
				cell: null,
				worker: 'w1',
				task: null,
				process: 7,
				thread: 7,
				during: 3,
				ambiguous: true,
				path: '/b',
				how: 'missing',
				first: 1,
				last: 1,
				count: 1,
			},
		],
		execs: [
			{
				log: 'manager',
				seq: 5,
				cell: null,
				worker: null,
				task: null,
				process: 1,
				path: '/usr/bin/python3',
				argv: ['python3', '-c', '…'],
			},
			{ log: 'manager', seq: 6, cell: null, worker: null, task: null, process: 1, path: '/bin/true', argv: [] },
		],
	},
	files: [
		{
			path,
			realPath: null,
			kind: 'file',
			size: 5_000_000_000,
			mode: 0o644,
			mtime: Date.UTC(2026, 2, 1, 9, 30, 0, 250),
			existedBefore: null,
			sha256Before: null,
			sha256After: null,
			blobBefore: null,
			blobAfter: null,
			whyNoBlob: 'too large',
		},
	],
	outputs: [],
};

/** What pandas makes of the tables in a folder: names and kinds of the columns, and the rows. */
function inPandas(directory: string): Record<string, { kinds: Record<string, string>; rows: Record<string, unknown>[] }> {
	const program = `
import glob, json, os, sys
import pandas
tables = {}
for path in sorted(glob.glob(sys.argv[1] + '/*.parquet')):
    table = pandas.read_parquet(path)
    rows = json.loads(table.to_json(orient='records', date_format='iso'))
    tables[os.path.basename(path)[:-len('.parquet')]] = {'kinds': {name: str(kind) for name, kind in table.dtypes.items()}, 'rows': rows}
print(json.dumps(tables))
`;
	const python = fileURLToPath(new URL('../../.cache/venv/tables/bin/python', import.meta.url));
	return JSON.parse(execFileSync(python, ['-c', program, directory], { encoding: 'utf8', maxBuffer: 1 << 24 }));
}

test('a run that was made before tasks were marked, and names told, has none', async () => {
	const directory = folder();
	await writeTables(directory, nothing);
	for (const name of ['tasks', 'names']) rmSync(join(directory, `${name}.parquet`));
	expect(await hasTables(directory)).toBe(true);
	expect((await readTables(directory)).facts).toMatchObject({ tasks: [], names: [] });
});

test('pandas opens every table as it is, with its rows, numbers, times, lists and nulls', async () => {
	const directory = folder();
	await writeTables(directory, known);
	const seen = inPandas(directory);
	expect(Object.keys(seen)).toHaveLength(12);
	expect(seen['accesses']!.rows).toEqual(known.facts.accesses);
	expect(seen['execs']!.rows).toEqual(known.facts.execs);
	expect(seen['files']!.rows).toEqual([{ ...known.files[0], mtime: '2026-03-01T09:30:00.250Z' }]);
	expect(seen['accesses']!.kinds).toMatchObject({ process: 'int32', first: 'int64', ambiguous: 'bool' });
	expect(seen['files']!.kinds['mtime']).toBe('datetime64[ms, UTC]');
	expect(seen['workers']).toEqual({ kinds: expect.objectContaining({ worker: expect.any(String), born: 'int64' }), rows: [] });
});

test('two hundred thousand accesses, more than one page and chunk, come back as they were', async () => {
	const directory = folder();
	const accesses = Array.from({ length: 200_000 }, (_, at) => ({
		...known.facts.accesses[0]!,
		cell: at % 3 === 0 ? null : at % 40,
		path: `/home/ada/.venv/lib/python3.11/site-packages/package/module${at % 20_000}.py`,
		how: hows[at % hows.length]!,
		first: at * 3,
	}));
	await writeTables(directory, { ...nothing, facts: { ...nothing.facts, accesses } });
	const read = await readTables(directory);
	expect(read.facts.accesses).toHaveLength(accesses.length);
	for (const at of [0, 999, 1000, 99_999, 100_000, 131_071, 131_072, 199_999]) {
		expect(read.facts.accesses[at]).toEqual(accesses[at]);
	}
	expect(read.facts.accesses.every((access, at) => access.first === at * 3 && access.path === accesses[at]!.path)).toBe(true);
});

test('columns that go from one table into another unchanged are copied as they stand there, beside others, for every reader', async () => {
	const [from, to] = [folder(), folder()];
	const [one] = known.facts.accesses;
	const accesses = Array.from({ length: 6_000 }, (_, at) => ({
		...{ ...one!, worker: at % 5 === 0 ? null : 'w1', how: hows[at % hows.length]! },
		...{ path: `/home/ada/results/part_${at}.csv`, first: at * 3, last: at * 3 + 1, count: 2 ** 33 + at },
	}));
	await writeTables(from, { ...nothing, facts: { ...nothing.facts, accesses } });
	const table = await createAccesses(to);
	await table.add(columnsOf(accesses.slice(0, 3)));
	for await (const read of readAccessColumns(from)) {
		const moved = { ...read, process: Array.from(read.process, (number) => number + 7) };
		await table.add(moved);
	}
	await table.add(columnsOf(accesses.slice(0, 2)));
	await table.finish();

	const sizesIn = (directory: string) => {
		const { buffer } = new Uint8Array(readFileSync(join(directory, 'accesses.parquet')));
		const { row_groups } = parquetMetadata(buffer);
		return row_groups.map(({ columns }) =>
			columns.map(({ meta_data }) => `${meta_data?.path_in_schema.join()} ${meta_data?.total_compressed_size}`),
		);
	};
	const [large] = sizesIn(from);
	expect(sizesIn(to)[1]!.filter((size) => !size.startsWith('process '))).toEqual(
		large!.filter((size) => !size.startsWith('process ')),
	);
	const moved = accesses.map((access) => ({ ...access, process: access.process + 7 }));
	const expected = [...accesses.slice(0, 3), ...moved, ...accesses.slice(0, 2)];
	expect(await readAccesses(to)).toEqual(expected);
	expect(inPandas(to)['accesses']!.rows).toEqual(expected);
});

test('a table that is cut anywhere, or overwritten, is refused by its name', async () => {
	const directory = folder();
	await writeTables(directory, known);
	const table = join(directory, 'accesses.parquet');
	const whole = readFileSync(table);
	await fc.assert(
		fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async (length) => {
			writeFileSync(table, whole.subarray(0, length));
			expect(await failureOf(readTables(directory))).toMatchObject({ code: 'CELLAR_RUN_UNREADABLE', where: table });
		}),
		{ numRuns: 50 },
	);
	rmSync(table);
	expect(await failureOf(readTables(directory))).toMatchObject({ code: 'CELLAR_RUN_UNREADABLE', where: table });
});

test('a table of a newer format is refused, one without a column or with a value of another kind is unreadable', async () => {
	const directory = folder();
	await writeTables(directory, nothing);
	const write = (version: string, columnData: { name: string; data: unknown[]; type: 'STRING' | 'INT32' }[]) => {
		const bytes = parquetWriteBuffer({ columnData, kvMetadata: [{ key: 'format', value: version }] });
		writeFileSync(join(directory, 'doubts.parquet'), new Uint8Array(bytes));
	};
	const code = { name: 'code', data: ['CUT'] as unknown[], type: 'STRING' } as const;
	const message = { name: 'message', data: ['the log is cut'] as unknown[], type: 'STRING' } as const;
	const seq = { name: 'seq', data: [1] as unknown[], type: 'INT32' } as const;
	write('1', [seq, message, code, { ...code, name: 'of a later version' }]);
	expect((await readTables(directory)).facts.doubts).toEqual([{ code: 'CUT', message: 'the log is cut', seq: 1 }]);
	write('2', [seq, message, code]);
	expect(await failureOf(readTables(directory))).toMatchObject({ code: 'CELLAR_RUN_TOO_NEW', exitCode: 5 });
	write('1', [seq, message]);
	expect((await failureOf(readTables(directory))).message).toContain('no column "code"');
	write('1', [seq, { ...message, data: [3], type: 'INT32' }, code]);
	expect(await failureOf(readTables(directory))).toMatchObject({ code: 'CELLAR_RUN_UNREADABLE', exitCode: 5 });
});

test('a full disk: the tables that were there stay whole', async () => {
	const directory = smallDisk(128 * 1024);
	await writeTables(directory, known);
	const accesses = Array.from({ length: 20_000 }, (_, at) => ({
		...known.facts.accesses[0]!,
		path: `/${at ** 3}${at * 7919}/${at ** 5}`,
	}));
	const failure = await failureOf(writeTables(directory, { ...known, facts: { ...known.facts, accesses } }));
	expect(failure).toMatchObject({ code: 'CELLAR_DISK_FULL', exitCode: 4 });
	expect(await readTables(directory)).toEqual(known);
});

function arrayOf(file: string): ArrayBuffer {
	return new Uint8Array(readFileSync(file)).buffer;
}
