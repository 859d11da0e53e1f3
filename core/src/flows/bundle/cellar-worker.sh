#!/bin/sh
# cellar-worker [--run DIR] [--out FOLDER] -- COMMAND [ARGUMENT]...
# `cellar worker` with all that it needs, made by `cellar worker bundle`: this folder may lie anywhere. It sets no variable for COMMAND.
# cellar-worker --starts VERSION: only whether it starts on this machine, and is of that version of Cellar; says what is wrong where not.

@HERE@

cellar_fail() {
	printf 'cellar-worker: %s\n  to do  %s\n' "$1" "$2" >&2
	exit 4
}

case $cellar_here in
*[:\;\$]*) cellar_fail "the dynamic loader cannot look for libraries in $cellar_here" 'put the folder where no name has a colon, a semicolon or a dollar sign' ;;
esac
cellar_machine=$(uname -sm 2>/dev/null) || cellar_machine='@MACHINE@'
[ "$cellar_machine" = '@MACHINE@' ] ||
	cellar_fail "this bundle is for @MACHINE@, and this machine is $cellar_machine" 'make one on a machine of that kind'
[ -x "$cellar_here/@FIRST@" ] ||
	cellar_fail "$cellar_here/@FIRST@ is not there or may not be executed" 'copy the folder whole, with its modes (tar, cp -a), to a file system without noexec'

if [ "$1" = --starts ]; then
	[ "$2" = '@VERSION@' ] || cellar_fail "this bundle is of Cellar @VERSION@, and the run of Cellar $2" "remove $cellar_here and make it anew: cellar worker bundle"
	(unset LD_PRELOAD LD_AUDIT && @NODE@ --version) >/dev/null 2>&1 || cellar_fail "the Node of $cellar_here does not start on this machine" 'make a bundle on one of its kind'
	exit 0
fi

# What is loaded into every program was made for this machine's libraries, and is for COMMAND alone.
if [ -n "${LD_PRELOAD+set}" ]; then
	CELLAR_LD_PRELOAD=$LD_PRELOAD
	export CELLAR_LD_PRELOAD
	unset LD_PRELOAD
fi
if [ -n "${LD_AUDIT+set}" ]; then
	CELLAR_LD_AUDIT=$LD_AUDIT
	export CELLAR_LD_AUDIT
	unset LD_AUDIT
fi
exec @NODE@ "$cellar_here/@MAIN@" worker start "$@"
