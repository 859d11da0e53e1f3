import { setTimeout as wait } from 'node:timers/promises';
import type { StartedProcess } from '../../core/src/model/index.ts';

/** Waits until a program has printed a word; fails with what it said where it ends before. */
export async function untilSaid(program: Pick<StartedProcess, 'ended' | 'lastWords'>, word: string): Promise<void> {
	const life = { over: false };
	void program.ended.then(() => (life.over = true));
	while (!program.lastWords().includes(word)) {
		if (life.over) throw new Error(`it ended without "${word}": ${program.lastWords()}`);
		await wait(10);
	}
}
