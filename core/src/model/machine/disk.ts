import { CellarError, type ErrorDetails } from '../error.ts';

/**
 * The error for a failed call on the file system: a full disk and a missing right get their codes, all else stays itself.
 *
 * @param doing what was being done, to follow `could not`: `write the run's journal`
 * @param details a `hint` that says what is kept, where that is known
 */
export function diskError(cause: unknown, doing: string, details: Omit<ErrorDetails, 'cause'> = {}): Error {
	const failed = cause instanceof Error ? cause : new Error(String(cause));
	const known = byErrno.get(errnoOf(cause) ?? '');
	if (known === undefined || cause instanceof CellarError) return failed;
	return new CellarError(known.code, `could not ${doing}: ${known.why}`, { hint: known.hint, ...details, cause });
}

/** The errno of a failed system call, `ENOENT` for one; null for any other error. */
export function errnoOf(cause: unknown): string | null {
	return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : null;
}

const full = { code: 'CELLAR_DISK_FULL', hint: 'make room on this disk, or set CELLAR_HOME to a folder on another one' } as const;
const right = { code: 'CELLAR_NO_PERMISSION', hint: 'check who owns the folder and what its mode allows' } as const;

const byErrno: ReadonlyMap<
	string,
	{ readonly code: 'CELLAR_DISK_FULL' | 'CELLAR_NO_PERMISSION'; readonly hint: string; readonly why: string }
> = new Map([
	['ENOSPC', { ...full, why: 'the disk is full' }],
	['EDQUOT', { ...full, why: 'the disk quota is used up' }],
	['EFBIG', { ...full, why: 'the file would be larger than this process or file system may write' }],
	['EACCES', { ...right, why: 'permission is denied' }],
	['EPERM', { ...right, why: 'the operation is not permitted' }],
	['EROFS', { ...right, why: 'the file system is read-only' }],
]);
