import { openSession, type Connection } from '../../kernel/index.ts';
import { CellarError, type CellResult, type Listener, type Run, type RunStatus, type Warning } from '../../model/index.ts';
import type { CodeCell } from '../../notebook/index.ts';
import type { Sandboxed } from '../../sandbox/index.ts';
import type { RunFolder } from '../../store/index.ts';
import type { Control } from '../run/control.ts';
import { executed, runCells, type CellLoop } from '../run/cells.ts';

/** How long the kernel may take to end when it is asked; then its sandbox ends it. */
const shutdownMs = 5000;
/** How long it may take to answer. */
const startMs = 120_000;

interface Inside {
	readonly sandbox: Sandboxed;
	/** What the sandbox is called, for a person. */
	readonly runner: string;
	readonly connection: Connection;
	readonly folder: RunFolder;
	/** The run that is repeated, and what its cells came to. */
	readonly first: Run;
	readonly recorded: readonly CellResult[];
	readonly cells: readonly CodeCell[];
	readonly timeoutSeconds: number | null;
	readonly mark: CellLoop['mark'];
	readonly control: Control;
	readonly listen: Listener;
	readonly warn: (warning: Warning) => Promise<void>;
}

/** Runs the cells that the recorded run ran. A kernel that does not start, or ends, is the repeat's outcome and no error. */
export async function runInside(o: Inside): Promise<RunStatus> {
	const kill = () => void o.sandbox.kill();
	o.control.kill.addEventListener('abort', kill, { once: true });
	if (o.control.kill.aborted) kill();
	try {
		return await runInSession(o);
	} finally {
		o.control.kill.removeEventListener('abort', kill);
	}
}

async function runInSession(o: Inside): Promise<RunStatus> {
	const clock = performance.now();
	const session = await open(o);
	if (session === null) return o.control.stop.aborted ? 'interrupted' : 'died';
	await using _session = session;
	const { kernel } = o.first.circumstances;
	o.listen({
		type: 'kernel ready',
		kernel: `${kernel?.displayName ?? 'kernel'} in ${o.runner}`,
		seconds: (performance.now() - clock) / 1000,
	});
	const { cells, limits } = planOf(o);
	const { status } = await runCells({
		session,
		cells,
		allowErrors: wentOn(o),
		timeoutSeconds: o.timeoutSeconds,
		limits,
		mark: o.mark,
		append: (entry) => o.folder.append(entry),
		stop: o.control.stop,
		listen: o.listen,
	});
	await session.shutdown(shutdownMs);
	return status === 'finished' && cells.length < o.cells.length ? 'interrupted' : status;
}

/** The recorded run ended at its error, or went on after it: so does the repeat, and the verdict compares the error. */
function wentOn({ first, recorded }: Inside): boolean {
	const raised = recorded.findIndex((result) => result.status === 'raised');
	return raised >= 0 && (first.status === 'finished' || raised < recorded.length - 1);
}

/** Null where the kernel did not start; why is a warning. */
async function open(o: Inside): Promise<Awaited<ReturnType<typeof openSession>> | null> {
	// Nothing is lost by not waiting for a kernel that is not to run anything.
	const stop = () => void o.sandbox.kill();
	o.control.stop.addEventListener('abort', stop, { once: true });
	if (o.control.stop.aborted) stop();
	try {
		return await openSession({
			connection: o.connection,
			process: o.sandbox,
			spec: { interruptMode: o.first.circumstances.kernel?.interruptMode ?? 'signal' },
			startTimeoutMs: startMs,
			onWarning: (warning) => void o.warn(warning),
		});
	} catch (error) {
		if (!(error instanceof CellarError) || (error.code !== 'CELLAR_KERNEL_DIED' && error.code !== 'CELLAR_NO_IPYKERNEL'))
			throw error;
		if (!o.control.stop.aborted) await o.warn({ code: error.code, message: error.message });
		return null;
	} finally {
		o.control.stop.removeEventListener('abort', stop);
	}
}

/**
 * What there is to repeat: the cells up to the first one that the recorded run did not come to, or that its user interrupted.
 * One that ran out of time has as much of it again, unless the user says otherwise.
 */
function planOf(o: Pick<Inside, 'cells' | 'recorded' | 'timeoutSeconds'>): {
	readonly cells: readonly CodeCell[];
	readonly limits: ReadonlyMap<number, number>;
} {
	const results = new Map(o.recorded.map((result) => [result.number, result]));
	const end = executed(o.cells).find((cell) => (results.get(cell.number)?.status ?? 'interrupted') === 'interrupted');
	const late = o.timeoutSeconds === null ? o.recorded.filter((result) => result.status === 'timed out') : [];
	return {
		cells: end === undefined ? o.cells : o.cells.slice(0, o.cells.indexOf(end)),
		limits: new Map(late.map((result) => [result.number, result.seconds])),
	};
}
