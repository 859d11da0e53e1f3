/** What the script in a run's folder is called by which batch jobs start workers. */
export const jobScriptName = 'worker.sh';

/**
 * The script by which a batch job starts a worker of the run in whose folder it lies: `sh worker.sh JOB [NAME=VALUE]… COMMAND [ARGUMENT]…`,
 * with the job's name in the run.
 * It needs no more of the job's environment than that; on a host that has not this Cellar the worker is started as it is.
 *
 * @param cellar the words that start Cellar: files, by their full paths
 */
export function jobScript(cellar: readonly string[]): string {
	return `#!/bin/sh
# Starts a worker of this run under audit, and becomes it: sh worker.sh JOB [NAME=VALUE]... COMMAND [ARGUMENT]...
# Where this host has not what that takes, the worker is started as it is.
cellar_job=$1
shift
while :; do
	case $1 in [A-Za-z_]*=*) ;; *) break ;; esac
	case \${1%%=*} in *[!A-Za-z0-9_]*) break ;; esac
	export "$1"
	shift
done
for cellar_file in ${cellar.map(quoted).join(' ')}; do
	[ -r "$cellar_file" ] || exec "$@"
done
exec ${cellar.map(quoted).join(' ')} worker --run "\${0%/*}" --job "$cellar_job" --or-unaudited -- "$@"
`;
}

/** A word as a shell takes it for itself. */
export function quoted(word: string): string {
	return `'${word.replaceAll("'", `'\\''`)}'`;
}
