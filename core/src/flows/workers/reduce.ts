import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { createFollower, factsOfWorker, readLog } from '../../audit/index.ts';
import type { Doubt, Facts, Secrets } from '../../model/index.ts';
import { compressLog, redactLine, type WorkerFolder, type WorkerReport } from '../../store/index.ts';
import { existingPath } from '../run/paths.ts';

/**
 * Reads a worker's own log where it lies, writes what it told as facts, and keeps the log without what may be secret. Cut short, it
 * can be done again.
 *
 * @throws CellarError CELLAR_LOG_UNREADABLE, CELLAR_DISK_FULL: it has not reported then
 */
export async function reduceWorker(folder: WorkerFolder, report: WorkerReport, nonce: string, secrets: Secrets): Promise<Facts> {
	const { log, logPath } = folder;
	const { host, bootId, agent, findWorkers } = report;
	const follower = createFollower({
		...{ log, nonce, host, bootId, findWorkers },
		...(agent === null ? {} : { agent }),
	});
	await readLog(existsSync(logPath) ? logPath : `${logPath}.gz`, follower);
	const told = factsOfWorker(follower.facts(), report.engine);
	const facts = agent === null && findWorkers ? { ...told, doubts: [...told.doubts, unmarked(report)] } : told;
	const isPath = existingPath(report.cwd);
	await compressLog(logPath, `${logPath}.gz`, (line) => redactLine(line, isPath, secrets));
	await folder.report(report, facts);
	return facts;
}

/** Of a program that is not Python's nobody would expect it. */
function unmarked({ argv }: WorkerReport): Doubt {
	const message = `the agent could not be brought into ${basename(argv[0] ?? '')}: what its tasks did is told as the worker's`;
	return { code: 'CELLAR_UNMARKED', message, seq: null };
}
