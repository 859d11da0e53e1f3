// Starting programs, for the set-up: quiet when they succeed, with their last words when they fail.
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The clone's folder, without a trailing slash. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** A step that could not be done; its message is written for the person who reads it. `code` is the set-up's exit code. */
export class StepFailed extends Error {
	constructor(message, code = 1) {
		super(message);
		this.code = code;
	}
}

/** Where a program lies on PATH, or null. */
export function onPath(command, path = process.env['PATH'] ?? '') {
	for (const folder of path.split(delimiter).filter(Boolean)) {
		const file = join(folder, command);
		try {
			accessSync(file, constants.X_OK);
			return file;
		} catch {
			continue; // not here, or not for us: the next folder may have it
		}
	}
	return null;
}

/**
 * Runs a program to its end and gives what it printed, standard error included.
 *
 * @param {readonly string[]} argv
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ ok: boolean, output: string }>} ok is false where it could not be started, too
 */
export function attempt([command = '', ...args], options = {}) {
	return new Promise((resolve) => {
		let output = '';
		const child = spawn(command, args, { cwd: root, ...options, stdio: ['ignore', 'pipe', 'pipe'] });
		child.stdout.on('data', (chunk) => (output += chunk));
		child.stderr.on('data', (chunk) => (output += chunk));
		child.on('error', (error) => resolve({ ok: false, output: error.message }));
		child.on('close', (code) => resolve({ ok: code === 0, output }));
	});
}

/**
 * Runs a program that must succeed.
 *
 * @param {readonly string[]} argv
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<string>} what it printed
 * @throws StepFailed with the command and the first and last lines that it printed
 */
export async function must(argv, options) {
	const { ok, output } = await attempt(argv, options);
	if (ok) return output;
	// npm tells the reason first and its usage after it, pip the other way round.
	const lines = output.trim().split('\n');
	const told = lines.length <= 40 ? lines : [...lines.slice(0, 20), '…', ...lines.slice(-20)];
	throw new StepFailed(`this failed: ${argv.join(' ')}\n${told.join('\n')}`);
}
