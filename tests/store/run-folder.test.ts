import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
	appendFileSync,
	cpSync,
	existsSync,
	mkdirSync,
	readFileSync,
	readdirSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
	truncateSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { onTestFinished, expect, test } from 'vitest';
import { build } from 'vite';
import type { JournalEntry, RunStatus } from '../../core/src/model/index.ts';
import { cellarHome, createRun, findRun, isAlive, listRuns, readJournal, readRun } from '../../core/src/store/index.ts';
import { failureOf, folder, smallDisk, someResult, someRun } from './some.ts';

test('runs are kept where CELLAR_HOME says, else below XDG_DATA_HOME, else below the home folder', () => {
	expect(cellarHome({ CELLAR_HOME: '/data/cellar', XDG_DATA_HOME: '/x', HOME: '/home/ada' })).toBe('/data/cellar');
	expect(cellarHome({ XDG_DATA_HOME: '/x', HOME: '/home/ada' })).toBe('/x/cellar');
	expect(cellarHome({ XDG_DATA_HOME: 'relative/is/ignored', HOME: '/home/ada' })).toBe('/home/ada/.local/share/cellar');
	expect(cellarHome({ HOME: '/home/ada' })).toBe('/home/ada/.local/share/cellar');
});

test('a new run has an id by its start, a folder that only its owner can open, a lock and a journal that begins with it', async () => {
	const home = folder();
	await using made = await createRun(home, someRun());
	expect(made.id).toMatch(/^20260301-093000-[0-9a-f]{4}$/);
	expect(made.directory).toBe(join(home, 'runs', made.id));
	expect(readdirSync(join(home, 'runs'))).toEqual([made.id]);
	expect(readdirSync(made.directory).toSorted()).toEqual(['journal.jsonl', 'lock', 'logs']);
	expect(statSync(made.directory).mode & 0o777).toBe(0o700);
	expect(statSync(join(made.directory, 'logs')).mode & 0o777).toBe(0o700);
	expect(statSync(join(made.directory, 'journal.jsonl')).mode & 0o777).toBe(0o600);
	expect(made.logPath('manager')).toBe(join(made.directory, 'logs', 'manager.strace'));
	expect(await readJournal(made.directory)).toEqual([{ event: 'begin', format: 1, run: { ...someRun(), run: made.id } }]);
});

test('a hundred runs that begin in the same second have a hundred folders', async () => {
	const home = folder();
	const made = await Promise.all(Array.from({ length: 100 }, () => createRun(home, someRun())));
	expect(new Set(made.map((run) => run.id)).size).toBe(100);
	expect(readdirSync(join(home, 'runs'))).toHaveLength(100);
	for (const run of made) await run[Symbol.asyncDispose]();
});

test('while a run goes on its journal tells the cells that have finished', async () => {
	const home = folder();
	await using made = await createRun(home, someRun());
	await made.append({ event: 'cell begin', execution: 1, number: 1, at: '2026-03-01T09:30:01.000Z' });
	await made.append({ event: 'cell end', result: someResult(1) });
	await made.append({ event: 'cell begin', execution: 2, number: 2, at: '2026-03-01T09:30:02.000Z' });
	const run = await readRun(made.directory);
	expect(run.status).toBe('running');
	expect(run.cells.map((cell) => cell.status)).toEqual(['finished', 'not run', 'not run']);
	expect(await isAlive(made.directory)).toBe(true);
});

test('entries that are appended all at once stand in the order of the calls', async () => {
	const home = folder();
	await using made = await createRun(home, someRun());
	const numbers = Array.from({ length: 200 }, (_, at) => at + 1);
	await Promise.all(numbers.map((pid) => made.append({ event: 'tracer', pid, startTime: 1 })));
	const entries = await readJournal(made.directory);
	expect(entries.flatMap((entry) => (entry.event === 'tracer' ? [entry.pid] : []))).toEqual(numbers);
});

test('a finished run has run.json, no lock, and is what was given', async () => {
	const home = folder();
	const made = await createRun(home, someRun());
	await made.append({ event: 'end', status: 'finished', at: '2026-03-01T09:30:10.250Z' });
	const run = { ...someRun({ status: 'finished' as const, seconds: 10 }), run: made.id };
	await made.finish(run);
	expect(existsSync(join(made.directory, 'lock'))).toBe(false);
	expect(await readRun(made.directory)).toEqual(run);
	expect(JSON.parse(readFileSync(join(made.directory, 'run.json'), 'utf8'))).toMatchObject({ format: 1, run: made.id });
});

test('a run that is finished without words for it is what its journal says', async () => {
	const home = folder();
	const made = await createRun(home, someRun());
	await made.append({ event: 'cell begin', execution: 1, number: 1, at: '2026-03-01T09:30:01.000Z' });
	await made.append({ event: 'cell end', result: someResult(1, { status: 'raised' }) });
	await made.append({ event: 'warning', warning: { code: 'CELLAR_X', message: 'mind this' } });
	await made.append({ event: 'end', status: 'raised', at: '2026-03-01T09:30:04.750Z' });
	await made.finish();
	const run = await readRun(made.directory);
	expect(run).toMatchObject({ status: 'raised', seconds: 4.5, warnings: [{ code: 'CELLAR_X', message: 'mind this' }] });
	expect(run.cells[0]).toMatchObject({ status: 'raised', executions: [1], executionCount: 1, seconds: 0.5 });
});

test('a run that is let go of unfinished has died, with what it had', async () => {
	const home = folder();
	{
		await using made = await createRun(home, someRun());
		await made.append({ event: 'cell begin', execution: 1, number: 1, at: '2026-03-01T09:30:01.000Z' });
		await made.append({ event: 'cell end', result: someResult(1) });
		await made.append({ event: 'cell begin', execution: 2, number: 2, at: '2026-03-01T09:30:02.000Z' });
	}
	const [summary] = await listRuns(home);
	expect(summary).toMatchObject({ status: 'died', cells: { total: 3, finished: 1 }, seconds: null, problem: null });
	const run = await readRun(summary!.directory);
	expect(run.cells.map((cell) => cell.status)).toEqual(['finished', 'died', 'not run']);
});

test('after kill -9 in the middle of its cells, a run is listed as died with every cell that had ended', async () => {
	const home = folder();
	const program = await bundledStore();
	const child = spawn(
		process.execPath,
		[
			fileURLToPath(new URL('./runs-cells.mjs', import.meta.url)),
			program,
			home,
			JSON.stringify(someRun()),
			JSON.stringify(someResult(1)),
		],
		{
			stdio: ['ignore', 'pipe', 'inherit'],
		},
	);
	const ended = once(child, 'exit');
	let told = 0;
	let whileItRan: RunStatus | null = null;
	for await (const line of createInterface({ input: child.stdout })) {
		told = Number(line);
		if (told === 1) whileItRan = (await listRuns(home))[0]!.status;
		if (told >= 40) child.kill('SIGKILL');
	}
	await ended;
	expect(whileItRan).toBe('running');
	const [summary] = await listRuns(home);
	expect(summary).toMatchObject({ status: 'died', problem: null });
	const results = (await readJournal(summary!.directory)).flatMap((entry) => (entry.event === 'cell end' ? [entry.result] : []));
	expect(results.length).toBeGreaterThanOrEqual(told);
	expect(results[told - 1]!.outputs).toEqual(someResult(1).outputs);
});

/** The store as a program of its own can import it. */
async function bundledStore(): Promise<string> {
	const outDir = folder();
	const entry = fileURLToPath(new URL('../../core/src/store/index.ts', import.meta.url));
	await build({
		configFile: false,
		logLevel: 'error',
		ssr: { noExternal: true },
		build: { ssr: entry, outDir, target: 'node20' },
	});
	const [file] = readdirSync(outDir).filter((name) => /\.m?js$/.test(name));
	renameSync(join(outDir, file!), join(outDir, 'store.mjs'));
	return join(outDir, 'store.mjs');
}

test('a lock is dead when its process is gone, is another one by now, is a zombie, or was before the last boot', async () => {
	const home = folder();
	await using made = await createRun(home, someRun());
	const path = join(made.directory, 'lock');
	const own: Record<string, unknown> = JSON.parse(readFileSync(path, 'utf8'));
	const alive = async (change: Record<string, unknown>) => {
		writeFileSync(path, JSON.stringify({ ...own, ...change }));
		return isAlive(made.directory);
	};
	expect(await alive({})).toBe(true);
	expect(await alive({ startTime: Number(own['startTime']) + 1 })).toBe(false);
	expect(await alive({ pid: await endedPid() })).toBe(false);
	expect(await alive({ bootId: 'another boot' }), 'written since the boot: on another machine of the same name').toBe(true);
	utimesSync(path, 0, 0);
	expect(await isAlive(made.directory)).toBe(false);
	expect(await alive({ bootId: 'another boot', host: 'another machine' }), 'nothing is known of another machine').toBe(true);
	expect(await alive({ pidNamespace: 'pid:[1]', startTime: 1 }), 'nothing is known of another container').toBe(true);
	const zombie = await makeZombie();
	const stat = readFileSync(`/proc/${zombie}/stat`, 'utf8');
	expect(stat).toMatch(/\) Z /);
	expect(await alive({ pid: zombie, startTime: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]) })).toBe(false);
	rmSync(path);
	expect(await isAlive(made.directory)).toBe(false);
});

async function endedPid(): Promise<number> {
	const child = spawn('true');
	await once(child, 'exit');
	return child.pid!;
}

/** A process that has ended and that its parent, a sleeping program, never asks about. */
async function makeZombie(): Promise<number> {
	const parent = spawn('python3', [
		'-c',
		'import os,sys,time\npid = os.fork()\nif pid == 0: os._exit(0)\nos.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)\nprint(pid, flush=True)\ntime.sleep(600)',
	]);
	onTestFinished(() => void parent.kill('SIGKILL'));
	const [line] = await once(createInterface({ input: parent.stdout }), 'line');
	return Number(line);
}

test('a journal that is cut at any byte gives the entries that were whole, and never an error after its first', async () => {
	const home = folder();
	const made = await createRun(home, someRun());
	const entries: JournalEntry[] = [
		{ event: 'cell begin', execution: 1, number: 1, at: '2026-03-01T09:30:01.000Z' },
		{
			event: 'cell end',
			result: someResult(1, { outputs: [{ output_type: 'stream', name: 'stdout', text: 'Größe ∑ 🜨\n"\\' }] }),
		},
		{ event: 'input', path: '/data/x\\xff.csv', sha256: 'a'.repeat(64), kept: true, existedBefore: true },
		{ event: 'end', status: 'finished', at: '2026-03-01T09:30:09.000Z' },
	];
	for (const entry of entries) await made.append(entry);
	await made[Symbol.asyncDispose]();
	const path = join(made.directory, 'journal.jsonl');
	const whole = readFileSync(path);
	const all = await readJournal(made.directory);
	expect(all.slice(1)).toEqual(entries);
	const first = whole.indexOf(0x0a);
	await fc.assert(
		fc.asyncProperty(fc.integer({ min: first, max: whole.length }), async (length) => {
			writeFileSync(path, whole.subarray(0, length));
			const read = await readJournal(made.directory);
			// A line is whole with or without its newline.
			const lines =
				whole
					.subarray(0, length + 1)
					.toString('latin1')
					.split('\n').length - 1;
			expect(read).toEqual(all.slice(0, lines));
		}),
		{ numRuns: 300 },
	);
	truncateSync(path, first - 1);
	expect(await failureOf(readJournal(made.directory))).toMatchObject({ code: 'CELLAR_RUN_UNREADABLE', exitCode: 5 });
});

test('a journal with a broken line in its middle is refused by the number of the line', async () => {
	const home = folder();
	const made = await createRun(home, someRun());
	await made[Symbol.asyncDispose]();
	appendFileSync(join(made.directory, 'journal.jsonl'), 'not json\n{"event":"tracer","pid":1,"startTime":1}\n');
	expect(await failureOf(readJournal(made.directory))).toMatchObject({
		code: 'CELLAR_RUN_UNREADABLE',
		exitCode: 5,
		where: `${join(made.directory, 'journal.jsonl')} line 2`,
	});
});

test('an event that this version does not know is passed over; a newer format is refused', async () => {
	const home = folder();
	const made = await createRun(home, someRun());
	await made[Symbol.asyncDispose]();
	appendFileSync(
		join(made.directory, 'journal.jsonl'),
		'{"event":"cell paused","number":3}\n{"event":"tracer","pid":7,"startTime":1}\n',
	);
	expect((await readJournal(made.directory)).map((entry) => entry.event)).toEqual(['begin', 'tracer']);
	appendFileSync(join(made.directory, 'journal.jsonl'), '{"event":"begin","format":2}\n');
	expect(await failureOf(readJournal(made.directory))).toMatchObject({ code: 'CELLAR_RUN_TOO_NEW', exitCode: 5 });
});

test('a full disk: the entry is refused, the cells before it are kept, and the journal goes on once there is room', async () => {
	const home = smallDisk(256 * 1024);
	const made = await createRun(home, someRun());
	await made.append({ event: 'cell end', result: someResult(1) });
	const large = someResult(2, { outputs: [{ output_type: 'stream', name: 'stdout', text: 'x'.repeat(1 << 20) }] });
	const failure = await failureOf(made.append({ event: 'cell end', result: large }));
	expect(failure).toMatchObject({ code: 'CELLAR_DISK_FULL', exitCode: 4 });
	expect(failure.hint).toContain(`${made.id} keeps what came before: 1 cell with outputs`);
	expect((await readRun(made.directory)).cells.map((cell) => cell.status)).toEqual(['finished', 'not run', 'not run']);
	await made.append({ event: 'cell end', result: someResult(3) });
	expect((await readRun(made.directory)).cells.map((cell) => cell.status)).toEqual(['finished', 'not run', 'finished']);
	await made[Symbol.asyncDispose]();
});

test('a full disk: a file of the run is written whole or not at all', async () => {
	const home = smallDisk(256 * 1024);
	const made = await createRun(home, someRun());
	await made.write('executed.ipynb', 'the first');
	expect(await failureOf(made.write('executed.ipynb', Buffer.alloc(1 << 20)))).toMatchObject({ code: 'CELLAR_DISK_FULL' });
	expect(readFileSync(join(made.directory, 'executed.ipynb'), 'utf8')).toBe('the first');
	expect(readdirSync(made.directory).toSorted()).toEqual(['executed.ipynb', 'journal.jsonl', 'lock', 'logs']);
	await made[Symbol.asyncDispose]();
});

test('a full disk: a run that cannot begin leaves nothing', async () => {
	const home = smallDisk(64 * 1024);
	const failure = await failureOf(createRun(home, someRun({ notebook: `/${'x'.repeat(1 << 20)}` })));
	expect(failure).toMatchObject({ code: 'CELLAR_DISK_FULL' });
	expect(readdirSync(join(home, 'runs'))).toEqual([]);
});

test('a home that is read-only is a missing right, not a fault', async () => {
	const home = smallDisk(64 * 1024);
	execFileSync('mount', ['-o', 'remount,ro', home]);
	expect(await failureOf(createRun(home, someRun()))).toMatchObject({ code: 'CELLAR_NO_PERMISSION', exitCode: 4 });
});

test('a file is not written outside its run folder', async () => {
	await using made = await createRun(folder(), someRun());
	for (const name of ['../x', '/tmp/x', '', 'a/../../x']) {
		expect((await failureOf(made.write(name, 'x'))).code).toBe('CELLAR_INTERNAL');
	}
});

test('a run folder that was copied or linked elsewhere is read by its path', async () => {
	const home = folder();
	const made = await createRun(home, someRun());
	await made.append({ event: 'end', status: 'finished', at: '2026-03-01T09:30:09.000Z' });
	await made.finish();
	const elsewhere = folder();
	cpSync(made.directory, join(elsewhere, 'copy'), { recursive: true });
	symlinkSync(made.directory, join(elsewhere, 'link'));
	for (const name of ['copy', 'link']) {
		expect(await findRun(folder(), join(elsewhere, name))).toEqual({ id: made.id, directory: join(elsewhere, name) });
	}
	rmSync(join(home, 'runs', made.id), { recursive: true });
	symlinkSync(join(elsewhere, 'copy'), join(home, 'runs', made.id));
	expect(await listRuns(home)).toMatchObject([{ run: made.id, status: 'finished' }]);
	expect(await findRun(home, 'latest')).toMatchObject({ id: made.id });
});

test('a folder without a run, and no folder, are told apart', async () => {
	const place = folder();
	mkdirSync(join(place, 'empty'));
	expect(await failureOf(readRun(join(place, 'empty')))).toMatchObject({ code: 'CELLAR_RUN_UNREADABLE', exitCode: 5 });
	expect(await failureOf(readRun(join(place, 'nowhere')))).toMatchObject({ code: 'CELLAR_NO_SUCH_RUN', exitCode: 2 });
	writeFileSync(join(place, 'file'), '');
	expect(await failureOf(readRun(join(place, 'file')))).toMatchObject({ code: 'CELLAR_NO_SUCH_RUN', exitCode: 2 });
});
