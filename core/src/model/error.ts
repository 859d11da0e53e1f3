/**
 * Every stable error code with the exit code that it ends in (INTERFACE: 2 usage, 4 a tool, a kernel or a right is
 * missing, 5 what was given cannot be read or trusted, 70 our own fault). Scripts rely on these names: none is renamed.
 */
export const errorCodes = {
	CELLAR_USAGE: 2,
	CELLAR_NO_SUCH_RUN: 2,
	CELLAR_AMBIGUOUS_RUN: 2,
	CELLAR_NO_SUCH_CELL: 2,
	CELLAR_NO_SUCH_TASK: 2,
	CELLAR_NO_SUCH_WORKER: 2,
	CELLAR_NO_SUCH_FILE: 2,
	CELLAR_RUN_IN_USE: 2,
	CELLAR_NO_TRACER: 4,
	CELLAR_NO_KERNEL: 4,
	CELLAR_NO_IPYKERNEL: 4,
	CELLAR_KERNEL_DIED: 4,
	CELLAR_NO_SANDBOX: 4,
	CELLAR_NO_INDEX: 4,
	CELLAR_NO_PERMISSION: 4,
	CELLAR_DISK_FULL: 4,
	CELLAR_NO_ADDRESS_SPACE: 4,
	CELLAR_NOT_A_NOTEBOOK: 5,
	CELLAR_NOTEBOOK_TOO_OLD: 5,
	CELLAR_RUN_UNREADABLE: 5,
	CELLAR_RUN_TOO_NEW: 5,
	CELLAR_LOG_UNREADABLE: 5,
	CELLAR_REPORT_UNREADABLE: 5,
	CELLAR_IMAGE_BROKEN: 5,
	CELLAR_IMAGE_HOSTILE: 5,
	CELLAR_IMAGE_TOO_NEW: 5,
	CELLAR_CHANGED_SINCE: 5,
	CELLAR_LOST: 5,
	CELLAR_SECRET_IN_SOURCE: 5,
	CELLAR_RECORD_UNREADABLE: 5,
	CELLAR_RULES_BROKEN: 5,
	CELLAR_MESSAGE_UNSIGNED: 5,
	CELLAR_MESSAGE_BROKEN: 5,
	CELLAR_INTERNAL: 70,
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** What a CellarError carries beside its code and message. */
export interface ErrorDetails {
	/** One thing to do about it, as a sentence or a command line. */
	readonly hint?: string;
	/** Where it happened: `analysis.ipynb cell 7`, a path, a line. */
	readonly where?: string;
	readonly cause?: unknown;
}

/** The only kind of error that a room throws on purpose: what failed, where, why, one thing to do, and a stable code. */
export class CellarError extends Error {
	readonly code: ErrorCode;
	readonly hint: string | null;
	readonly where: string | null;

	constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
		super(message, details.cause === undefined ? undefined : { cause: details.cause });
		this.name = 'CellarError';
		this.code = code;
		this.hint = details.hint ?? null;
		this.where = details.where ?? null;
	}

	/** The exit code of a command that ends in this error. */
	get exitCode(): number {
		return errorCodes[this.code];
	}
}
