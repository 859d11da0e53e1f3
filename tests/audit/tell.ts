// A Cellar of its own, for tests that trace it, forbid it to trace, or kill it: does one thing and prints what came of it as JSON.
import { launch, probeTracer } from '../../core/src/audit/index.ts';
import { CellarError } from '../../core/src/model/index.ts';

const [what, folder = '', ...argv] = process.argv.slice(2);

function tell(told: object): void {
	process.stdout.write(`${JSON.stringify(told)}\n`);
}

try {
	if (what === 'probe') tell(await probeTracer());
	else {
		const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };
		const launched = await launch({
			...{ argv, cwd: folder, env, log: `${folder}/log.strace`, nonce: 'n0nce', checks: false },
			tracer: process.env['TRACER'] ?? '/usr/bin/strace',
		});
		tell({ pid: launched.pid, tracerPid: launched.tracerPid });
		// Lives on until it is killed.
		setInterval(() => undefined, 1000);
	}
} catch (error) {
	if (!(error instanceof CellarError)) throw error;
	tell({ code: error.code, message: error.message, hint: error.hint });
}
