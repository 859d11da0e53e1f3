#!/bin/sh
# Starts an engine's worker with Cellar's agent in it: worker.sh NONCE[:RUN] COMMAND [ARGUMENT]...
# Python, and a script whose first line names Python, are started by way of launch.py; whatever else as it is.
# Its variables have names that nobody exports: those that are exported would be changed for the worker.

cellar_nonce=$1 cellar_launcher=${0%/*}/launch.py
shift

# Without a fork: what this shell does stands in the log of the worker that it becomes.
cellar_program=$1
case $1 in
*/*) ;;
*)
	IFS=:
	for cellar_folder in $PATH; do
		if [ -f "${cellar_folder:-.}/$1" ] && [ -x "${cellar_folder:-.}/$1" ]; then
			cellar_program=${cellar_folder:-.}/$1
			break
		fi
	done
	unset IFS
	;;
esac

# Sets cellar_at to how many of Python's options come before `-m`, `-c` or the script; fails where not all of them are known.
place() {
	cellar_at=0
	while [ $# -gt 0 ]; do
		case $1 in
		-m | -c) [ $# -gt 1 ] && return 0 || return 1 ;;
		-[WX] | --check-hash-based-pycs)
			[ $# -gt 1 ] || return 1
			shift
			cellar_at=$((cellar_at + 1))
			;;
		-[WX]?*) ;;
		'' | -) return 1 ;;
		-*) case ${1#-} in *[!bBdEiIOPqRsSuvx]*) return 1 ;; esac ;;
		*) return 0 ;;
		esac
		shift
		cellar_at=$((cellar_at + 1))
	done
	return 1
}

case ${cellar_program##*/} in
python | python[0-9]*)
	shift
	if place "$@"; then
		cellar_count=$#
		while [ "$cellar_count" -gt 0 ]; do
			[ "$cellar_at" = 0 ] && set -- "$@" "$cellar_launcher" "$cellar_nonce"
			set -- "$@" "$1"
			shift
			cellar_at=$((cellar_at - 1)) cellar_count=$((cellar_count - 1))
		done
	fi
	exec "$cellar_program" "$@"
	;;
esac

[ -f "$cellar_program" ] && IFS= read -r cellar_first <"$cellar_program"
case $cellar_first in
'#!'*python*)
	shift
	# shellcheck disable=SC2086  # the interpreter, and perhaps an option
	exec ${cellar_first#'#!'} "$cellar_launcher" "$cellar_nonce" "$cellar_program" "$@"
	;;
'#!/bin/sh')
	# pip writes it so where the interpreter's path is too long for a first line, or has a space.
	{ IFS= read -r cellar_first && IFS= read -r cellar_second; } <"$cellar_program"
	case $cellar_second in
	"'''exec' "*python*' "$0" "$@"')
		cellar_python=${cellar_second#"'''exec' "}
		cellar_python=${cellar_python%' "$0" "$@"'}
		cellar_python=${cellar_python#'"'}
		cellar_python=${cellar_python%'"'}
		shift
		exec "$cellar_python" "$cellar_launcher" "$cellar_nonce" "$cellar_program" "$@"
		;;
	esac
	;;
esac
exec "$@"
