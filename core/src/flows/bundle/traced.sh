#!/bin/sh
# traced.sh FOLDER COMMAND [ARGUMENT]...: what strace starts in the place of a worker. Says who traces it, and becomes the worker.

# A mark, as launch.sh makes them: what stands between the two is not the worker's.
cellar_mark() {
	{ true <"/.cellar/@NONCE@/$1"; } 2>/dev/null || :
}

cellar_mark begin/group/launcher
cellar_folder=$1
shift
while read -r cellar_key cellar_value; do
	[ "$cellar_key" = TracerPid: ] && break
done <"/proc/$$/status"
if [ "$cellar_value" = 0 ]; then
	printf 'cellar-worker: strace may not trace here\n' >&2
	rm -rf "$cellar_folder"
	exit 4
fi
. "${0%/*}/lock.sh"
cellar_lock "$cellar_folder" "$cellar_value"
cellar_mark end/group/launcher/1
exec "${0%/*}/agent/worker.sh" @NONCE@ "$@"
