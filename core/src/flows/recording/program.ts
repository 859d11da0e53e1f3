import type { Facts, ProgramEnd, RunStatus } from '../../model/index.ts';
import { isInForeground } from '../run/control.ts';
import { traced, type Growing, type Tracing } from './tracing.ts';

/** A program without a kernel that is to be run under the tracer. */
export interface ProgramRecording extends Omit<Tracing, 'name' | 'hints' | 'language' | 'agent' | 'streams' | 'sharesTerminal'> {
	/** Its stdout goes to our stderr: ours is for something else. */
	readonly outputToStderr: boolean;
}

/**
 * Runs a program under the tracer on our own streams, and waits for all that it started. A signal that reaches us is handed on;
 * what becomes of it is the program's own affair.
 *
 * @throws CellarError CELLAR_NO_TRACER, before anything of it has run
 */
export async function recordProgram(
	o: ProgramRecording,
): Promise<{ readonly facts: Facts; readonly status: RunStatus; readonly program: ProgramEnd }> {
	const sharesTerminal = isInForeground();
	const { facts, result } = await traced(
		{
			...{ ...o, name: 'the program', agent: null, sharesTerminal },
			streams: o.outputToStderr ? 'ours, to stderr' : 'ours',
		},
		(growing) => untilItEnds(o, growing, sharesTerminal),
	);
	return { facts, status: statusOf(result, o.control.stop.aborted), program: result };
}

async function untilItEnds(o: ProgramRecording, { launched }: Growing, sharesTerminal: boolean): Promise<ProgramEnd> {
	const handOn = () => {
		const reason: unknown = o.control.stop.reason;
		const signal = handedOn.find((name) => name === reason) ?? 'SIGINT';
		// The terminal has sent this one to the program already, and twice would be two.
		if (signal === 'SIGINT' && sharesTerminal) return;
		launched.signalGroup(signal);
	};
	o.control.stop.addEventListener('abort', handOn, { once: true });
	try {
		if (o.control.stop.aborted) handOn();
		const { code, signal } = await launched.ended;
		return { exitCode: code, signal };
	} finally {
		o.control.stop.removeEventListener('abort', handOn);
	}
}

const handedOn = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** How a run is called whose program ended so. */
export function statusOf({ exitCode }: ProgramEnd, stopped: boolean): RunStatus {
	if (stopped) return 'interrupted';
	if (exitCode === 0) return 'finished';
	return exitCode === null ? 'died' : 'raised';
}
