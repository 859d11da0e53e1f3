import { createFollower, launch, startTimeOf, tailLog, type Launched } from '../../audit/index.ts';
import { openSession, type Connection, type Kernelspec, type Session } from '../../kernel/index.ts';
import type { CellUse, Facts, JournalEntry, Listener, RunStatus, StartedProcess, Warning } from '../../model/index.ts';
import type { CodeCell } from '../../notebook/index.ts';
import type { RunFolder } from '../../store/index.ts';
import { createAside, type Aside } from '../run/aside.ts';
import type { Control } from '../run/control.ts';
import { executed, runCells, type CellLoop } from '../run/cells.ts';
import { hintsOfCode } from '../run/coroutines.ts';
import { whoAndWhere } from '../run/environment.ts';
import type { InputKeeper } from './inputs.ts';
import { isFull, lostLog, watchMarks } from './marks.ts';

/** Between two looks at the growing log: short enough to save an input before it is overwritten by hand, long enough to cost nothing. */
const pollMs = 150;
/** How long what the kernel started may go on after it. */
const graceMs = 4000;

/** A kernel that is to be run under the tracer. */
export interface Recording {
	readonly timeoutSeconds: number | null;
	readonly allowErrors: boolean;
	readonly checks: boolean;
	readonly control: Control;
	readonly listen: Listener;
	readonly folder: RunFolder;
	readonly spec: Kernelspec;
	readonly uses: readonly CellUse[];
	readonly cells: readonly CodeCell[];
	readonly keeper: InputKeeper;
	readonly connection: Connection;
	readonly argv: readonly string[];
	readonly environment: Readonly<Record<string, string>>;
	readonly nonce: string;
	readonly cwd: string;
	readonly tracer: string;
}

/**
 * Starts the kernel under the tracer, runs the cells, and waits for all that they started.
 *
 * @throws CellarError CELLAR_NO_TRACER, CELLAR_KERNEL_DIED; CELLAR_DISK_FULL and CELLAR_LOG_UNREADABLE where the log does not
 *   show what the cells do any more
 */
export async function recordCells(o: Recording): Promise<{ facts: Facts; status: RunStatus }> {
	const log = o.folder.logPath('manager');
	const aside = createAside();
	const here = whoAndWhere();
	const follower = createFollower({
		log: 'manager',
		nonce: o.nonce,
		host: here.hostname,
		bootId: here.bootId,
		language: o.spec.language.toLowerCase(),
		...hintsOfCode(o.cells, o.uses),
		onFirstUse: (use) => o.keeper.sighted(use.path, use.how),
	});
	await using launched = await launch({
		argv: o.argv,
		cwd: o.cwd,
		env: o.environment,
		log,
		nonce: o.nonce,
		checks: o.checks,
		tracer: o.tracer,
	});
	const startTime = startTimeOf(launched.tracerPid);
	if (startTime !== null) await o.folder.append({ event: 'tracer', pid: launched.tracerPid, startTime });
	if (o.spec.note !== null) await warn(o, { code: 'CELLAR_KERNEL_CHOSEN', message: o.spec.note });
	const kill = () => void launched.kill();
	o.control.kill.addEventListener('abort', kill, { once: true });
	const marks = watchMarks(o.nonce);
	const tail = tailLog(log, (events) => {
		marks.take(events);
		follower.take(events);
	});
	const mark: CellLoop['mark'] = async (verb, execution) => {
		const stands = async () => {
			await launched.mark({ verb, kind: 'cell', id: String(execution), attempt: null, name: null });
			await tail.poll();
			return marks.has(verb, execution);
		};
		if (await stands()) return;
		// After a while on a full disk, the first line that can be written is glued to the half of another: the next one stands.
		const { number } = executed(o.cells)[execution - 1]!;
		if (isFull(o.folder.directory) || !(await stands())) throw lostLog(o.folder, number);
		const message = `the disk was full for a while in cell ${number} or before it: what was used then is not known`;
		await warn(o, { code: 'CELLAR_LOG_INCOMPLETE', message });
	};
	let status: RunStatus;
	let leftRunning: Awaited<ReturnType<Launched['finish']>>;
	{
		await using _polling = pollEvery(pollMs, () => tail.poll());
		try {
			status = await runInKernel(o, aside, launched, mark);
		} finally {
			o.control.kill.removeEventListener('abort', kill);
		}
		leftRunning = await launched.finish(graceMs);
	}
	for (const left of leftRunning) {
		await warn(o, {
			code: 'CELLAR_LEFT_RUNNING',
			message: `${left.command} (process ${left.pid}) was still running after the kernel had ended, and was ended with it`,
		});
	}
	await tail.end();
	await o.keeper.settled();
	await aside.settled();
	return { facts: follower.facts(), status };
}

async function runInKernel(o: Recording, aside: Aside, launched: Launched, mark: CellLoop['mark']): Promise<RunStatus> {
	const clock = performance.now();
	await using session = await openKernel(o, aside, launched);
	o.listen({ type: 'kernel ready', kernel: o.spec.displayName, seconds: (performance.now() - clock) / 1000 });
	const { status } = await runCells({
		session,
		cells: o.cells,
		allowErrors: o.allowErrors,
		timeoutSeconds: o.timeoutSeconds,
		mark,
		append: (entry) => o.folder.append(entry),
		stop: o.control.stop,
		listen: o.listen,
	});
	await session.shutdown(5000);
	return status;
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

/** Journals a warning and tells it. */
export async function warn(o: { folder: RunFolder; listen: Listener }, warning: Warning): Promise<void> {
	const entry: JournalEntry = { event: 'warning', warning };
	await o.folder.append(entry);
	o.listen({ type: 'warning', warning });
}

/** Calls `poll` again and again, one at a time, until it is disposed of. */
function pollEvery(ms: number, poll: () => Promise<void>): AsyncDisposable {
	let busy: Promise<void> = Promise.resolve();
	let failed: unknown = null;
	const timer = setInterval(() => {
		busy = busy.then(poll).catch((error: unknown) => {
			failed ??= error;
		});
	}, ms);
	return {
		async [Symbol.asyncDispose]() {
			clearInterval(timer);
			await busy;
			if (failed !== null) throw failed;
		},
	};
}
