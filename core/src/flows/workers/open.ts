import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findRun } from '../../store/index.ts';

/**
 * The run that a word means, with all that its workers have reported by now.
 *
 * @throws CellarError as `findRun` and whatever reads a run
 */
export async function openRun(home: string, word: string): Promise<{ readonly id: string; readonly directory: string }> {
	const found = await findRun(home, word);
	// Loaded only then: hardly any run has workers that report late.
	if (existsSync(join(found.directory, 'workers'))) await (await import('../mend.ts')).addReports(home, found.directory);
	return found;
}
