import { probeTracer, type TracerProbe } from '../../audit/index.ts';
import { CellarError } from '../../model/index.ts';
import { runners, type Runner } from '../../sandbox/index.ts';

/** @throws CellarError CELLAR_NO_TRACER with the line that mends it */
export async function findTracer(env: NodeJS.ProcessEnv): Promise<TracerProbe & { status: 'ok' }> {
	const tracer = await probeTracer(env);
	if (tracer.status === 'ok') return tracer;
	throw new CellarError('CELLAR_NO_TRACER', tracer.reason, { hint: tracer.mend });
}

/**
 * The first sandbox that can be used here, of all or of the one that is asked for.
 *
 * @param wanted its name, or `auto`
 * @throws CellarError CELLAR_NO_SANDBOX with what each lacks
 */
export async function chooseRunner(wanted: string, env: NodeJS.ProcessEnv): Promise<Runner> {
	const asked = wanted === 'auto' ? runners : runners.filter((runner) => runner.name === wanted);
	const refusals: { reason: string; mend: string | null }[] = [];
	for (const runner of asked) {
		const probe = await runner.probe(env);
		if (probe.status === 'ok') return runner;
		refusals.push({ reason: `${runner.name}: ${probe.reason ?? probe.status}`, mend: probe.mend });
	}
	throw new CellarError(
		'CELLAR_NO_SANDBOX',
		`no sandbox can be used here: ${refusals.map((refusal) => refusal.reason).join('; ')}`,
		{ hint: refusals[0]?.mend ?? 'cellar doctor tells what this machine allows' },
	);
}
