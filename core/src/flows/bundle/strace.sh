#!/bin/sh
# The strace of this bundle, for cellar-worker; it sets no variable.
cellar_here=$(CDPATH='' cd -- "${0%/*}/.." && pwd -P) || exit 4
exec @STRACE@ "$@"
