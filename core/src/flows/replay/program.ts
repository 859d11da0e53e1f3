import { constants } from 'node:os';
import { CellarError, isMasked, type ProgramEnd, type Run, type RunStatus, type Warning } from '../../model/index.ts';
import type { Sandboxed } from '../../sandbox/index.ts';
import { statusOf } from '../recording/program.ts';
import type { RunFolder } from '../../store/index.ts';
import type { Control } from '../run/control.ts';

interface Inside {
	readonly sandbox: Sandboxed;
	readonly folder: RunFolder;
	readonly first: Run;
	readonly timeoutSeconds: number | null;
	readonly control: Control;
	readonly warn: (warning: Warning) => Promise<void>;
}

/** @throws CellarError CELLAR_SECRET_IN_SOURCE where a word of the command was not kept */
export function refuseHidden({ run, circumstances }: Run): void {
	const hidden = circumstances.argv.filter(isMasked);
	if (hidden.length === 0) return;
	throw new CellarError(
		'CELLAR_SECRET_IN_SOURCE',
		`the command held what looks like a secret, which was not kept: ${hidden.join(' ')}`,
		{
			where: run,
			hint: 'let the program read it from a file or a variable, and audit it again',
		},
	);
}

/** Waits for the program in the sandbox. It has no stdin there; its last words are told where it ended otherwise than before. */
export async function runProgramInside(o: Inside): Promise<RunStatus> {
	const { sandbox, control, first } = o;
	const stop = () => {
		sandbox.interrupt();
	};
	const kill = () => void sandbox.kill();
	const timer = o.timeoutSeconds === null ? null : setTimeout(kill, o.timeoutSeconds * 1000);
	control.stop.addEventListener('abort', stop, { once: true });
	control.kill.addEventListener('abort', kill, { once: true });
	if (control.stop.aborted) stop();
	try {
		const program = endOf((await sandbox.ended).code, first.program);
		await o.folder.append({ event: 'program end', program });
		const words = sandbox.lastWords().trim();
		if (words !== '' && codeOf(program) !== codeOf(first.program)) {
			await o.warn({ code: 'CELLAR_PROGRAM_SAID', message: `the program said in the end: ${words.slice(-mostWords)}` });
		}
		return statusOf(program, control.stop.aborted);
	} finally {
		if (timer !== null) clearTimeout(timer);
		control.stop.removeEventListener('abort', stop);
		control.kill.removeEventListener('abort', kill);
	}
}

const mostWords = 2000;

/** A sandbox tells a signal as 128 + n, which an exit code may be too: it is taken for the signal that the recorded run had. */
function endOf(code: number | null, recorded: ProgramEnd | undefined): ProgramEnd {
	const isRecorded = recorded?.signal != null && code === codeOf(recorded);
	return isRecorded ? { exitCode: null, signal: recorded.signal } : { exitCode: code, signal: null };
}

function codeOf(end: ProgramEnd | undefined): number | null {
	if (end?.signal == null) return end?.exitCode ?? null;
	const signals: Readonly<Record<string, number | undefined>> = constants.signals;
	return 128 + (signals[end.signal] ?? 0);
}
