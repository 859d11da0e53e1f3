import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, parseProcessStat } from '../model/index.ts';

/** A process that still runs; `command` is its name as the kernel has it (15 letters), or the program's path where it can be read. */
export interface LeftProcess {
	readonly pid: number;
	readonly command: string;
}

/** How long a process may take to end after SIGTERM, and after SIGKILL, in milliseconds. */
const termMs = 2000;
const killMs = 5000;

/**
 * The processes that one tracer traces, by `TracerPid` in /proc: a process may change its title, its environment and its
 * parent, but not this. The marker process is among them.
 *
 * @see proc(5)
 */
export async function lineageOf(tracerPid: number): Promise<readonly LeftProcess[]> {
	return tracedBy(tracerPid);
}

/**
 * Ends all that a tracer traces: waits, asks by SIGTERM, makes sure by SIGKILL. The tracer itself is never touched: it ends
 * when it has nothing left to trace.
 *
 * @param graceMs how long to wait before the first signal
 * @param spare pids that are left alone, and waited for by somebody else
 * @returns what had to be ended
 */
export async function endLineage(
	tracerPid: number,
	graceMs: number,
	spare: ReadonlySet<number> = new Set(),
): Promise<readonly LeftProcess[]> {
	const named = new Map<number, LeftProcess>();
	const left = () => tracedBy(tracerPid).filter(({ pid }) => !spare.has(pid));
	const gone = await until(graceMs, () => left().length === 0);
	if (gone) return [];
	for (const [signal, waitMs] of [
		['SIGTERM', termMs],
		['SIGKILL', killMs],
	] as const) {
		const over = await until(waitMs, (round) => {
			const now = left();
			for (const one of now) {
				// Who does not end by SIGTERM may catch it: it is sent once. A process born meanwhile gets its own.
				if (signal === 'SIGKILL' || !named.has(one.pid) || round === 0) send(one.pid, signal);
				if (!named.has(one.pid)) named.set(one.pid, one);
			}
			return now.length === 0;
		});
		if (over) break;
	}
	return [...named.values()].sort((a, b) => a.pid - b.pid);
}

/** Resolves when a process is gone, or false when it is still there after so long. A zombie is gone. */
export async function processGone(pid: number, waitMs: number): Promise<boolean> {
	const started = startTimeOf(pid);
	return until(waitMs, () => startTimeOf(pid) === null || startTimeOf(pid) !== started);
}

/** Whether a run's marker process is still there, without Cellar: it is ending what the run had started, and then itself. */
export function isEnding(tracerPid: number, nonce: string): boolean {
	return tracedBy(tracerPid).some(({ pid }) => {
		const words = read(`/proc/${pid}/cmdline`)?.split('\0') ?? [];
		return words.includes(nonce) && words.includes('marker');
	});
}

/** Who traces a process; 0 for nobody, null where it is gone. */
export function tracerOf(pid: number | 'self'): number | null {
	const status = read(`/proc/${pid}/status`);
	const found = status === null ? null : /^TracerPid:\s+(\d+)$/m.exec(status);
	return found === null ? null : Number(found[1]);
}

/** The name of a process, by its program where that can be read. */
export function commandOf(pid: number): string {
	const line = read(`/proc/${pid}/cmdline`)?.split('\0', 1)[0];
	return line || read(`/proc/${pid}/comm`)?.trim() || `process ${pid}`;
}

function tracedBy(tracerPid: number): LeftProcess[] {
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.map(Number)
		.filter((pid) => tracerOf(pid) === tracerPid)
		.map((pid) => ({ pid, command: commandOf(pid) }));
}

/** When a process started, in clock ticks since the boot: with its pid it names one process. Null for none, and for a zombie. */
export function startTimeOf(pid: number): number | null {
	const text = read(`/proc/${pid}/stat`);
	const stat = text === null ? null : parseProcessStat(text);
	return stat === null || stat.ended ? null : stat.startTime;
}

function read(path: string): string | null {
	try {
		return readFileSync(path, 'latin1');
	} catch (error) {
		// Gone between two looks, or another user's.
		if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) return null;
		throw error;
	}
}

function send(pid: number, signal: NodeJS.Signals): void {
	try {
		process.kill(pid, signal);
	} catch (error) {
		// Gone meanwhile; or another user's, which nobody but root can end.
		if (!['ESRCH', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
	}
}

async function until(ms: number, done: (round: number) => boolean): Promise<boolean> {
	const started = performance.now();
	for (let round = 0; ; round++) {
		if (done(round)) return true;
		const left = started + ms - performance.now();
		if (left <= 0) return false;
		await sleep(Math.min(left, 20 + round * 10, 200));
	}
}
