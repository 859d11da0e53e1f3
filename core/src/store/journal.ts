import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import {
	CellarError,
	cellStatuses,
	diskError,
	errnoOf,
	programEnd,
	runSchema,
	runStatuses,
	type CellOutput,
	type Json,
	type JournalEntry,
	type MimeBundle,
	type JsonObject,
} from '../model/index.ts';
import { writeAll } from './disk.ts';
import { names } from './home.ts';

/** The growing account of a run: one JSON object a line, only ever added to. */
export interface Journal {
	append(entry: JournalEntry): Promise<void>;
	close(): Promise<void>;
}

/** What must outlive a crash is synced before `append` returns; the rest goes with the next of these. */
const synced: ReadonlySet<JournalEntry['event']> = new Set(['begin', 'cell end', 'input', 'end']);

/**
 * Opens a new journal. Entries are written in the order of the calls, each whole or not at all: where the disk is full,
 * the journal is cut back to its last whole line, and can go on once there is room.
 *
 * @throws CellarError (from `append`) CELLAR_DISK_FULL; its hint says what the run keeps
 */
export async function createJournal(directory: string, run: string): Promise<Journal> {
	return writer(await open(join(directory, names.journal), 'ax', 0o600), 0, run);
}

/**
 * Opens the journal of a run that died, to go on with it: a last line that was cut is taken away.
 *
 * @throws CellarError as `readJournal`
 */
export async function continueJournal(directory: string, run: string): Promise<Journal> {
	const entries = await readJournal(directory);
	const file = await open(join(directory, names.journal), 'a+');
	const bytes = await file.readFile();
	let whole = bytes.lastIndexOf(0x0a) + 1;
	if (whole < bytes.length && isEntry(bytes.toString('utf8', whole))) {
		// Only its newline was lost.
		await writeAll(file, Buffer.from('\n'));
		whole = bytes.length + 1;
	}
	await file.truncate(whole);
	return writer(file, whole, run, entries.filter((entry) => entry.event === 'cell end').length);
}

function writer(file: FileHandle, before: number, run: string, cellsBefore = 0): Journal {
	let length = before;
	let cells = cellsBefore;
	let last: Promise<void> = Promise.resolve();

	const write = async (entry: JournalEntry) => {
		const line = Buffer.from(`${JSON.stringify(entry)}\n`, 'utf8');
		try {
			await writeAll(file, line);
			if (synced.has(entry.event)) await file.sync();
		} catch (cause) {
			await file.truncate(length);
			const kept = `run ${run} keeps what came before: ${cells} ${cells === 1 ? 'cell' : 'cells'} with outputs; make room on this disk`;
			throw diskError(cause, `write "${entry.event}" to the run's journal`, { where: run, hint: kept });
		}
		length += line.length;
		if (entry.event === 'cell end') cells += 1;
	};
	return {
		append(entry) {
			const written = last.then(() => write(entry));
			// A failed entry is its caller's news; those behind it are written all the same.
			last = written.catch(() => undefined);
			return written;
		},
		async close() {
			await last;
			await file.sync();
			await file.close();
		},
	};
}

/**
 * Reads a journal, of a finished, running or killed run: a last line that was cut is left out.
 *
 * @throws CellarError CELLAR_RUN_UNREADABLE with the line's number, CELLAR_RUN_TOO_NEW
 */
export async function readJournal(directory: string): Promise<readonly JournalEntry[]> {
	const path = join(directory, names.journal);
	const bytes = await readFile(path).catch((cause: unknown) => {
		if (errnoOf(cause) === null) throw cause;
		throw new CellarError('CELLAR_RUN_UNREADABLE', `the run's journal cannot be read (${errnoOf(cause)})`, {
			where: path,
			cause,
		});
	});
	const entries: JournalEntry[] = [];
	let number = 0;
	for (const { text, whole } of linesOf(bytes)) {
		number += 1;
		const entry = parseEntry(text, `${path} line ${number}`, whole);
		if (entry !== null) entries.push(entry);
	}
	if (entries[0]?.event !== 'begin') {
		throw new CellarError('CELLAR_RUN_UNREADABLE', 'the run ended before its journal had begun', { where: path });
	}
	return entries;
}

function isEntry(line: string): boolean {
	try {
		return parseEntry(line, names.journal, false) !== null;
	} catch (error) {
		if (error instanceof CellarError) return false;
		throw error;
	}
}

/** Null for an event that a later version of this format added, and for a last line that was cut. */
function parseEntry(text: string, where: string, whole: boolean): JournalEntry | null {
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch (cause) {
		if (!whole) return null;
		throw new CellarError('CELLAR_RUN_UNREADABLE', 'a line of the journal is not JSON', { where, cause });
	}
	const head = v.safeParse(v.object({ event: v.string(), format: v.optional(v.number(), 1) }), json);
	if (!head.success) throw new CellarError('CELLAR_RUN_UNREADABLE', 'a line of the journal names no event', { where });
	checkFormat(head.output.format, where);
	if (!events.has(head.output.event)) return null;
	const entry = v.safeParse(entrySchema, json);
	if (!entry.success) {
		throw new CellarError(
			'CELLAR_RUN_UNREADABLE',
			`a "${head.output.event}" of the journal is not as it should be: ${problem(entry)}`,
			{
				where,
			},
		);
	}
	return entry.output;
}

/** @throws CellarError CELLAR_RUN_TOO_NEW where a later Cellar wrote it */
export function checkFormat(format: number, where: string): void {
	if (format <= 1) return;
	throw new CellarError('CELLAR_RUN_TOO_NEW', `the run was written in format ${format}; this Cellar reads format 1`, {
		where,
		hint: 'read it with the Cellar that made it, or a newer one',
	});
}

/** The first thing that a schema found wrong, in a few words. */
export function problem(result: { readonly issues: readonly v.BaseIssue<unknown>[] | undefined }): string {
	const issue = result.issues?.[0];
	if (issue === undefined) return 'unknown';
	const path = v.getDotPath(issue);
	return path === null ? issue.message : `${path}: ${issue.message}`;
}

/** Cut by bytes, not by text: a journal with pictures in it may be longer than a string can be. */
function* linesOf(bytes: Buffer): Generator<{ text: string; whole: boolean }> {
	let from = 0;
	while (from < bytes.length) {
		const end = bytes.indexOf(0x0a, from);
		const to = end < 0 ? bytes.length : end;
		if (to > from) yield { text: bytes.toString('utf8', from, to), whole: end >= 0 };
		from = to + 1;
	}
}

// What JSON.parse gives is JSON: there is nothing left to check in a value of any kind.
const json = v.custom<Json>(() => true);
const jsonObject: v.GenericSchema<unknown, JsonObject> = v.record(v.string(), json);
const bundle: v.GenericSchema<unknown, MimeBundle> = jsonObject;

const output: v.GenericSchema<unknown, CellOutput> = v.variant('output_type', [
	v.object({ output_type: v.literal('stream'), name: v.string(), text: v.string() }),
	v.object({ output_type: v.literal('display_data'), data: bundle, metadata: jsonObject }),
	v.object({
		output_type: v.literal('execute_result'),
		data: bundle,
		metadata: jsonObject,
		execution_count: v.nullable(v.number()),
	}),
	v.object({ output_type: v.literal('error'), ename: v.string(), evalue: v.string(), traceback: v.array(v.string()) }),
]);

const cellResult = v.object({
	execution: v.number(),
	number: v.number(),
	status: v.picklist(cellStatuses),
	started: v.string(),
	seconds: v.number(),
	executionCount: v.nullable(v.number()),
	outputs: v.array(output),
});

const entrySchema = v.variant('event', [
	v.object({ event: v.literal('begin'), format: v.literal(1), run: runSchema }),
	v.object({ event: v.literal('cell begin'), execution: v.number(), number: v.number(), at: v.string() }),
	v.object({ event: v.literal('cell end'), result: cellResult }),
	v.object({ event: v.literal('tracer'), pid: v.number(), startTime: v.number() }),
	v.object({ event: v.literal('limits'), keepInputs: v.number(), keepOutputs: v.number() }),
	v.object({
		event: v.literal('input'),
		path: v.string(),
		sha256: v.string(),
		kept: v.boolean(),
		existedBefore: v.boolean(),
	}),
	v.object({ event: v.literal('warning'), warning: v.object({ code: v.string(), message: v.string() }) }),
	v.object({ event: v.literal('program end'), program: programEnd }),
	v.object({ event: v.literal('end'), status: v.picklist(runStatuses), at: v.string() }),
]);
const events: ReadonlySet<string> = new Set(entrySchema.options.map((option) => option.entries.event.literal));
