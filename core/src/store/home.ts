import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/**
 * Where runs and blobs are kept: `$CELLAR_HOME`, or `cellar` in `$XDG_DATA_HOME`, by default `~/.local/share`.
 *
 * @see https://specifications.freedesktop.org/basedir-spec/latest/ (a relative `XDG_DATA_HOME` is to be ignored)
 */
export function cellarHome(env: NodeJS.ProcessEnv): string {
	const own = env['CELLAR_HOME'];
	if (own) return resolve(own);
	const data = env['XDG_DATA_HOME'];
	if (data && isAbsolute(data)) return join(data, 'cellar');
	return join(env['HOME'] || ownHome(), '.local', 'share', 'cellar');
}

/** On a cluster's node, or in a container, the system may know nobody of our number. */
function ownHome(): string {
	try {
		return homedir();
	} catch {
		return '/';
	}
}

export function runsFolder(home: string): string {
	return join(home, 'runs');
}

export function blobsFolder(home: string): string {
	return join(home, 'blobs');
}

/** Where the jobs of every run look for a bundle. */
export function bundleFolder(home: string): string {
	return join(home, 'bundle');
}

/** The files of a run folder that are not tables (docs/run-format.md). */
export const names = { run: 'run.json', journal: 'journal.jsonl', lock: 'lock', logs: 'logs' } as const;
