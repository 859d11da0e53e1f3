import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import type { StartedProcess } from '../model/index.ts';
import type { Command } from './runner.ts';

const keptBytes = 16_384;

/** The first executable file of that name on PATH, absolute; null where there is none. */
export function findProgram(name: string, env: NodeJS.ProcessEnv): string | null {
	for (const folder of (env['PATH'] ?? '').split(':')) {
		if (!folder.startsWith('/')) continue;
		const path = join(folder, name);
		try {
			accessSync(path, constants.X_OK);
			if (statSync(path).isFile()) return path;
		} catch {
			// Not here, or not ours to run: the next folder may have it.
		}
	}
	return null;
}

/** Starts a command in a session of its own, so that a terminal's Ctrl-C does not end it behind our back; its words are always read. */
export function startProcess(command: Command): StartedProcess {
	const [program = '', ...words] = command.argv;
	const child = spawn(program, words, { cwd: command.cwd, env: command.env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
	let last = Buffer.alloc(0);
	const keep = (chunk: Buffer) => {
		last = Buffer.concat([last, chunk]).subarray(-keptBytes);
	};
	child.stdout.on('data', keep);
	child.stderr.on('data', keep);
	let over = false;
	const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
		const settle = (code: number | null, signal: string | null) => {
			over = true;
			resolve({ code, signal });
		};
		child.on('close', settle);
		child.on('error', (error) => {
			keep(Buffer.from(`${error.message}\n`));
			if (child.pid === undefined) settle(127, null);
		});
	});
	const send = (signal: NodeJS.Signals) => {
		if (!over) child.kill(signal);
	};
	return {
		pid: child.pid ?? 0,
		ended,
		interrupt: () => send('SIGINT'),
		kill: async () => {
			send('SIGKILL');
			await ended;
		},
		lastWords: () => last.toString('utf8'),
	};
}

/** Runs a command to its end and gives what it said; a program that is not there ends with 127. */
export function run(
	argv: readonly string[],
	env: NodeJS.ProcessEnv,
	input = '',
): Promise<{ code: number; stdout: string; stderr: string }> {
	const [program = '', ...words] = argv;
	return new Promise((resolve) => {
		// English messages, since the reasons below are told apart by them.
		const child = spawn(program, words, { env: { ...env, LC_ALL: 'C' }, stdio: ['pipe', 'pipe', 'pipe'] });
		const said = { stdout: '', stderr: '' };
		child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
		child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
		child.on('error', (error) => {
			if (child.pid === undefined) resolve({ code: 127, stdout: '', stderr: error.message });
		});
		child.on('close', (code, signal) => resolve({ code: code ?? (signal === null ? 1 : 128), ...said }));
		// A program that ends without reading closes the pipe: its exit code tells the story, not EPIPE.
		child.stdin.on('error', () => undefined);
		child.stdin.end(input);
	});
}
