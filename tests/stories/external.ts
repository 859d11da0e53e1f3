import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { readRun, readTables } from '../../core/src/store/index.ts';
import { pythonOf, type Place, type Said } from './cellar.ts';
import { daskCells, writeFiles, type EngineRun } from './engines.ts';
import { inlineNotebook } from './inline.ts';

/** A program beside the story, which is ended with it. */
export interface Beside extends AsyncDisposable {
	readonly pid: number;
	readonly ended: Promise<number | null>;
}

export function startBeside(command: readonly string[], cwd: string): Beside {
	const [program = '', ...words] = command;
	const child = spawn(program, words, { cwd, stdio: 'ignore' });
	const ended = new Promise<number | null>((done) => child.once('close', done));
	return {
		pid: child.pid!,
		ended,
		async [Symbol.asyncDispose]() {
			child.kill('SIGTERM');
			const late = setTimeout(() => child.kill('SIGKILL'), 5000);
			await ended;
			clearTimeout(late);
		},
	};
}

/** A scheduler of Dask's on a port of loopback, which it writes into `scheduler.json` of the folder. */
export async function startScheduler(folder: string): Promise<Beside> {
	const words = ['--host', '127.0.0.1', '--port', '0', '--no-dashboard', '--scheduler-file', 'scheduler.json'];
	const scheduler = startBeside([pythonOf('engines'), '-m', 'distributed.cli.dask_scheduler', ...words], folder);
	await until(() => existsSync(join(folder, 'scheduler.json')));
	return scheduler;
}

/** The command of a worker of that scheduler's. */
export const daskWorker = (python = pythonOf('engines')): readonly string[] => [
	...[python, '-m', 'distributed.cli.dask_worker', '--scheduler-file', 'scheduler.json', '--nthreads', '1', '--no-dashboard'],
];

/** What a notebook begins with that uses workers which others have started. */
export const connect = (workers: number) => `
import functools, work, dask
from distributed import Client
client = Client(scheduler_file='scheduler.json')
client.wait_for_workers(${workers})`;

/** The folder of the run that is under way in a place, as soon as it is there. */
export async function runUnderWay(place: Place): Promise<string> {
	const runs = join(place.home, 'runs');
	const found = () => (existsSync(runs) ? readdirSync(runs).find((name) => !name.startsWith('.')) : undefined);
	await until(() => found() !== undefined);
	return join(runs, found()!);
}

export async function until(holds: () => boolean): Promise<void> {
	while (!holds()) await sleep(50);
}

export interface ExternalRun extends EngineRun {
	readonly audit: Said;
	readonly workers: readonly Said[];
	/** `cellar deps --for workers --json`, asked when they had ended. */
	readonly deps: Said;
}

/** Audits a notebook that gives tasks to workers which are started beside it, each by `cellar worker`. */
export async function auditExternal(
	place: Place,
	o: {
		readonly names: readonly string[];
		readonly tasks: number;
		readonly workers: number;
		/** Cells beside those. */
		readonly more?: readonly string[];
		/** How many of the workers are started by nobody's `cellar worker`: the last ones. */
		readonly unaudited?: number;
		/** The interpreter of a worker, by its number: an environment may be of its own. */
		readonly python?: (worker: number) => string;
	},
): Promise<ExternalRun> {
	const notebook = place.copy('engines/engines.ipynb');
	const folder = dirname(notebook);
	const cells = daskCells
		.filter(({ name }) => o.names.includes(name))
		.map((cell, at) => ({ ...cell, cell: at + 2, tasks: o.tasks }));
	writeFiles(folder, cells);
	const first = `TASKS, WORKERS = ${o.tasks}, ${o.workers}${connect(o.workers)}`;
	inlineNotebook({ folder }, 'engines.ipynb', [first, ...cells.map(({ source }) => source), ...(o.more ?? []), 'client.close()']);
	await using _scheduler = await startScheduler(folder);
	const audit = place.start(['audit', notebook, '--python', pythonOf('engines'), '--json']);
	const run = await runUnderWay(place);
	// Every other one with a nanny, which starts the worker in a process of its own.
	const start = (_: unknown, at: number) =>
		place.start(['worker', '--run', run, '--', ...daskWorker(o.python?.(at)), ...(at % 2 === 0 ? [] : ['--no-nanny'])], {
			cwd: folder,
		});
	const workers = Array.from({ length: o.workers - (o.unaudited ?? 0) }, start);
	const others = Array.from({ length: o.unaudited ?? 0 }, () => startBeside(daskWorker(), folder));
	const said = await audit.ended;
	for (const other of others) await other[Symbol.asyncDispose]();
	for (const { pid } of workers) process.kill(pid, 'SIGTERM');
	const ended = await Promise.all(workers.map((worker) => worker.ended));
	expect(said.code, said.stderr).toBe(0);
	// Whoever opens the run has what they have reported since.
	const deps = await place.cellar(['deps', '--for', 'workers', '--json']);
	const directory = said.json().directory;
	const { workers: told, warnings } = await readRun(directory);
	const document = { ...said.json(), workers: told, warnings };
	return { document, tables: await readTables(directory), folder, cells, audit: said, workers: ended, deps };
}

/** The processes whose working folder is there, by their command lines. */
export function processesIn(folder: string): string[] {
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.flatMap((pid) => {
			try {
				if (!readlinkSync(`/proc/${pid}/cwd`).startsWith(folder)) return [];
				return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')];
			} catch {
				// It has ended meanwhile.
				return [];
			}
		});
}
