#!/bin/sh
# Started by strace, in the place of the program. Forks the marker process, then becomes the program, under the same pid.
#
#   launch.sh NONCE LOOK program SHELL FOREIGN /usr/bin/env [OPTION]... -- [NAME=VALUE]... COMMAND [ARGUMENT]...
#   launch.sh NONCE LOOK program SHELL FOREIGN COMMAND [ARGUMENT]...
#   launch.sh NONCE LOOK marker
#
# LOOK     `access`, or `open` for busybox, whose test is content with stat, which is not always traced
# SHELL    what runs this script, for the marker process
# FOREIGN  the pid of whoever traces Cellar itself, 0 for nobody: being traced by that one is not being traced by strace
# env      undoes what a shell does to the environment
#
# File descriptor 3 brings marks, a path a line; 4 takes an answer for each. Any POSIX shell will do.

nonce=$1 look=$2 role=$3
shift 3

# A mark is a look at a path that cannot exist: strace logs it between the calls that it parts.
look_at() {
	if [ "$look" = open ]; then
		{ true <"$1"; } 2>/dev/null || :
	else
		[ -r "$1" ] || :
	fi
}

mark() {
	look_at "/.cellar/$nonce/$1"
}

# Sets pid, parent and tracer by a status file of /proc; tracer is 0 where the process is gone.
read_status() {
	pid=0 parent=0 tracer=0
	while read -r key value; do
		case $key in
		Pid:) pid=$value ;;
		PPid:) parent=$value ;;
		TracerPid:)
			tracer=$value
			break
			;;
		esac
	done 2>/dev/null <"$1"
}

# Sets left to the processes that our own strace still traces, but for this one and its children.
lineage() {
	left=
	for status in /proc/[0-9]*/status; do
		read_status "$status"
		if [ "$tracer" = "$own" ] && [ "$pid" != $$ ] && [ "$parent" != $$ ]; then left="$left $pid"; fi
	done
}

pause() {
	sleep "$1" 2>/dev/null || sleep 1
}

if [ "$role" = program ]; then
	mark begin/group/launcher
	shell=$1 foreign=$2
	shift 2
	read_status /proc/$$/status
	# strace lets the program run untraced where ptrace is refused: better not at all.
	if [ "$tracer" = 0 ] || [ "$tracer" = "$foreign" ]; then
		echo untraced >&4
		exit 125
	fi
	# Forked twice, so that it is nobody's child; in a session of its own, so that no signal to a group reaches it.
	if command -v setsid >/dev/null 2>&1; then
		(setsid "$shell" "$0" "$nonce" "$look" marker </dev/null >/dev/null 2>&1 &)
	else
		("$shell" "$0" "$nonce" "$look" marker </dev/null >/dev/null 2>&1 &)
	fi
	exec 3<&- 4>&-
	# The number says how many programs this process becomes before the one that was asked for.
	before=0
	[ "$1" = /usr/bin/env ] && before=1
	mark end/group/launcher/$before
	exec "$@"
fi

trap '' HUP INT QUIT TERM PIPE
PATH=/usr/local/bin:/usr/bin:/bin:$PATH
mark begin/group/marker
read_status /proc/$$/status
own=$tracer
echo "$$ $own" >&4
while read -r path <&3; do
	look_at "$path"
	echo >&4
done

# Cellar has closed its end, or is no more: what the run has started ends now, this process last. strace itself is never
# ended: under seccomp all that it traces would die at once.
[ "$own" = 0 ] && exit
lineage
[ -z "$left" ] && exit
# shellcheck disable=SC2086  # one argument a process
kill -s TERM $left 2>/dev/null
for seconds in 0.1 0.2 0.3 0.4 1; do
	pause $seconds
	lineage
	[ -z "$left" ] && exit
done
for seconds in 0.1 0.1 0.2 0.3 0.5 0.5 1; do
	# shellcheck disable=SC2086
	kill -s KILL $left 2>/dev/null
	pause $seconds
	lineage
	[ -z "$left" ] && exit
done
