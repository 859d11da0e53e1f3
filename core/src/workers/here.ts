import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { connect } from 'node:net';
import type { Surroundings } from './engines/engine.ts';

/** How long a command may take to answer; milliseconds. */
const answerMs = 30_000;

/** What a manager on this machine was started with, and how it is reached. */
export function thisMachine(o: {
	readonly program: string;
	readonly cwd: string;
	readonly env: Readonly<NodeJS.ProcessEnv>;
}): Surroundings {
	return {
		program: o.program,
		canRun(path) {
			try {
				accessSync(path, constants.X_OK);
				return true;
			} catch {
				return false;
			}
		},
		connect: (host, port) => connect({ host, port }),
		said: ([program = '', ...words]) =>
			new Promise((done) => {
				const child = spawn(program, words, { cwd: o.cwd, env: o.env, stdio: ['ignore', 'pipe', 'ignore'], timeout: answerMs });
				let text = '';
				child.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()));
				child.once('error', () => done(''));
				child.once('close', () => done(text.trim()));
			}),
	};
}
