import { lstatSync } from 'node:fs';
import { CellarError, encodeName, fsPath, type Listener, type Run, type View, type Warning } from '../../model/index.ts';
import type { Sandboxed } from '../../sandbox/index.ts';
import { hasTables, readWorkers } from '../../store/index.ts';
import { engineNamed, type Engine, type Surroundings } from '../../workers/index.ts';
import type { Control } from '../run/control.ts';
import { startWorkers, type StartedWorker, type StartedWorkers } from '../workers/started.ts';

/** The workers that a repeat is to start beside the manager. */
export interface WorkersToStart {
	readonly engine: Engine;
	readonly count: number;
}

/**
 * The workers that the recorded run had and that its notebook did not start itself: each had a log of its own. As many are started
 * again, of the one engine whose workers a command can start.
 *
 * @param recorded the run folder in the image's record
 * @param asked how many, in place of the recorded number; null for that
 * @returns null where there is nothing to start
 * @throws CellarError CELLAR_USAGE where a number was asked for and nothing can be started
 */
export async function workersToStart(recorded: string, asked: number | null): Promise<WorkersToStart | null> {
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

/** A worker of which only the outcome is asked. */
export async function startUntraced(sandbox: Sandboxed, argv: readonly string[]): Promise<StartedWorker> {
	const worker = await sandbox.beside({ argv });
	return {
		ended: worker.ended,
		terminate: () => worker.terminate(),
		kill: () => worker.kill(),
		lastWords: () => worker.lastWords(),
		report: () => Promise.resolve(),
		[Symbol.asyncDispose]: () => worker.kill(),
	};
}
