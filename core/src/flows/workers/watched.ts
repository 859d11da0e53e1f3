import { launch, type Launched, type LaunchOptions } from '../../audit/index.ts';
import { createSecrets, encodeName, isTelling, secretValues, type LogId, type Secrets } from '../../model/index.ts';
import { beginWorker, type WorkerFolder, type WorkerReport } from '../../store/index.ts';
import { agentFolder, engineOfCommand, workerCommand } from '../../workers/index.ts';
import { whoAndWhere } from '../run/environment.ts';
import { findProgram, isPython } from '../run/program.ts';
import { keptArgv } from '../secrets/given.ts';
import { version } from '../version.ts';
import { reduceWorker } from './reduce.ts';

/** A worker that is to be watched for a run. */
export interface Watching extends Pick<
	LaunchOptions,
	'argv' | 'cwd' | 'nonce' | 'checks' | 'tracer' | 'streams' | 'sharesTerminal'
> {
	/** The run's folder. */
	readonly directory: string;
	readonly env: Readonly<Record<string, string>>;
}

/** A worker under a tracer of its own. */
export interface Watched extends AsyncDisposable {
	readonly log: LogId;
	readonly launched: Launched;
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
		async report(graceMs) {
			const { code, signal } = await launched.ended;
			await launched.finish(graceMs);
			const report = { ...begun, log: folder.log, ended: new Date().toISOString(), exitCode: code, signal };
			await folder.say(report);
			await reduceWorker(folder, report, nonce, secrets);
			return report;
		},
		async [Symbol.asyncDispose]() {
			await launched[Symbol.asyncDispose]();
			await folder[Symbol.asyncDispose]();
		},
	};
}

/** What a worker says of itself when it begins, without what may be secret. */
function beginningOf(o: Pick<Watching, 'argv' | 'cwd' | 'env'> & { readonly program: string; readonly agent: string | null }): {
	readonly begun: Omit<WorkerReport, 'log'>;
	readonly secrets: Secrets;
} {
	const secrets = createSecrets(secretValues(o.env));
	const kept = keptArgv([...o.argv], secrets);
	secrets.learn(kept.secret.filter(isTelling));
	const who = whoAndWhere();
	const begun: Omit<WorkerReport, 'log'> = {
		format: 1,
		...{ host: who.hostname, bootId: who.bootId, pid: process.pid, engine: engineOfCommand(o.argv), argv: kept.argv, cwd: o.cwd },
		agent: o.agent,
		findWorkers: isPython(o.program),
		...{ started: new Date().toISOString(), ended: null, exitCode: null, signal: null, cellar: version },
	};
	return { begun, secrets };
}

/**
 * Leaves in a run that a worker of it is started without being audited; to be let go of when that has ended.
 *
 * @throws CellarError CELLAR_DISK_FULL, CELLAR_NO_PERMISSION
 */
export async function noteUnaudited(
	o: Pick<Watching, 'argv' | 'cwd' | 'env' | 'directory'> & { readonly program: string; readonly why: string },
): Promise<AsyncDisposable> {
	const { begun } = beginningOf({ ...o, agent: null });
	return beginWorker(o.directory, { ...begun, unaudited: o.why });
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
