# The folder in which this script lies, links resolved: it may be anywhere.
cellar_self=$0
while [ -h "$cellar_self" ]; do
	cellar_link=$(readlink "$cellar_self")
	case $cellar_link in
	/*) cellar_self=$cellar_link ;;
	*) cellar_self=${cellar_self%/*}/$cellar_link ;;
	esac
done
case $cellar_self in
*/*) ;;
*) cellar_self=./$cellar_self ;;
esac
cellar_here=$(CDPATH='' cd -- "${cellar_self%/*}" && pwd -P) || exit 4
