import { spawn } from 'node:child_process';
import { accessSync } from 'node:fs';
import { markPath } from '../model/index.ts';

/**
 * Runs a command that we do not trace.
 *
 * @param o.nonce where we are traced ourselves, and it will be too: our own part in it is marked as Cellar's. Null elsewhere
 * @param o.onSignal hands signals that reach us to `take`, until the answer is called
 */
export async function runCommand(o: {
	readonly argv: readonly string[];
	readonly cwd: string;
	readonly env: Readonly<NodeJS.ProcessEnv>;
	readonly nonce: string | null;
	readonly outputToStderr: boolean;
	readonly onSignal: (take: (signal: NodeJS.Signals) => void) => () => void;
}): Promise<{ readonly exitCode: number | null; readonly signal: string | null }> {
	if (o.nonce !== null) markAsCellars(o.nonce);
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

function markAsCellars(nonce: string): void {
	try {
		accessSync(markPath(nonce, { verb: 'begin', kind: 'group', id: 'cellar', attempt: null, name: null }));
	} catch {
		// It stands in the log now, which is all that it is for.
	}
}
