import { appendFileSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createRun, isAlive, readJournal, readRun, reopenRun } from '../../core/src/store/index.ts';
import { failureOf, folder, someResult, someRun } from './some.ts';

/** The folder of a run that died in its second cell; its lock is that of a process that is gone. */
async function deadRun(): Promise<string> {
	const made = await createRun(folder(), someRun());
	await made.append({ event: 'cell end', result: someResult(1) });
	await made.append({ event: 'cell begin', execution: 2, number: 2, at: '2026-03-01T09:30:02.000Z' });
	const lock = readFileSync(join(made.directory, 'lock'), 'utf8');
	await made[Symbol.asyncDispose]();
	writeFileSync(join(made.directory, 'lock'), JSON.stringify({ ...JSON.parse(lock), startTime: 1 }));
	return made.directory;
}

test('a run that died is taken up again, goes on with its journal, and is made whole', async () => {
	const directory = await deadRun();
	const before = await readJournal(directory);
	const again = await reopenRun(directory);
	expect(await isAlive(directory)).toBe(true);
	await again!.append({ event: 'end', status: 'died', at: '2026-03-01T09:30:05.250Z' });
	expect(await readJournal(directory)).toEqual([...before, { event: 'end', status: 'died', at: '2026-03-01T09:30:05.250Z' }]);
	await again!.finish();
	expect(readdirSync(directory).toSorted()).toEqual(['journal.jsonl', 'logs', 'run.json']);
	expect(await readRun(directory)).toMatchObject({ status: 'died', seconds: 5 });
	expect((await readRun(directory)).cells.map((cell) => cell.status)).toEqual(['finished', 'died', 'not run']);
});

test('what was cut of its last line is taken away, a line that lost only its newline is kept', async () => {
	const directory = await deadRun();
	const path = join(directory, 'journal.jsonl');
	const before = await readJournal(directory);
	appendFileSync(path, '{"event":"tracer","pi');
	await (await reopenRun(directory))![Symbol.asyncDispose]();
	expect(await readJournal(directory)).toEqual(before);
	truncateSync(path, statSync(path).size - 1);
	const again = await reopenRun(directory);
	await again!.append({ event: 'tracer', pid: 5, startTime: 1 });
	await again![Symbol.asyncDispose]();
	expect(await readJournal(directory)).toEqual([...before, { event: 'tracer', pid: 5, startTime: 1 }]);
});

test('a run that somebody holds is not taken from him', async () => {
	await using made = await createRun(folder(), someRun());
	expect(await reopenRun(made.directory)).toBeNull();
	expect(await isAlive(made.directory)).toBe(true);
});

test('of many who take a dead run at once exactly one gets it', async () => {
	for (let n = 0; n < 20; n++) {
		const directory = await deadRun();
		const taken = (await Promise.all(Array.from({ length: 8 }, () => reopenRun(directory)))).filter((run) => run !== null);
		expect(taken).toHaveLength(1);
		expect(await isAlive(directory)).toBe(true);
		await taken[0]![Symbol.asyncDispose]();
		expect(readdirSync(directory).toSorted()).toEqual(['journal.jsonl', 'logs']);
	}
});

test('a run that cannot be read is not taken', async () => {
	const directory = await deadRun();
	writeFileSync(join(directory, 'journal.jsonl'), 'not a journal\n');
	expect(await failureOf(reopenRun(directory))).toMatchObject({ code: 'CELLAR_RUN_UNREADABLE' });
	expect(await isAlive(directory)).toBe(false);
});
