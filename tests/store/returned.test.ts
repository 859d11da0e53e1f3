import {
	cpSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { noFacts, type CellarError } from '../../core/src/model/index.ts';
import { beginWorker, openReports, openReturned, workersIn, type Ticket, type WorkerReport } from '../../core/src/store/index.ts';
import { folder } from './some.ts';

const ticket: Ticket = { format: 1, run: '20260301-093000-4f1c', directory: '/far/away', nonce: 'abc', checks: true };
const begun: Omit<WorkerReport, 'log'> = {
	...{ format: 1, host: 'n17', bootId: 'b', pid: 1, engine: 'dask', argv: ['dask'], cwd: '/', agent: null, findWorkers: true },
	...{ started: '2026-03-01T09:30:00.000Z', ended: null, exitCode: null, signal: null, cellar: '0.1.0' },
};

/** A folder with the report of one worker that has ended, and what one left that was killed. */
async function makeReports(): Promise<{ path: string; ended: string; killed: string }> {
	const path = await openReports(join(folder(), 'reports'), ticket);
	const one = await beginWorker(path, begun);
	await one.report({ ...begun, log: one.log, ended: '2026-03-01T09:31:00.000Z', exitCode: 0 }, noFacts);
	await one[Symbol.asyncDispose]();
	const other = await beginWorker(path, begun);
	writeFileSync(other.logPath, '7 1.0 +++ killed by SIGKILL +++\n');
	await other[Symbol.asyncDispose]();
	return { path, ended: one.log, killed: other.log };
}

function makeRun(): string {
	const run = folder();
	mkdirSync(join(run, 'logs'));
	return run;
}

test('what was brought back is copied, read and given to the run once, and the folder that held it is as it was', async () => {
	const { path, ended, killed } = await makeReports();
	const before = execFileSync('tar', ['-c', '.'], { cwd: path });
	const run = makeRun();
	for (const isNew of [true, false]) {
		await using returned = await openReturned(run, path, ticket);
		const states = Object.fromEntries(returned.workers.map(({ log, state }) => [log, state]));
		expect(states).toEqual({ [ended]: 'reported', [killed]: 'gone' });
		expect(await workersIn(run)).toHaveLength(isNew ? 0 : 1);
		expect(readdirSync(join(returned.directory, 'logs'))).toEqual([`${killed}.strace`]);
		expect(await returned.settle(ended)).toBe(isNew);
	}
	expect(await workersIn(run)).toMatchObject([{ log: ended, state: 'reported', report: { host: 'n17' } }]);
	expect(readdirSync(join(run, 'workers')), 'no copy stays').toEqual([ended]);
	expect(execFileSync('tar', ['-c', '.'], { cwd: path }).equals(before)).toBe(true);
});

test('of two that add the same at once, one does', async () => {
	const { path, ended } = await makeReports();
	const run = makeRun();
	const add = async () => {
		await using returned = await openReturned(run, path, ticket);
		return returned.settle(ended);
	};
	expect((await Promise.all([add(), add(), add()])).toSorted()).toEqual([false, false, true]);
});

test.each<[string, (o: { path: string; ended: string; killed: string }) => void]>([
	['another run', ({ path }) => change(join(path, 'report.json'), ticket.run, '20260301-093000-0000')],
	['a run of the same name', ({ path }) => change(join(path, 'report.json'), '"abc"', '"abd"')],
	['a nonce that is no word', ({ path }) => change(join(path, 'report.json'), '"abc"', '"../x"')],
	['no JSON', ({ path }) => truncateSync(join(path, 'report.json'), 20)],
	['no reports', ({ path }) => rmSync(join(path, 'report.json'))],
	['a table that is cut', ({ path, ended }) => truncateSync(join(path, 'workers', ended, 'accesses.parquet'), 100)],
	['a table that is not there', ({ path, ended }) => rmSync(join(path, 'workers', ended, 'execs.parquet'))],
	['no worker.json', ({ path, ended }) => rmSync(join(path, 'workers', ended, 'worker.json'))],
	['the name of another', ({ path, ended }) => renameSync(join(path, 'workers', ended), join(path, 'workers', 'another'))],
	['a link for a table', ({ path, ended }) => linked(join(path, 'workers', ended, 'tasks.parquet'))],
	['a link for a worker', ({ path, ended }) => linked(join(path, 'workers', ended))],
	['a link for all workers', ({ path }) => linked(join(path, 'workers'))],
	['a link for a log', ({ path, killed }) => linked(join(path, 'logs', `${killed}.strace`))],
	['a link for all logs', ({ path }) => linked(join(path, 'logs'))],
	['a link for the ticket', ({ path }) => linked(join(path, 'report.json'))],
	['a pipe', ({ path, ended }) => piped(join(path, 'workers', ended, 'tasks.parquet'))],
	['a ticket without end', ({ path }) => writeFileSync(join(path, 'report.json'), ' '.repeat(70_000))],
])('%s is refused, and nothing is left of it in the run', async (_, spoil) => {
	const made = await makeReports();
	spoil(made);
	const run = makeRun();
	const failed: CellarError = await openReturned(run, made.path, ticket).then(
		() => expect.unreachable(),
		(error: CellarError) => error,
	);
	expect([failed.code, failed.where?.startsWith(made.path)]).toEqual(['CELLAR_REPORT_UNREADABLE', true]);
	expect(readdirSync(run, { recursive: true }).filter((name) => name !== 'workers')).toEqual(['logs']);
});

test('a folder that holds something else, or reports of another run, takes no report; several workers share one', async () => {
	const { path } = await makeReports();
	expect(await openReports(path, ticket)).toBe(path);
	await expect(openReports(path, { ...ticket, nonce: 'other' })).rejects.toMatchObject({ code: 'CELLAR_USAGE' });
	const full = folder();
	writeFileSync(join(full, 'mine'), '');
	await expect(openReports(full, ticket)).rejects.toMatchObject({ code: 'CELLAR_USAGE' });
	expect(readdirSync(full)).toEqual(['mine']);
});

function change(path: string, from: string, to: string): void {
	writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
}

/** Puts what is there elsewhere, and a link to it in its place. */
function linked(path: string): void {
	const elsewhere = join(folder(), 'elsewhere');
	cpSync(path, elsewhere, { recursive: true });
	rmSync(path, { recursive: true });
	symlinkSync(elsewhere, path);
}

function piped(path: string): void {
	rmSync(path);
	execFileSync('mkfifo', [path]);
}
