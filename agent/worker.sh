#!/bin/sh
# Starts an engine's worker with Cellar's agent in it: worker.sh NONCE COMMAND [ARGUMENT]...
# Python, and a script whose first line names Python, are started by way of launch.py; whatever else as it is.

nonce=$1 launcher=${0%/*}/launch.py
shift

# Without a fork: what this shell does stands in the log of the worker that it becomes.
program=$1
case $1 in
*/*) ;;
*)
	IFS=:
	for folder in $PATH; do
		if [ -f "${folder:-.}/$1" ] && [ -x "${folder:-.}/$1" ]; then
			program=${folder:-.}/$1
			break
		fi
	done
	unset IFS
	;;
esac

case ${program##*/} in
python | python[0-9]*)
	shift
	# Its options come first; of these the last is how a program is told, or the program itself.
	count=$# options=
	while [ "$count" -gt 0 ]; do
		case ${options:+done}$1 in
		-[WX] | --check-hash-based-pycs)
			set -- "$@" "$1" "$2"
			shift 2
			count=$((count - 1))
			;;
		-m* | -c* | done* | [!-]*)
			[ -z "$options" ] && set -- "$@" "$launcher" "$nonce"
			options=done
			set -- "$@" "$1"
			shift
			;;
		*)
			set -- "$@" "$1"
			shift
			;;
		esac
		count=$((count - 1))
	done
	exec "$program" "$@"
	;;
esac

[ -f "$program" ] && IFS= read -r first <"$program"
case $first in
'#!'*python*)
	shift
	# shellcheck disable=SC2086  # the interpreter, and perhaps an option
	exec ${first#'#!'} "$launcher" "$nonce" "$program" "$@"
	;;
'#!/bin/sh')
	# pip writes it so where the interpreter's path is too long for a first line, or has a space.
	{ IFS= read -r first && IFS= read -r second; } <"$program"
	case $second in
	"'''exec' "*python*' "$0" "$@"')
		python=${second#"'''exec' "}
		python=${python%' "$0" "$@"'}
		python=${python#'"'}
		python=${python%'"'}
		shift
		exec "$python" "$launcher" "$nonce" "$program" "$@"
		;;
	esac
	;;
esac
exec "$@"
