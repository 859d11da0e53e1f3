import type { How } from '../../model/index.ts';
import { openFlags, type Failure, type PathWord } from '../log/events.ts';

/** It was looked for and was not there. */
const absent: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR']);

/** Failures that say nothing of the path: the call was interrupted, ill-formed, or some limit was reached. */
const silent: ReadonlySet<string> = new Set([
	...['EINTR', 'ERESTARTSYS', 'ERESTARTNOINTR', 'ERESTARTNOHAND', 'ERESTART_RESTARTBLOCK', 'EAGAIN'],
	...['EMFILE', 'ENFILE', 'ENOMEM', 'ENOSPC', 'EDQUOT', 'E2BIG', 'EIO'],
	...['EFAULT', 'EINVAL', 'EBADF', 'ENOSYS', 'EOPNOTSUPP', 'ENAMETOOLONG', 'errno'],
]);

/** What `open` does to a file, by its flags: the first line that fits. */
const opens: readonly (readonly [needs: number, how: How])[] = [
	[openFlags.path, 'stat'],
	// An unnamed file in a folder: the folder was there, and nothing has a name yet.
	[openFlags.temporary, 'stat'],
	[openFlags.directory, 'list'],
	[openFlags.create | openFlags.exclusive, 'create'],
	[openFlags.truncate, 'truncate'],
	[openFlags.append | openFlags.readWrite, 'append'],
	[openFlags.append | openFlags.write, 'append'],
	[openFlags.readWrite, 'readwrite'],
	[openFlags.write, 'write'],
	[0, 'read'],
];

/** What a successful call on one path does to it. A removal is a change, no access. */
const done: Readonly<Record<PathWord | 'exec', How | null>> = {
	look: 'stat',
	'read link': 'stat',
	'change folder': 'stat',
	'change root': 'stat',
	list: 'list',
	make: 'create',
	truncate: 'truncate',
	remove: null,
	exec: 'execute',
};

/**
 * How `open` used its path. A call that never returned counts as what it asked for: better one access too many than one lost.
 *
 * @returns null where the call says nothing of the path
 */
export function howOfOpen(flags: number, failure: Failure): How | null {
	if (failure !== null && failure !== '?') return howOfFailure(failure);
	return opens.find(([needs]) => (flags & needs) === needs)![1]; // the last line needs nothing
}

/** The same of a call on one path, or of `execve`. */
export function howOfCall(call: PathWord | 'exec', failure: Failure): How | null {
	if (failure === null || failure === '?') return done[call];
	// readlink's way to say that a file is there and is no link.
	if (call === 'read link' && failure === 'EINVAL') return 'stat';
	return howOfFailure(failure);
}

/** `EACCES`, `EPERM`, `EEXIST`, `EISDIR`, `ELOOP`, `ENOEXEC`, …: the path was there, and that is all that was learnt. */
function howOfFailure(failure: string): How | null {
	if (absent.has(failure)) return 'missing';
	return silent.has(failure) ? null : 'stat';
}
