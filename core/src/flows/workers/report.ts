import type { WorkerReport } from '../../store/index.ts';
import { version } from '../version.ts';

/** What a worker says of itself when it begins, as far as it is known by then. */
export function firstReport(
	o: Pick<WorkerReport, 'host' | 'bootId' | 'engine' | 'argv' | 'cwd' | 'agent' | 'findWorkers' | 'job' | 'unaudited'>,
): Omit<WorkerReport, 'log'> {
	return {
		format: 1,
		...{ host: o.host, bootId: o.bootId, pid: process.pid, engine: o.engine, argv: o.argv, cwd: o.cwd },
		...{ agent: o.agent, findWorkers: o.findWorkers },
		...{ started: new Date().toISOString(), ended: null, exitCode: null, signal: null, cellar: version },
		...(o.job === undefined ? {} : { job: o.job }),
		...(o.unaudited === undefined ? {} : { unaudited: o.unaudited }),
	};
}
