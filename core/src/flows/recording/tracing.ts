import { createFollower, isAgents, launch, startTimeOf, tailLog, type Launched, type LaunchOptions } from '../../audit/index.ts';
import type { Facts, JournalEntry, Listener, Name, Warning } from '../../model/index.ts';
import type { RunFolder } from '../../store/index.ts';
import type { Control } from '../run/control.ts';
import type { CodeHints } from '../run/coroutines.ts';
import { whoAndWhere } from '../run/environment.ts';
import type { InputKeeper } from './inputs.ts';
import { watchMarks, type MarkWatch } from './marks.ts';

/** Between two looks at the growing log: short enough to save an input before it is overwritten by hand, long enough to cost nothing. */
const pollMs = 150;
/** How long what the program started may go on after it. */
const graceMs = 4000;

/** A program that is to be run under the tracer: a kernel, or any other. */
export interface Tracing {
	/** For a person: `the kernel`. */
	readonly name: string;
	readonly checks: boolean;
	readonly control: Control;
	readonly listen: Listener;
	readonly folder: RunFolder;
	readonly keeper: InputKeeper;
	readonly argv: readonly string[];
	readonly environment: Readonly<NodeJS.ProcessEnv>;
	readonly nonce: string;
	readonly cwd: string;
	readonly tracer: string;
	/** Of a kernel: what the code of its cells says, and their language in small letters. */
	readonly hints?: CodeHints;
	readonly language?: string;
	/** The folder of the agent that `argv` brings into it; null where it has none. */
	readonly agent: Name | null;
	/** Whether what it forks are workers. */
	readonly findWorkers: boolean;
	readonly streams?: LaunchOptions['streams'];
	readonly sharesTerminal?: boolean;
}

/** The program that runs, and its log as far as it has been read. */
export interface Growing {
	readonly launched: Launched;
	readonly marks: MarkWatch;
	poll(): Promise<void>;
}

/**
 * Starts a program under the tracer, keeps what its log shows to be an input while it grows, and waits for all that it started.
 *
 * @param work done beside it; when this ends, so does the program
 * @throws CellarError CELLAR_NO_TRACER, and what `work` throws
 */
export async function traced<T>(o: Tracing, work: (running: Growing) => Promise<T>): Promise<{ facts: Facts; result: T }> {
	const log = o.folder.logPath('manager');
	const here = whoAndWhere();
	const follower = createFollower({
		log: 'manager',
		nonce: o.nonce,
		host: here.hostname,
		bootId: here.bootId,
		...o.hints,
		...(o.language === undefined ? {} : { language: o.language }),
		findWorkers: o.findWorkers,
		...(o.agent === null ? {} : { agent: o.agent }),
		onFirstUse(use) {
			if (o.agent === null || !isAgents(use.path, o.agent)) o.keeper.sighted(use.path, use.how);
		},
	});
	await using launched = await launch({
		...{ argv: o.argv, cwd: o.cwd, env: o.environment, log, nonce: o.nonce, checks: o.checks, tracer: o.tracer },
		...{ streams: o.streams ?? 'kept', sharesTerminal: o.sharesTerminal ?? false },
	});
	const startTime = startTimeOf(launched.tracerPid);
	if (startTime !== null) await o.folder.append({ event: 'tracer', pid: launched.tracerPid, startTime });
	const kill = () => void launched.kill();
	o.control.kill.addEventListener('abort', kill, { once: true });
	const marks = watchMarks(o.nonce);
	const take: typeof follower.take = (events) => {
		marks.take(events);
		follower.take(events);
	};
	const tail = tailLog(log, { ...follower, take });
	let result: T;
	let leftRunning: Awaited<ReturnType<Launched['finish']>>;
	{
		await using _polling = pollEvery(pollMs, () => tail.poll());
		try {
			result = await work({ launched, marks, poll: () => tail.poll() });
		} finally {
			o.control.kill.removeEventListener('abort', kill);
		}
		leftRunning = await launched.finish(graceMs);
	}
	for (const left of leftRunning) {
		await warn(o, {
			code: 'CELLAR_LEFT_RUNNING',
			message: `${left.command} (process ${left.pid}) was still running after ${o.name} had ended, and was ended with it`,
		});
	}
	const lost = launched.lostLines();
	if (lost > 0) {
		const message = `the tracer could not write its log, for ${lost} ${lost === 1 ? 'line' : 'lines'}: what was used then is not known`;
		await warn(o, { code: 'CELLAR_LOG_INCOMPLETE', message });
	}
	await tail.end();
	await o.keeper.settled();
	return { facts: follower.facts(), result };
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
