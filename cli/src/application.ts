import { buildApplication, buildRouteMap, ExitCode } from '@stricli/core';
import { version } from '@cellar/core';
import { audit } from './commands/audit.ts';
import { deps } from './commands/deps.ts';
import { doctor } from './commands/doctor.ts';
import { explain } from './commands/explain.ts';
import { pack } from './commands/pack.ts';
import { repeat } from './commands/repeat.ts';
import { runs } from './commands/runs.ts';
import { verify } from './commands/verify.ts';
import { worker } from './commands/worker/index.ts';

const routes = buildRouteMap({
	routes: { audit, worker, deps, explain, pack, repeat, verify, runs, doctor },
	docs: {
		brief:
			'Audits a notebook by its system calls, says what each cell needed, packs it, repeats it anywhere, compares the results.',
		fullDescription:
			'The main job:\n' +
			'  cellar audit analysis.ipynb            run it under audit\n' +
			'  cellar deps                            what it needed, cell by cell\n' +
			'  cellar pack -o analysis.oci.tar        pack just that\n' +
			'  cellar repeat analysis.oci.tar         run it again elsewhere, offline, and compare\n\n' +
			'RUN is a run’s id, the beginning of one, a path to a run folder, or latest (the default).',
	},
});

export const application = buildApplication(routes, {
	name: 'cellar',
	versionInfo: { currentVersion: version },
	scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
	documentation: {
		onlyRequiredInUsageLine: true,
		disableAnsiColor: process.env['NO_COLOR'] !== undefined && process.env['NO_COLOR'] !== '',
	},
	determineExitCode: () => 70,
});

/** Exit codes as INTERFACE promises them: what the command line could not read is 2, what broke before a command ran is 70. */
export function exitCodeOf(code: number): number {
	if (code === ExitCode.InvalidArgument || code === ExitCode.UnknownCommand) return 2;
	return code < 0 ? 70 : code;
}
