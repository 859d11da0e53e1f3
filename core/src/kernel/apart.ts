import { fork } from 'node:child_process';
import { once } from 'node:events';

/**
 * Asks a program of ours one thing, in a Node of its own: some settings are made when a Node starts.
 *
 * @param settings Node's own, `--…`
 * @param question what JSON can hold, as the answer
 * @throws Error where it ends, or cannot begin, without an answer
 */
export async function askApart(program: string, settings: readonly string[], question: object): Promise<unknown> {
	const asked = fork(program, { execArgv: [...settings], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
	try {
		// Where it could not begin, its end says so.
		asked.send(question, () => undefined);
		const ended = once(asked, 'exit').then(([code]) => Promise.reject(new Error(`${program} ended with ${code}`)));
		const [answer] = await Promise.race([once(asked, 'message'), ended]);
		return answer;
	} finally {
		asked.kill();
	}
}
