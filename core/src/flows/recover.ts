import { isAlive, cellarHome, readJournal, unfinishedRuns } from '../store/index.ts';
import { CellarError, type Listener, type Warning } from '../model/index.ts';
import { leftRunning } from './leftovers.ts';

/**
 * What every command does first: makes whole the runs that Cellar did not end, and names what they have left running.
 * A run that cannot be made whole is named and left as it is.
 */
export async function recoverRuns(env: NodeJS.ProcessEnv, listen: Listener = silent): Promise<readonly Warning[]> {
	return recoverIn(cellarHome(env), listen);
}

/** The same, of a home. */
export async function recoverIn(home: string, listen: Listener = silent): Promise<readonly Warning[]> {
	const warnings: Warning[] = [];
	for (const { id, directory } of await unfinishedRuns(home)) {
		try {
			if (await isAlive(directory)) continue;
			const left = await leftRunning(id, await readJournal(directory));
			// Loaded only now: hardly any command has something to mend.
			if (left.length === 0) await (await import('./mend.ts')).makeWhole(home, directory, listen);
			for (const one of left) {
				warnings.push({
					code: 'CELLAR_LEFT_RUNNING',
					message: `run ${one.run} died and left ${one.command} (process ${one.pid}) running; cellar runs prune ends it`,
				});
			}
		} catch (error) {
			// `cellar runs` tells of a folder that cannot be read at all; every other command would say it again and again.
			if (error instanceof CellarError && (error.code === 'CELLAR_RUN_UNREADABLE' || error.code === 'CELLAR_RUN_TOO_NEW'))
				continue;
			const why = error instanceof Error ? error.message : String(error);
			warnings.push({ code: 'CELLAR_NOT_WHOLE', message: `run ${id} was cut short and cannot be made whole: ${why}` });
		}
	}
	return warnings;
}

const silent: Listener = () => undefined;
