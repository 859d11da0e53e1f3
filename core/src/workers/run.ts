import { spawn } from 'node:child_process';
import { accessSync } from 'node:fs';
import { markPath } from '../model/index.ts';

/**
 * Runs a command where we are traced ourselves, and it will be too. Our own part in it is marked as Cellar's.
 *
 * @param o.onSignal hands signals that reach us to `take`, until the answer is called
 */
export async function runCommand(o: {
	readonly argv: readonly string[];
	readonly cwd: string;
	readonly env: Readonly<NodeJS.ProcessEnv>;
	readonly nonce: string;
	readonly outputToStderr: boolean;
	readonly onSignal: (take: (signal: NodeJS.Signals) => void) => () => void;
}): Promise<{ readonly exitCode: number | null; readonly signal: string | null }> {
	try {
		accessSync(markPath(o.nonce, { verb: 'begin', kind: 'group', id: 'cellar', attempt: null, name: null }));
	} catch {
		// It stands in the log now, which is all that it is for.
	}
	const [program = '', ...words] = o.argv;
	const child = spawn(program, words, {
		cwd: o.cwd,
		env: o.env,
		stdio: ['inherit', o.outputToStderr ? 2 : 'inherit', 'inherit'],
	});
	const release = o.onSignal((signal) => void child.kill(signal));
	try {
		return await new Promise((done, failed) => {
			child.once('exit', (exitCode, signal) => done({ exitCode, signal }));
			child.once('error', failed);
		});
	} finally {
		release();
	}
}
