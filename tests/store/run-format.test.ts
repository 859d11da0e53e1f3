import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetMetadata, parquetSchema, type SchemaTree } from 'hyparquet';
import { expect, test } from 'vitest';
import { noFacts } from '../../core/src/model/index.ts';
import { createRun, writeTables } from '../../core/src/store/index.ts';
import { folder, someResult, someRun } from './some.ts';

const page = readFileSync(new URL('../../docs/run-format.md', import.meta.url), 'utf8');

/** The first cells of the rows of the tables below a heading, without their backquotes. */
function rowsBelow(heading: string): string[][] {
	const section = page.split(`\n${heading}\n`)[1]?.split(/\n##+ /)[0] ?? '';
	const rows = section.split('\n').filter((line) => line.startsWith('| `'));
	return rows.map((row) =>
		row
			.split('|')
			.slice(1, -1)
			.map((cell) => cell.trim().replaceAll('`', '')),
	);
}

function typeOf(column: SchemaTree): string {
	if (column.element.converted_type === 'LIST') return 'list of text';
	if (column.element.converted_type === 'TIMESTAMP_MILLIS') return 'time';
	const names: Partial<Record<string, string>> = { BYTE_ARRAY: 'text', INT32: 'int32', INT64: 'int64', BOOLEAN: 'boolean' };
	return names[column.element.type ?? ''] ?? 'unknown';
}

test('the page describes every column of every table, in its order, with its type and what null means', async () => {
	const directory = folder();
	await writeTables(directory, {
		facts: noFacts,
		files: [],
		outputs: [],
	});
	const described = [...page.matchAll(/^### (\w+)\.parquet$/gm)].map((match) => match[1]!);
	expect(described.toSorted()).toEqual([
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
	]);
	for (const table of described) {
		const metadata = parquetMetadata(new Uint8Array(readFileSync(join(directory, `${table}.parquet`))).buffer);
		const columns = parquetSchema(metadata).children.map((column) => [
			column.element.name,
			typeOf(column),
			column.element.repetition_type === 'OPTIONAL' ? 'may be null' : 'never null',
		]);
		const rows = rowsBelow(`### ${table}.parquet`).map(([name, type, , whenNull]) => [
			name,
			type,
			whenNull ? 'may be null' : 'never null',
		]);
		expect({ table, columns: rows }).toEqual({ table, columns });
	}
});

test('the page describes every member of run.json, of the lock and of a cell’s end, and every event of the journal', async () => {
	await using made = await createRun(folder(), someRun());
	const names = (heading: string) =>
		rowsBelow(heading).flatMap(([cell]) => cell!.split(', ').map((name) => name.replace(/\[\].*/, '')));
	const run = { ...someRun(), run: made.id };
	expect(new Set(names('## run.json'))).toEqual(
		new Set([
			...Object.keys(run),
			...Object.keys(run.circumstances),
			...['id', 'executionCount', 'engine', 'host', 'pid', 'message', 'seconds', 'program'],
		]),
	);
	const lock: object = JSON.parse(readFileSync(join(made.directory, 'lock'), 'utf8'));
	expect(names('## lock')).toEqual(Object.keys(lock));
	expect(names('## journal.jsonl')).toEqual([
		'begin',
		'cell begin',
		'cell end',
		'limits',
		'tracer',
		'input',
		'warning',
		'program end',
		'end',
	]);
	const end = rowsBelow('## journal.jsonl')
		.find(([event]) => event === 'cell end')!
		.join(' ');
	for (const member of Object.keys(someResult(1))) expect(end).toContain(member);
});
