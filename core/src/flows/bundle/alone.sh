#!/bin/sh
# cellar-worker [--out FOLDER] -- COMMAND [ARGUMENT]...
# Starts COMMAND under this machine's strace, for one run, and leaves its log: whoever has Cellar reads it. Made by `cellar worker bundle --without-node`.
# Its variables have names that nobody exports: those that are exported would be changed for COMMAND.

@HERE@

cellar_fail() {
	printf 'cellar-worker: %s\n  to do  %s\n' "$2" "$3" >&2
	exit "$1"
}

cellar_out=
while :; do
	case $1 in
	--out)
		cellar_out=$2
		shift
		;;
	--out=*) cellar_out=${1#--out=} ;;
	--)
		shift
		break
		;;
	*) break ;;
	esac
	shift
done
case $1 in
'' | -*) cellar_fail 2 'there is no command to start' 'cellar-worker [--out FOLDER] -- COMMAND [ARGUMENT]...' ;;
esac

# Where somebody traces this already, what is used is told there, and the worker only gets the agent.
while read -r cellar_key cellar_value; do
	[ "$cellar_key" = TracerPid: ] && break
done </proc/self/status
[ "$cellar_value" = 0 ] || exec "$cellar_here/agent/worker.sh" @NONCE@ "$@"

cellar_strace=$(command -v strace) || cellar_fail 4 'strace is not on PATH' 'install strace 5.11 or later, or take a bundle that was made without --without-node'
cellar_program=$(command -v -- "$1") || cellar_fail 2 "there is no program $1" 'give its path'
cellar_directory=@DIRECTORY@
if [ -z "$cellar_out" ] && [ -w "$cellar_directory/journal.jsonl" ] && grep -q '"nonce":"@NONCE@"' "$cellar_directory/journal.jsonl"; then
	cellar_out=$cellar_directory
else
	cellar_out=${cellar_out:-cellar-report-@RUN@}
	(umask 077 && mkdir -p -- "$cellar_out") || exit 4
	cellar_out=$(CDPATH='' cd -- "$cellar_out" && pwd -P) || exit 4
	if [ ! -e "$cellar_out/report.json" ]; then
		cp "$cellar_here/report.json" "$cellar_out/.report.$$" && mv "$cellar_out/.report.$$" "$cellar_out/report.json" || exit 4
	fi
	grep -q '"nonce": "@NONCE@"' "$cellar_out/report.json" || cellar_fail 2 "$cellar_out holds reports of another run" 'name another by --out'
fi

read -r cellar_host </proc/sys/kernel/hostname
read -r cellar_boot </proc/sys/kernel/random/boot_id
cellar_name=$(printf %s "$cellar_host" | tr -c 'A-Za-z0-9_-' - | cut -c1-40)-$$-$(od -An -N4 -tx1 /dev/urandom | tr -d ' \n')
cellar_folder=$cellar_out/workers/.$cellar_name.new
(umask 077 && mkdir -p "$cellar_out/workers" "$cellar_out/logs" && mkdir "$cellar_folder" && : >"$cellar_out/logs/$cellar_name.strace") || exit 4

cellar_text() {
	printf %s "$1" | tr -d '\000-\037' | sed 's/[\\"]/\\&/g'
}

# Of the words only those are looked at that say which engine's worker it is: others may be secret.
case " $* " in
*vine_worker*) cellar_engine=taskvine ;;
*[\ /]dask\ worker\ * | *dask-worker\ * | *.dask_worker\ *) cellar_engine=dask ;;
*) cellar_engine=worker ;;
esac
cellar_forks=false
case ${cellar_program##*/} in
python* | pypy*) cellar_forks=true ;;
*) head -c 256 "$cellar_program" 2>/dev/null | head -n 1 | grep -aEq '^#!.*(python|pypy)' && cellar_forks=true ;;
esac
cat >"$cellar_folder/worker.json" <<END || exit 4
{"format":1,"log":"$cellar_name","host":"$(cellar_text "$cellar_host")","bootId":"$cellar_boot","pid":$$,"engine":"$cellar_engine",
"argv":["$(cellar_text "$1")"],"cwd":"$(cellar_text "$PWD")","agent":"$(cellar_text "$cellar_here/agent")","findWorkers":$cellar_forks,
"started":"$(date -u +%Y-%m-%dT%H:%M:%S.000Z)","ended":null,"exitCode":null,"signal":null,"cellar":"@VERSION@"}
END

. "$cellar_here/lock.sh"
cellar_lock "$cellar_folder" $$ || exit 4

# Beside the worker, and nobody's child: shows that it lives, and says when it has ended.
(/bin/sh "$cellar_here/beside.sh" "$cellar_folder" $$ </dev/null >/dev/null 2>&1 &)
# -D: the worker stays this process, so that signals and its exit code are its own.
exec "$cellar_strace" @OPTIONS@ -o "$cellar_out/logs/$cellar_name.strace" -- /bin/sh "$cellar_here/traced.sh" "$cellar_folder" "$@"
