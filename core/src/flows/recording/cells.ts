import { setImmediate as nextTurn } from 'node:timers/promises';
import { lineageOf, startTimeOf } from '../../audit/index.ts';
import { openSession, type Connection, type Kernelspec, type Session } from '../../kernel/index.ts';
import type { CellUse, Facts, RunStatus, StartedProcess } from '../../model/index.ts';
import { thisMachine, type Engine } from '../../workers/index.ts';
import type { CodeCell } from '../../notebook/index.ts';
import { createAside, type Aside } from '../run/aside.ts';
import { executed, runCells, type CellLoop } from '../run/cells.ts';
import { hintsOfCode } from '../run/coroutines.ts';
import { definedIn } from '../run/environment.ts';
import { isFull, lostLog } from './marks.ts';
import { startWorkers, type StartedWorkers } from '../workers/started.ts';
import { watchWorker } from '../workers/watched.ts';
import { traced, warn, type Growing, type Tracing } from './tracing.ts';

/** A kernel that is to be run under the tracer. */
export interface Recording extends Omit<Tracing, 'name' | 'hints' | 'language' | 'findWorkers' | 'streams' | 'sharesTerminal'> {
	readonly timeoutSeconds: number | null;
	readonly allowErrors: boolean;
	readonly spec: Kernelspec;
	readonly uses: readonly CellUse[];
	readonly cells: readonly CodeCell[];
	readonly connection: Connection;
	/** Workers that are started for the manager that the kernel becomes, or starts; null for none. */
	readonly workers: { readonly engine: Engine; readonly count: number } | null;
	/** Work that is done beside the kernel's end, which takes a while, after the last cell. */
	readonly whileItEnds?: () => void;
}

/**
 * Starts the kernel under the tracer, runs the cells, and waits for all that they started.
 *
 * @throws CellarError CELLAR_NO_TRACER, CELLAR_KERNEL_DIED; CELLAR_DISK_FULL and CELLAR_LOG_UNREADABLE where the log does not
 *   show what the cells do any more
 */
export async function recordCells(o: Recording): Promise<{ facts: Facts; status: RunStatus }> {
	const aside = createAside();
	const told = { hints: hintsOfCode(o.cells, o.uses), language: o.spec.language.toLowerCase() };
	const { facts, result } = await traced({ ...o, ...told, name: 'the kernel', findWorkers: true }, async (growing) => {
		if (o.spec.note !== null) await warn(o, { code: 'CELLAR_KERNEL_CHOSEN', message: o.spec.note });
		return runInKernel(o, aside, growing);
	});
	await aside.settled();
	return { facts, status: result };
}

async function runInKernel(o: Recording, aside: Aside, growing: Growing): Promise<RunStatus> {
	const clock = performance.now();
	const givenUp = new AbortController();
	await using workers = o.workers === null ? null : workersFor(o, o.workers, growing, () => givenUp.abort());
	await using session = await openKernel(o, aside, growing.launched);
	o.listen({ type: 'kernel ready', kernel: o.spec.displayName, seconds: (performance.now() - clock) / 1000 });
	const { status } = await runCells({
		session,
		cells: o.cells,
		allowErrors: o.allowErrors,
		timeoutSeconds: o.timeoutSeconds,
		mark: marker(o, growing),
		append: (entry) => o.folder.append(entry),
		stop: AbortSignal.any([o.control.stop, givenUp.signal]),
		listen: o.listen,
	});
	const over = session.shutdown(5000);
	// What asks the kernel to end is sent within a turn of the loop.
	await nextTurn();
	o.whileItEnds?.();
	await over;
	await workers?.end();
	return status;
}

function workersFor(
	o: Recording,
	asked: NonNullable<Recording['workers']>,
	{ launched }: Growing,
	giveUp: () => void,
): StartedWorkers {
	const { nonce, checks, tracer, cwd, folder, control, listen, connection } = o;
	const env = definedIn(o.environment);
	const { directory } = folder;
	return startWorkers({
		...{ ...asked, control, listen, giveUp },
		pids: async () => (await lineageOf(launched.tracerPid)).map(({ pid }) => pid),
		around: thisMachine({ program: o.argv[0] ?? '', cwd, env }),
		own: new Set(Object.values(connection.ports)),
		warn: (warning) => warn(o, warning),
		async start(argv) {
			const worker = await watchWorker({ argv, cwd, env, nonce, checks, tracer, directory, streams: 'kept' });
			const { tracerPid, ended } = worker.launched;
			const startTime = startTimeOf(tracerPid);
			// Where Cellar and its marker processes are killed, by this it is found.
			if (startTime !== null) await folder.append({ event: 'tracer', pid: tracerPid, startTime });
			return {
				ended,
				terminate: () => worker.launched.signal('SIGTERM'),
				kill: () => worker.launched.kill(),
				lastWords: () => worker.launched.lastWords(),
				report: (graceMs) => worker.report(graceMs),
				[Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
			};
		},
	});
}

/** Puts the marks of cells into the log, and looks whether they stand there. */
function marker(o: Recording, growing: Growing): CellLoop['mark'] {
	const { launched, marks } = growing;
	return async (verb, execution) => {
		const stands = async () => {
			await launched.mark({ verb, kind: 'cell', id: String(execution), attempt: null, name: null });
			await growing.poll();
			return marks.has(verb, execution);
		};
		if (await stands()) return;
		// After a while on a full disk, the first line that can be written is glued to the half of another: the next one stands.
		const { number } = executed(o.cells)[execution - 1]!;
		if (isFull(o.folder.directory) || !(await stands())) throw lostLog(o.folder, number);
		const message = `the disk was full for a while in cell ${number} or before it: what was used then is not known`;
		await warn(o, { code: 'CELLAR_LOG_INCOMPLETE', message });
	};
}

function openKernel(o: Recording, aside: Aside, process: StartedProcess): Promise<Session> {
	return openSession({
		connection: o.connection,
		process,
		spec: o.spec,
		startTimeoutMs: 120_000,
		onWarning: (warning) => aside.add(warn(o, warning)),
	});
}
