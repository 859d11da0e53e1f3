#!/bin/sh
# Runs inside `unshare -Urm`, in a folder that holds: lower (a link to the root), upper, work, merged, args, status.
# The names are fixed and relative, so that no character of the root's own path reaches the options of mount.
#
#   overlay.sh FOLDER try                            mounts and ends: 0 where overlays are allowed
#   overlay.sh FOLDER view                           one escaped path a line on stdin; 1 or 0 for whether the merged tree has it
#   overlay.sh FOLDER overlay PARENT BWRAP ARGV...   runs ARGV on the overlay, for as long as PARENT lives
#   overlay.sh FOLDER copy PARENT BWRAP ARGV...      runs ARGV on merged as it is: a copy of the root
#   overlay.sh FOLDER beside PARENT BWRAP ARGV...    the same on the merged of another folder, when something is written to `go`
set -eu
cd -- "$1"
mode=$2
shift 2

case $mode in
try | overlay) mount -t overlay overlay -o userxattr,lowerdir=lower,upperdir=upper,workdir=work merged ;;
view) mount -t overlay overlay -o ro,userxattr,lowerdir=upper:lower merged ;;
esac

case $mode in
view)
	while IFS= read -r line; do
		# The dot keeps a newline at the end of a name.
		path=$(printf '%b.' "$line")
		path=merged/${path%.}
		if [ -e "$path" ] || [ -L "$path" ]; then echo 1; else echo 0; fi
	done
	;;
overlay | copy | beside)
	parent=$1 bwrap=$2
	shift 2
	# From its start on bubblewrap ends with its parent; until then nobody would end it. 0: the parent is not known.
	if [ "$parent" != 0 ] && [ "$parent" != "$PPID" ]; then exit 1; fi
	# The environment travels in a file that only its owner can read, never on a command line.
	exec 8>status 9<args
	rm -f args
	set -- -- "$@"
	if [ "$mode" = beside ]; then
		mkfifo -m 600 go
		exec 7<>go
		set -- --block-fd 7 "$@"
	fi
	exec "$bwrap" --args 9 --json-status-fd 8 "$@"
	;;
esac
