/** What the script in a run's folder is called by which batch jobs start workers. */
export const jobScriptName = 'worker.sh';
/** Below a run's folder: of each job whose worker could not be audited where it ran, a file by the job's name, with the host's. */
export const unauditedFolder = 'unaudited';

/** By what a run's batch jobs start its workers. */
export interface JobMeans {
	/** The words that start Cellar: a program that tells its `--version`, and files, by their full paths. */
	readonly cellar: readonly string[];
	/** Of that Cellar; a bundle of another is not taken. */
	readonly version: string;
	/** Folders in which a bundle may lie, for hosts that have not that Cellar, its Node or strace. */
	readonly bundles: readonly string[];
}

/**
 * The script by which a batch job starts a worker of the run in whose folder it lies: `sh worker.sh JOB [NAME=VALUE]… COMMAND [ARGUMENT]…`,
 * with the job's name in the run.
 * It needs no more of the job's environment than that; on a host that has neither this Cellar nor a bundle the worker is started as it is.
 */
export function jobScript({ cellar, version, bundles }: JobMeans): string {
	const words = cellar.map(quoted).join(' ');
	const options = `--run "$cellar_run" --job "$cellar_job" --or-unaudited -- "$@"`;
	return `#!/bin/sh
# Starts a worker of this run under audit, and becomes it: sh worker.sh JOB [NAME=VALUE]... COMMAND [ARGUMENT]...
# By the Cellar that made the run, or by a bundle of it (cellar worker bundle) where this host has not that, its Node or strace; where
# there is none either, the worker is started as it is.
cellar_run=\${0%/*} cellar_job=$1
shift
while :; do
	case $1 in [A-Za-z_]*=*) ;; *) break ;; esac
	case \${1%%=*} in *[!A-Za-z0-9_]*) break ;; esac
	export "$1"
	shift
done

cellar_starts=yes
for cellar_file in ${words}; do
	[ -r "$cellar_file" ] || cellar_starts=
done
[ -z "$cellar_starts" ] || ${quoted(cellar[0] ?? '')} --version >/dev/null 2>&1 || cellar_starts=
if [ -n "$cellar_starts" ] && (PATH=$PATH:/usr/local/bin:/usr/bin:/bin && command -v strace) >/dev/null 2>&1; then
	exec ${words} worker ${options}
fi
for cellar_bundle in ${bundles.map(quoted).join(' ')}; do
	[ -r "$cellar_bundle/cellar-worker" ] && sh "$cellar_bundle/cellar-worker" --starts ${quoted(version)} || continue
	exec sh "$cellar_bundle/cellar-worker" ${options}
done
# Without strace it says itself, in the run, why the worker is not audited.
[ -z "$cellar_starts" ] || exec ${words} worker ${options}

echo 'cellar: this worker is not audited: this host has neither Cellar and its Node at their places, nor a bundle that starts here' >&2
read -r cellar_host </proc/sys/kernel/hostname
{ mkdir -p "$cellar_run/${unauditedFolder}" && echo "$cellar_host" >"$cellar_run/${unauditedFolder}/$cellar_job"; } 2>/dev/null
exec "$@"
`;
}

/** A word as a shell takes it for itself. */
export function quoted(word: string): string {
	return `'${word.replaceAll("'", `'\\''`)}'`;
}
