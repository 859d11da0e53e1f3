import { execFile } from 'node:child_process';
import { access, constants, mkdtemp, readFile, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { errnoOf } from '../model/index.ts';
import { commandOf, tracerOf } from './lineage.ts';
import { tracerArguments } from './options.ts';

/** Whether programs can be audited here. `mend` is the line that would change it. */
export type TracerProbe =
	| { readonly status: 'ok'; readonly path: string; readonly version: string }
	| { readonly status: 'missing' | 'refused'; readonly found: string | null; readonly reason: string; readonly mend: string };

const install = 'sudo apt-get install strace, or without root: conda install -c conda-forge strace';
/** In proot, for one, tracing hangs. */
const patienceMs = 15_000;

/** Looks for strace on PATH, and whether it runs at all. */
export async function findTracer(env: NodeJS.ProcessEnv = process.env): Promise<TracerProbe> {
	const path = await findOnPath('strace', env);
	if (path === null) return { status: 'missing', found: null, reason: 'strace is not on PATH', mend: install };
	return versionOf(path, env);
}

async function versionOf(path: string, env: NodeJS.ProcessEnv): Promise<TracerProbe> {
	const said = await run(path, ['-V'], env);
	const version = /version (\S+)/.exec(said.text)?.[1];
	if (version !== undefined) return { status: 'ok', path, version };
	const reason = `${path} is not a strace that runs: ${firstLine(said.text)}`;
	return { status: 'missing', found: path, reason, mend: install };
}

/**
 * Looks for strace and really traces `/bin/true` with all the options of an audit.
 *
 * @param given the strace to take; the one on PATH where none is given
 */
export async function probeTracer(env: NodeJS.ProcessEnv = process.env, given: string | null = null): Promise<TracerProbe> {
	const found = given === null ? await findTracer(env) : await versionOf(given, env);
	if (found.status !== 'ok') return found;
	const { path, version } = found;
	const folder = await mkdtemp(join(tmpdir(), 'cellar-probe-'));
	try {
		const log = join(folder, 'log');
		const { text } = await run(path, [...tracerArguments(log, true), '--', '/bin/true'], env);
		// With -D the program is our child, and may end before its tracer has written the last line.
		for (let round = 0; round < 100; round++) {
			const written = await readFile(log, 'latin1').catch(() => '');
			if (/execve\("\/bin\/true".* = 0$/m.test(written) && /\+\+\+ exited with 0 \+\+\+$/m.test(written)) {
				return { status: 'ok', path, version };
			}
			if (/strace: /.test(text)) break;
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
		return { status: 'refused', found: `strace ${version} at ${path}`, ...refusal(text) };
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** Why strace could not trace, by what it said and by what the kernel says of us. */
export function refusal(said: string): { reason: string; mend: string } {
	const by = tracerOf('self') ?? 0;
	if (by !== 0) {
		return {
			reason: `Cellar itself is being traced, by ${commandOf(by)} (process ${by}), and a process has one tracer`,
			mend: 'start Cellar outside of strace, gdb or another audit',
		};
	}
	if (/unrecognized option|invalid option|invalid .* (?:qualifier|filter)|invalid system call/.test(said)) {
		return { reason: `this strace is too old: ${firstLine(said)}`, mend: `${install} (5.11 or later)` };
	}
	if (!/ptrace|PTRACE|Operation not permitted|seccomp/.test(said)) {
		const reason = said.trim() === '' ? 'strace did not trace, and said nothing' : `strace could not trace: ${firstLine(said)}`;
		return { reason, mend: 'try `strace -f true` by hand; where it hangs or fails (proot does), audit outside of it' };
	}
	const scope = Number(readOr('/proc/sys/kernel/yama/ptrace_scope', '0'));
	if (scope >= 2) {
		return {
			reason: `ptrace is refused: Yama's ptrace scope is ${scope}`,
			mend:
				scope === 2
					? 'sudo sysctl kernel.yama.ptrace_scope=1'
					: 'set kernel.yama.ptrace_scope=1 in /etc/sysctl.d and restart: scope 3 stays until then',
		};
	}
	if (/^Seccomp:\s+2$/m.test(readOr('/proc/self/status', ''))) {
		return {
			reason: 'ptrace is refused by a seccomp filter, as containers have one',
			mend: 'start the container with --cap-add=SYS_PTRACE, or with --security-opt seccomp=unconfined',
		};
	}
	return {
		reason: `ptrace is refused: ${firstLine(said)}`,
		mend: 'a container needs --cap-add=SYS_PTRACE; under SELinux: sudo setsebool -P deny_ptrace 0',
	};
}

export async function findOnPath(name: string, env: NodeJS.ProcessEnv): Promise<string | null> {
	for (const folder of (env['PATH'] ?? '').split(delimiter)) {
		if (!isAbsolute(folder)) continue;
		const path = join(folder, name);
		try {
			await access(path, constants.X_OK);
			return path;
		} catch (error) {
			if (errnoOf(error) === null) throw error;
		}
	}
	return null;
}

/** What a program says on both its outputs. One that fails, or does not end, is told by its words. */
function run(path: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ text: string }> {
	return new Promise((resolve) => {
		const options = { env, timeout: patienceMs, killSignal: 'SIGKILL' as const, encoding: 'utf8' as const };
		execFile(path, [...args], options, (error, stdout, stderr) => {
			const late = error?.killed === true ? `it did not end within ${patienceMs / 1000} seconds\n` : '';
			resolve({ text: `${stdout}${stderr}${late}${error !== null && errnoOf(error) !== null ? error.message : ''}` });
		});
	});
}

function firstLine(text: string): string {
	return text.trim().split('\n', 1)[0] ?? '';
}

function readOr(path: string, otherwise: string): string {
	try {
		return readFileSync(path, 'latin1').trim();
	} catch (error) {
		if (errnoOf(error) === null) throw error;
		return otherwise;
	}
}
