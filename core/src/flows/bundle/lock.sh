# cellar_lock FOLDER PID: says which process a worker's folder belongs to, as Cellar's own locks do.

cellar_lock() {
	read -r cellar_line <"/proc/$2/stat"
	read -r cellar_host </proc/sys/kernel/hostname
	read -r cellar_boot </proc/sys/kernel/random/boot_id
	# The name, in brackets, may hold anything: count from its end. The start time is the twentieth behind it.
	cellar_started=$(
		set -f
		# shellcheck disable=SC2086  # a word a field
		set -- ${cellar_line##*) }
		echo "${20}"
	)
	printf '{"format":1,"pid":%s,"startTime":%s,"bootId":"%s","host":"%s","pidNamespace":"%s"}\n' "$2" "$cellar_started" \
		"$cellar_boot" "$(printf %s "$cellar_host" | sed 's/[\\"]/\\&/g')" "$(readlink /proc/self/ns/pid)" >"$1/lock.new"
	mv "$1/lock.new" "$1/lock"
}
