import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { launch, type Launched, type LaunchOptions } from '../../audit/index.ts';
import { createSecrets, encodeName, isTelling, secretValues, type LogId, type Secrets } from '../../model/index.ts';
import { beginWorker, type WorkerFolder, type WorkerReport } from '../../store/index.ts';
import { agentFolder, engineOfCommand, workerCommand } from '../../workers/index.ts';
import { whichHost } from '../run/environment.ts';
import { findProgram, isPython } from '../run/program.ts';
import { keptArgv } from '../secrets/argv.ts';
import { reduceWorker } from './reduce.ts';
import { firstReport } from './report.ts';

/** A worker that is to be watched for a run. */
export interface Watching extends Pick<
	LaunchOptions,
	'argv' | 'cwd' | 'nonce' | 'checks' | 'tracer' | 'streams' | 'sharesTerminal'
> {
	/** The run's folder. */
	readonly directory: string;
	/** The batch job that starts it, as the run's manager calls that. */
	readonly job?: string;
	readonly env: Readonly<Record<string, string>>;
	/** Beside its facts; what is brought home has none. Kept unless said. */
	readonly keepsLog?: boolean;
}

/** A worker under a tracer of its own. */
export interface Watched extends AsyncDisposable {
	readonly log: LogId;
	readonly launched: Launched;
	/** Sends a signal to the worker's program, unless whoever sent it to us has sent it to the worker, too. */
	handOn(signal: NodeJS.Signals): Promise<void>;
	/** When it has ended: ends what it left behind, and reports. @param graceMs how long that may go on */
	report(graceMs: number): Promise<WorkerReport>;
}

/**
 * Starts a worker under a tracer, with the agent in it where Python runs it.
 *
 * @throws CellarError CELLAR_NO_SUCH_FILE, CELLAR_NO_TRACER, CELLAR_NO_PERMISSION: nothing has run then, and nothing is left
 */
export async function watchWorker(o: Watching): Promise<Watched> {
	const { cwd, nonce, directory } = o;
	const program = findProgram({ argv: [...o.argv], cwd, path: o.env['PATH'] ?? '' });
	const { argv, hasAgent } = workerCommand(o.argv, program, nonce, cwd);
	const { begun, secrets } = beginningOf({ ...o, program, agent: hasAgent ? encodeName(Buffer.from(agentFolder)) : null });
	const folder = await beginWorker(directory, begun);
	const launched = await launchIn(folder, { ...o, argv, log: folder.logPath });
	return {
		log: folder.log,
		launched,
		async handOn(signal) {
			await sleep(deliveryMs);
			if (!(await hasHad(folder.logPath, launched.pid, signal))) launched.signal(signal);
		},
		async report(graceMs) {
			const { code, signal } = await launched.ended;
			await launched.finish(graceMs);
			const report = { ...begun, log: folder.log, ended: new Date().toISOString(), exitCode: code, signal };
			await folder.say(report);
			await reduceWorker(folder, report, nonce, secrets);
			if (o.keepsLog === false) await folder.dropLog();
			return report;
		},
		async [Symbol.asyncDispose]() {
			await launched[Symbol.asyncDispose]();
			await folder[Symbol.asyncDispose]();
		},
	};
}

/** A batch system signals each process of a job: how long that may take, and how far apart two are that were sent at once. Milliseconds. */
const deliveryMs = 200;
const onceMs = 1000;
/** So much of a log's end is looked at, in bytes. */
const tail = 1 << 20;

/** Whether somebody else has just sent this signal to a process, by its log. */
async function hasHad(log: string, pid: number, signal: NodeJS.Signals): Promise<boolean> {
	await using file = await open(log);
	const { size } = await file.stat();
	const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(tail, size)), { position: Math.max(0, size - tail) });
	const line = new RegExp(`^${pid} +([\\d.]+) --- ${signal} \\{.*si_pid=(\\d+)`, 'gm');
	const sent = [...buffer.toString('latin1', 0, bytesRead).matchAll(line)];
	return sent.some(([, at, by]) => Number(by) !== process.pid && Date.now() - Number(at) * 1000 < deliveryMs + onceMs);
}

/** What a worker says of itself when it begins, without what may be secret. */
function beginningOf(
	o: Pick<Watching, 'argv' | 'cwd' | 'env' | 'job'> & {
		readonly program: string;
		readonly agent: string | null;
		readonly why?: string;
	},
): {
	readonly begun: Omit<WorkerReport, 'log'>;
	readonly secrets: Secrets;
} {
	const secrets = createSecrets(secretValues(o.env));
	const kept = keptArgv([...o.argv], secrets);
	secrets.learn(kept.secret.filter(isTelling));
	const { hostname, bootId } = whichHost();
	const begun = firstReport({
		...{ host: hostname, bootId, engine: engineOfCommand(o.argv), argv: kept.argv, cwd: o.cwd },
		...{ agent: o.agent, findWorkers: isPython(o.program), job: o.job, unaudited: o.why },
	});
	return { begun, secrets };
}

/**
 * Leaves in a run that a worker of it is started without being audited; to be let go of when that has ended.
 *
 * @throws CellarError CELLAR_DISK_FULL, CELLAR_NO_PERMISSION
 */
export async function noteUnaudited(
	o: Pick<Watching, 'argv' | 'cwd' | 'env' | 'directory' | 'job'> & { readonly program: string; readonly why: string },
): Promise<AsyncDisposable> {
	const { begun } = beginningOf({ ...o, agent: null });
	return beginWorker(o.directory, begun);
}

/** Of what could not be started, nothing is to be told. */
async function launchIn(folder: WorkerFolder, options: LaunchOptions): Promise<Launched> {
	try {
		return await launch(options);
	} catch (error) {
		await folder.discard();
		await folder[Symbol.asyncDispose]();
		throw error;
	}
}
