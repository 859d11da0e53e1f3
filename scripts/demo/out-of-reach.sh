#!/bin/sh
# Runs `cellar repeat` where nothing of the first run can be reached: in a mount namespace of its own, with an empty folder
# over everything that the first run used. Nothing on the machine is moved, and nothing has to be put back.
#
#   out-of-reach.sh STAGE CLONE NODE USER_ID HIDDEN… -- ARGUMENTS OF CELLAR
#
# STAGE is an empty folder that any user can reach; the built project and the program node are shown there. With USER_ID 0 the words after
# `--` run as the user who called (who is root only in this namespace), otherwise as that user.
set -eu
stage=$1 clone=$2 node=$3 user=$4
shift 4

mount --make-rprivate /
mkdir -p "$stage/clone" "$stage/home"
touch "$stage/node"
mount --bind "$clone" "$stage/clone"
mount --bind "$node" "$stage/node"
mount --bind "$clone/.cache/demo" "$stage/home"
# What the first run made and read lies in the clone too: its environment, its examples with their data, its run.
mount -t tmpfs -o mode=755 tmpfs "$stage/clone/.cache"
mount -t tmpfs -o mode=755 tmpfs "$stage/clone/examples"

while [ "$1" != -- ]; do
	if [ -d "$1" ]; then
		mount -t tmpfs -o mode=755 tmpfs "$1"
	elif [ -e "$1" ]; then
		mount --bind /dev/null "$1"
	fi
	# What cannot be reached is said after a look, never by having asked for it.
	if [ -d "$1" ] && [ -z "$(ls -A "$1")" ]; then
		echo "  out of reach: $1"
	elif [ -e "$1" ] && [ ! -s "$1" ]; then
		echo "  out of reach: $1"
	else
		echo "  still in reach: $1" >&2
		exit 1
	fi
	shift
done
shift

export CELLAR_HOME="$stage/home"
cd "$stage"
if [ "$user" = 0 ]; then
	exec "$stage/node" "$stage/clone/cli/bin/cellar.js" "$@"
fi
exec setpriv --reuid "$user" --regid "$user" --clear-groups env HOME="$stage/home" USER=nobody \
	"$stage/node" "$stage/clone/cli/bin/cellar.js" "$@"
