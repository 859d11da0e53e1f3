import { setTimeout as sleep } from 'node:timers/promises';
import type { StartedProcess } from '../model/index.ts';

/** The longest time that a Node timer can wait, in milliseconds. */
const longest = 2 ** 31 - 1;
/** A kernel that has ended has said its last when nothing came for so long, in milliseconds; at most `patience` is spent on it. */
const quiet = 100;
const patience = 3000;

/** Waits for what messages bring about, and never for longer than the kernel's process lives. */
export interface Watch {
	/** To be called when a message was taken: looks again at every condition that is waited for. */
	stir(): void;
	/** Ends every wait, now and later, with this error. */
	fail(error: unknown): void;
	/** True after `fail`. */
	readonly failed: boolean;
	/** True when the process has ended and what it had sent was taken. */
	readonly ended: boolean;
	/**
	 * @param ms how long to wait at most; null: as long as the process lives
	 * @returns `met` when the condition holds, `ended` when the process has ended and what it had sent was taken, `late` after `ms`
	 */
	until(condition: () => boolean, ms: number | null): Promise<'met' | 'ended' | 'late'>;
}

/** Watches one kernel. */
export function watchProcess(process: Pick<StartedProcess, 'ended'>): Watch {
	const waiting = new Set<() => void>();
	let stirs = 0;
	let ended = false;
	let failure: { readonly error: unknown } | null = null;
	const look = (): void => {
		for (const check of waiting) check();
	};
	const hearOut = async (): Promise<void> => {
		for (let left = patience / quiet; left > 0; left -= 1) {
			const before = stirs;
			await sleep(quiet);
			if (stirs === before) break;
		}
		ended = true;
		look();
	};
	void process.ended.then(hearOut);
	return {
		stir() {
			stirs += 1;
			look();
		},
		fail(error) {
			failure ??= { error };
			look();
		},
		get failed() {
			return failure !== null;
		},
		get ended() {
			return ended;
		},
		until: (condition, ms) =>
			new Promise((resolve, reject) => {
				let timer: NodeJS.Timeout | null = null;
				const leave = (settle: () => void): void => {
					waiting.delete(check);
					if (timer) clearTimeout(timer);
					settle();
				};
				const check = (): void => {
					if (condition()) leave(() => resolve('met'));
					else if (failure) leave(() => reject(failure?.error));
					else if (ended) leave(() => resolve('ended'));
				};
				waiting.add(check);
				if (ms !== null) timer = setTimeout(() => leave(() => resolve('late')), Math.min(ms, longest));
				check();
			}),
	};
}
