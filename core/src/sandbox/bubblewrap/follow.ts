import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { CellarError, type StartedProcess } from '../../model/index.ts';
import { probeBubblewrap } from '../probes.ts';
import type { SandboxedProcess } from '../runner.ts';

const pollMs = 5;
const execMs = 2_000;
const killMs = 5_000;

/** A program that runs behind bubblewrap, and the processes that hold its namespaces. */
export interface Followed extends SandboxedProcess {
	/** Of the sandbox's namespaces: bubblewrap's first process in them, and the one that waits for it outside of them. */
	holders(): { readonly inner: number; readonly outer: number } | null;
}

/**
 * Waits until the program itself runs, and gives the handle on it.
 *
 * @param o.folder where bubblewrap tells its status
 * @param o.program its word, for a person
 * @param o.begin called when the sandbox's first process is there, with its pid: before that nothing of the program runs, where it waits
 * @throws CellarError CELLAR_NO_SANDBOX; CELLAR_IMAGE_BROKEN where the root lacks the program
 */
export async function follow(
	started: StartedProcess,
	o: {
		readonly folder: string;
		readonly program: string;
		readonly env: NodeJS.ProcessEnv;
		readonly begin?: (init: number) => Promise<void>;
	},
): Promise<Followed> {
	const life = { over: false };
	const ended = started.ended.finally(() => (life.over = true));
	const status = () => readStatus(`${o.folder}/status`);
	const programPid = await untilItRuns(life, status, o.begin);
	if (life.over && status().exitCode === null) throw await notRun(started, o.program, o.env);

	const send = (name: NodeJS.Signals) => {
		if (!life.over && programPid !== null) signal(programPid, name);
	};
	return {
		pid: started.pid,
		programPid,
		ended,
		lastWords: () => started.lastWords(),
		interrupt: () => send('SIGINT'),
		terminate: () => send('SIGTERM'),
		holders: () => {
			const { init } = status();
			const outer = init === null ? null : parentOf(init);
			return init === null || outer === null ? null : { inner: init, outer };
		},
		kill: async () => {
			const { init } = status();
			// The first process of the PID namespace: with it goes everything inside.
			if (!life.over && init !== null) signal(init, 'SIGKILL');
			const timer = new AbortController();
			const tooLate = wait(killMs, true, { signal: timer.signal }).catch(() => false);
			if ((await Promise.race([ended, tooLate])) === true) await started.kill();
			timer.abort();
			await ended;
		},
	};
}

/** @returns the program's pid, or null where it ended before it was seen */
async function untilItRuns(
	life: { readonly over: boolean },
	status: () => Status,
	begin?: (init: number) => Promise<void>,
): Promise<number | null> {
	let begun = false;
	for (let waited = 0; !life.over; waited += pollMs) {
		const { init } = status();
		if (init !== null && !begun) {
			begun = true;
			await begin?.(init);
		}
		const pid = init === null ? null : firstChild(init);
		// Between fork and exec it still bears bubblewrap's name; a program that is called so too is taken after a while.
		const command = pid === null ? null : commandOf(pid);
		if (command !== null && (command !== 'bwrap' || waited > execMs)) return pid;
		await wait(pollMs);
	}
	return null;
}

interface Status {
	readonly init: number | null;
	/** Told only where the program was executed. */
	readonly exitCode: number | null;
}

/** What bubblewrap tells, a JSON object a line, the last one perhaps half written: first the child's pid, then how it ended. */
function readStatus(path: string): Status {
	let text = '';
	try {
		text = readFileSync(path, 'utf8');
	} catch (error) {
		if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
	}
	return { init: numberAt(text, 'child-pid'), exitCode: numberAt(text, 'exit-code') };
}

function numberAt(text: string, key: string): number | null {
	const found = new RegExp(`"${key}"\\s*:\\s*(\\d+)\\s*[,}]`).exec(text);
	return found ? Number(found[1]) : null;
}

/** The program: what bubblewrap's first process in the namespace forked first. */
function firstChild(pid: number): number | null {
	const children = procFile(`/proc/${pid}/task/${pid}/children`);
	const first = children?.trim().split(' ')[0];
	return first ? Number(first) : null;
}

function parentOf(pid: number): number | null {
	const parent = /^PPid:\s*(\d+)$/m.exec(procFile(`/proc/${pid}/status`) ?? '')?.[1];
	return parent === undefined || parent === '0' ? null : Number(parent);
}

function commandOf(pid: number): string | null {
	return procFile(`/proc/${pid}/comm`)?.trim() ?? null;
}

/** A file of /proc, or null where its process is gone. */
function procFile(path: string): string | null {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return null;
	}
}

function signal(pid: number, name: NodeJS.Signals): void {
	try {
		process.kill(pid, name);
	} catch (error) {
		if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
	}
}

async function notRun(started: StartedProcess, program: string, env: NodeJS.ProcessEnv): Promise<CellarError> {
	const words = started.lastWords().trim();
	const exec = /execvp (.*): (.*)$/m.exec(words);
	if (exec) {
		return new CellarError('CELLAR_IMAGE_BROKEN', `the image cannot run ${program}: ${exec[2]}`, {
			where: program,
			hint: 'the program, its interpreter (the first line of a script) or its loader is not in the image',
		});
	}
	return cannotStart(env, words.split('\n').at(-1) || 'bubblewrap ended without a word');
}

export async function cannotStart(env: NodeJS.ProcessEnv, why: string): Promise<CellarError> {
	const probed = await probeBubblewrap(env);
	return new CellarError('CELLAR_NO_SANDBOX', `no sandbox can be started: ${probed.reason ?? why}`, {
		hint: probed.mend ?? 'cellar doctor tells what this machine allows',
	});
}
