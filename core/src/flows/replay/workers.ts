import { lstatSync } from 'node:fs';
import { factsOfWorker } from '../../audit/index.ts';
import {
	CellarError,
	encodeName,
	fsPath,
	type Listener,
	type Run,
	type Secrets,
	type View,
	type Warning,
} from '../../model/index.ts';
import type { Sandboxed, SandboxedProcess } from '../../sandbox/index.ts';
import { beginWorker, compressLog, hasTables, readWorkers, redactLine } from '../../store/index.ts';
import { engineNamed, engineOfCommand, type Engine, type Surroundings } from '../../workers/index.ts';
import type { Control } from '../run/control.ts';
import { existingPath } from '../run/paths.ts';
import { firstReport } from '../workers/report.ts';
import { startWorkers, type StartedWorker, type StartedWorkers } from '../workers/started.ts';
import { traceInside } from './traced.ts';

/** The workers that a repeat is to start beside the manager. */
export interface WorkersToStart {
	readonly engine: Engine;
	readonly count: number;
}

/**
 * The workers that are started again: as many as the audit was asked to start, or as had a log of their own, for their notebook did not
 * start those itself. They are of the one engine whose workers a command can start.
 *
 * @param recorded the folder of the recorded run, in the image's record
 * @param asked how many, in place of the recorded number; null for that
 * @returns null where there is nothing to start
 * @throws CellarError CELLAR_USAGE where a number was asked for and nothing can be started
 */
export async function workersToStart(
	recorded: string,
	{ circumstances }: Run,
	asked: number | null,
): Promise<WorkersToStart | null> {
	const before = circumstances.workers;
	const started = before === null ? null : engineNamed(before.engine);
	if (before !== null && started !== null) return { engine: started, count: asked ?? before.count };
	const logs = logsByEngine((await hasTables(recorded)) ? await readWorkers(recorded) : []);
	for (const [name, ofEngine] of logs) {
		const engine = engineNamed(name);
		if (engine !== null) return { engine, count: asked ?? ofEngine.size };
	}
	if (asked === null) return null;
	throw new CellarError(
		'CELLAR_USAGE',
		'a number of workers was asked for, and the recorded run had none that Cellar could start',
		{
			hint:
				logs.size === 0
					? 'its notebook starts its workers itself, if it has any: change the number there'
					: `workers of ${[...logs.keys()].join(', ')} are started by their engine alone`,
		},
	);
}

/** The logs of workers that wrote their own, by engine; the engine with most of them first. */
function logsByEngine(workers: Awaited<ReturnType<typeof readWorkers>>): Map<string, Set<string>> {
	const logs = new Map<string, Set<string>>();
	for (const { engine, log } of workers) {
		if (log !== 'manager') logs.set(engine, (logs.get(engine) ?? new Set()).add(log));
	}
	return new Map([...logs].toSorted(([, a], [, b]) => b.size - a.size));
}

/** Looks for the manager in a sandbox, and starts its workers there. */
export function startWorkersInside(o: {
	readonly wanted: WorkersToStart;
	readonly sandbox: Sandboxed;
	/** What the sandbox's programs see. */
	readonly view: View;
	readonly first: Run;
	readonly start: (argv: readonly string[]) => Promise<StartedWorker>;
	readonly control: Control;
	readonly listen: Listener;
	readonly warn: (warning: Warning) => Promise<void>;
	readonly giveUp: () => void;
}): StartedWorkers {
	const { sandbox, control, listen, warn, giveUp, start } = o;
	return startWorkers({
		...{ ...o.wanted, control, listen, warn, giveUp, start },
		pids: () => Promise.resolve(sandbox.pids()),
		around: insideOf(sandbox, o.view, o.first),
		// The sockets on which the kernel listens for us are files.
		own: new Set(),
	});
}

/** What the manager in a sandbox was started with, and how it is reached. */
function insideOf(sandbox: Sandboxed, view: View, { circumstances }: Run): Surroundings {
	return {
		program: circumstances.argv[0] ?? '',
		canRun(path) {
			const place = view.place(encodeName(Buffer.from(path)), true);
			return place !== null && (lstatSync(fsPath(place)).mode & 0o111) !== 0;
		},
		connect: (host, port) => sandbox.connect(host, port),
		async said(argv) {
			const program = await sandbox.beside({ argv }).catch(() => null);
			if (program === null) return '';
			await program.ended;
			return program.lastWords();
		},
	};
}

/**
 * Starts a worker in the sandbox of its manager; traced, it has a log and facts of its own in the run's folder.
 *
 * @throws CellarError CELLAR_NO_SANDBOX, CELLAR_IMAGE_BROKEN, CELLAR_DISK_FULL; nothing of it is left then
 */
export async function startInside(
	sandbox: Sandboxed,
	argv: readonly string[],
	tracing: (Pick<Parameters<typeof traceInside>[0], 'folder' | 'run' | 'tracer' | 'view'> & { readonly secrets: Secrets }) | null,
): Promise<StartedWorker> {
	if (tracing === null) return handleOf(await sandbox.beside({ argv }), () => Promise.resolve());
	const { run, folder, view, secrets } = tracing;
	const { hostname, bootId, cwd } = run.circumstances;
	const engine = engineOfCommand(argv);
	const begun = firstReport({
		...{ host: hostname, bootId, engine, argv: argv.map((word) => secrets.mask(word)), cwd, agent: null, findWorkers: false },
	});
	const worker = await beginWorker(folder.directory, begun);
	const traced = traceInside({ ...tracing, log: worker.log, logPath: worker.logPath, argv });
	try {
		const program = await sandbox.beside({ argv, launch: traced.launch });
		return handleOf(
			program,
			async () => {
				const { code, signal } = await program.ended;
				const facts = factsOfWorker(await traced.facts(), engine);
				const isPath = existingPath(cwd, view);
				await compressLog(worker.logPath, `${worker.logPath}.gz`, (line) => redactLine(line, isPath, secrets));
				await worker.report({ ...begun, log: worker.log, ended: new Date().toISOString(), exitCode: code, signal }, facts);
			},
			async () => {
				await traced[Symbol.asyncDispose]();
				await worker[Symbol.asyncDispose]();
			},
		);
	} catch (error) {
		await traced[Symbol.asyncDispose]();
		await worker.discard();
		await worker[Symbol.asyncDispose]();
		throw error;
	}
}

function handleOf(
	worker: SandboxedProcess,
	report: () => Promise<void>,
	letGo: () => Promise<void> = () => Promise.resolve(),
): StartedWorker {
	return {
		ended: worker.ended,
		terminate: () => worker.terminate(),
		kill: () => worker.kill(),
		lastWords: () => worker.lastWords(),
		report,
		async [Symbol.asyncDispose]() {
			await worker.kill();
			await letGo();
		},
	};
}
