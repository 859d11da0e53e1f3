import type { CellOutput } from '../model/index.ts';
import { newMessageId, type Said } from './messages.ts';
import type { Outputs } from './outputs.ts';

export interface ExecuteOptions {
	/** How long the code may run; then it is interrupted, and killed with its kernel when that does not end it. */
	readonly timeoutSeconds: number | null;
	/** Each output as it comes; of a stream only the new piece. Where it throws, execution and session end in that error. */
	readonly onOutput?: (output: CellOutput) => void;
	/** The outputs of an earlier execution (the n-th call of `execute`, from 1) as this one changed them, told at its end. */
	readonly onEarlier?: (execution: number, outputs: readonly CellOutput[]) => void;
}

/** What became of a piece of code. `timed out` and `interrupted` also where its kernel had to be killed for it. */
export interface Execution {
	readonly status: 'ok' | 'error' | 'timed out' | 'interrupted' | 'died';
	readonly outputs: readonly CellOutput[];
	/** The kernel's count; null where it did not get so far. */
	readonly executionCount: number | null;
}

/** Why code is made to end: its time is up, the user wants it, or it waits for an input that nobody can give. */
export type Cause = 'timed out' | 'interrupted' | 'refused';

/** The code that is running. It is over when the kernel has replied and is idle; these two come by different sockets. */
export interface Running {
	readonly execution: number;
	/** The id of the request. */
	readonly id: string;
	readonly options: ExecuteOptions;
	/** Whose outputs it has changed. */
	readonly earlier: Set<number>;
	/** The kernel runs it by now: an interrupt will reach it. */
	began: boolean;
	/** The status of the reply. */
	replied: string | null;
	idle: boolean;
	count: number | null;
	raised: boolean;
	cause: Cause | null;
	/** We have killed the kernel for it. */
	killed: boolean;
	/** The id of what the kernel was asked because a half of the end stays away. */
	probe: string | null;
}

export function newRunning(execution: number, options: ExecuteOptions): Running {
	return {
		execution,
		id: newMessageId(),
		options,
		earlier: new Set(),
		began: false,
		replied: null,
		idle: false,
		count: null,
		raised: false,
		cause: null,
		killed: false,
		probe: null,
	};
}

export function isOver(run: Running): boolean {
	return run.replied !== null && run.idle;
}

/** Takes what the kernel says because of the code. */
export function hearOwn(run: Running, said: Said, outputs: Outputs): void {
	if (said.type === 'status') {
		run.idle = said.state === 'idle';
		return;
	}
	if (said.type === 'execute_reply') {
		run.replied = said.status;
		run.count ??= said.count;
		return;
	}
	run.began = true;
	if (said.type === 'execute_input') run.count = said.count;
	run.raised ||= said.type === 'error';
	const { fresh, earlier } = outputs.take(run.execution, said);
	for (const execution of earlier) run.earlier.add(execution);
	if (fresh) run.options.onOutput?.(fresh);
}

/**
 * Takes what the kernel says because of the probe. Each channel keeps its order: what has not come of the code's end before
 * the answer on the same channel was lost.
 *
 * @returns whether it was lost; the code then counts as ended
 */
export function hearProbe(run: Running, said: Said): boolean {
	const replyLost = said.type === 'kernel_info_reply' && run.replied === null;
	const idleLost = said.type === 'status' && said.state === 'idle' && !run.idle;
	if (replyLost) run.replied = run.raised ? 'error' : 'ok';
	if (idleLost) run.idle = true;
	return replyLost || idleLost;
}

/** @param closing the session is being closed: that, and not the code, may have ended the kernel */
export function statusOf(run: Running, closing: boolean): Execution['status'] {
	const stopped = run.cause === 'timed out' || run.cause === 'interrupted' ? run.cause : null;
	if (run.replied === null) return stopped !== null && (run.killed || closing) ? stopped : 'died';
	if (stopped !== null) return stopped;
	return run.replied === 'ok' ? 'ok' : 'error';
}

export function isOutput(said: Said): boolean {
	return 'shown' in said || said.type === 'stream' || said.type === 'error';
}
