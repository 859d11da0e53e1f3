/** What the program asks of the file system, the processes that it makes, and whom it talks to. */
const calls = [
	...['open', 'openat', 'openat2', 'creat', 'open_by_handle_at'],
	...['execve', 'execveat', 'clone', 'clone3', 'fork', 'vfork'],
	...['chdir', 'fchdir', 'chroot', 'pivot_root', 'mount', 'move_mount', 'unshare', 'setns'],
	...['rename', 'renameat', 'renameat2', 'link', 'linkat', 'symlink', 'symlinkat', 'unlink', 'unlinkat', 'rmdir'],
	...['mkdir', 'mkdirat', 'mknod', 'mknodat', 'truncate', 'truncate64'],
	...['access', 'faccessat', 'faccessat2', 'connect', 'bind', 'io_uring_setup'],
	// By this the C library asks for the addresses of a name.
	'sendmmsg',
	// A folder is opened to read its names, or to reach what lies below it: only these tell which.
	...['getdents', 'getdents64'],
];

/** Looks at files that are not opened: they double what tracing costs. */
const checks = ['stat', 'lstat', 'stat64', 'lstat64', 'newfstatat', 'fstatat64', 'statx', 'readlink', 'readlinkat'];

/** Signals that end nothing by default. The others must be logged: strace hides the end by a signal that is not. */
const harmless = ['SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH'];

/**
 * The arguments of strace before the program's own.
 *
 * `-D` leaves the program our direct child; `--seccomp-bpf` stops it at the named calls only; `-y` resolves descriptors and
 * the working folder; `-s` is for argv (paths are always whole); `--decode-pids=pidns` gives the pids that the log's lines
 * begin with. Structures stay abbreviated, for with `-v` every `execve` would log its environment, secrets and all.
 *
 * @param log absolute; strace takes one that begins with `|` or `!` for a command
 * @param withChecks the stat family too
 */
export function tracerArguments(log: string, withChecks: boolean): string[] {
	const traced = withChecks ? [...calls, ...checks] : calls;
	return [
		...['-D', '-f', '-ttt', '-y', '-s', '4096', '--decode-pids=pidns', '--seccomp-bpf'],
		...['-e', `signal=!${harmless.join(',')}`, '-e', 'quiet=attach,personality', '-e', 'abbrev=all'],
		// Not every machine has every call: `?` lets strace pass over the names that it does not know.
		...['-e', `trace=${traced.map((call) => `?${call}`).join(',')}`],
		...['-o', log],
	];
}
