import { launch, type Launched, type LaunchOptions } from '../../audit/index.ts';
import { createSecrets, encodeName, isTelling, secretValues, type LogId } from '../../model/index.ts';
import { beginWorker, type WorkerFolder, type WorkerReport } from '../../store/index.ts';
import { agentFolder, engineOfCommand, workerCommand } from '../../workers/index.ts';
import { whichHost } from '../run/environment.ts';
import { findProgram, isPython } from '../run/program.ts';
import { keptArgv } from '../secrets/argv.ts';
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
	/** Beside its facts; what is brought home has none. Kept unless said. */
	readonly keepsLog?: boolean;
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
	const secrets = createSecrets(secretValues(o.env));
	const kept = keptArgv([...o.argv], secrets);
	secrets.learn(kept.secret.filter(isTelling));
	const { hostname, bootId } = whichHost();
	const begun: Omit<WorkerReport, 'log'> = {
		format: 1,
		...{ host: hostname, bootId, pid: process.pid, engine: engineOfCommand(o.argv), argv: kept.argv, cwd },
		agent: hasAgent ? encodeName(Buffer.from(agentFolder)) : null,
		findWorkers: isPython(program),
		...{ started: new Date().toISOString(), ended: null, exitCode: null, signal: null, cellar: version },
	};
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
			if (o.keepsLog === false) await folder.dropLog();
			return report;
		},
		async [Symbol.asyncDispose]() {
			await launched[Symbol.asyncDispose]();
			await folder[Symbol.asyncDispose]();
		},
	};
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
