import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { withAgentInPython } from './agent.ts';

/** A worker's command as it is started. */
export interface WorkerCommand {
	readonly argv: readonly string[];
	/** Whether the agent is in it: otherwise its tasks are not marked. */
	readonly hasAgent: boolean;
}

/**
 * The command of a worker with the agent in it, where Python runs it: as a module, as code, as a script, or as a program that is a
 * script of Python's, such as `dask`. Any other program is started as it is.
 *
 * @param program the file that the first word of `argv` was found to be
 */
export function workerCommand(argv: readonly string[], program: string, nonce: string, cwd: string): WorkerCommand {
	const interpreter = interpreterOf(program);
	const python = interpreter === null ? argv : [...interpreter, program, ...argv.slice(1)];
	const marked = runsFile(python, cwd) ? withAgentInPython(python, nonce) : null;
	return { argv: marked ?? argv, hasAgent: marked !== null };
}

/** Of a folder or an archive Python runs what is in it, in a way of its own. */
function runsFile(argv: readonly string[], cwd: string): boolean {
	const script = argv.slice(1).find((word) => !word.startsWith('-'));
	if (script === undefined || argv.includes('-m') || argv.includes('-c')) return true;
	const state = statSync(resolve(cwd, script), { throwIfNoEntry: false });
	return state?.isFile() !== true || !headOf(resolve(cwd, script)).startsWith('PK');
}

/** The interpreter that a script names in its first line, with its options; null where that is not Python. */
function interpreterOf(program: string): string[] | null {
	const head = headOf(program);
	const [first = '', second = ''] = head.split('\n', 2);
	// So pip writes it where the path is too long for the kernel, or has blanks.
	const long = /^#!\/bin\/sh\s*$/.test(first) ? /^'''exec' ("[^"]+"|\S+) "\$0" "\$@"/.exec(second)?.[1] : undefined;
	if (long !== undefined) return [long.replace(/^"|"$/g, '')];
	const words = /^#!\s*(\S+)(?:[ \t]+(\S.*?))?\s*$/.exec(first);
	if (words === null) return null;
	const [, interpreter = '', option] = words;
	const found =
		basename(interpreter) === 'env'
			? option?.replace(/^-S\s*/, '').split(/\s+/)
			: option === undefined
				? [interpreter]
				: [interpreter, option];
	return found !== undefined && /^python[\d.]*$/.test(basename(found[0] ?? '')) ? found : null;
}

/** The first bytes of a file as text; nothing where it cannot be read. */
function headOf(path: string): string {
	const bytes = Buffer.alloc(1024);
	try {
		const file = openSync(path, 'r');
		try {
			return bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, 0));
		} finally {
			closeSync(file);
		}
	} catch {
		// Gone, or only to be executed: then it is no script that anybody could read.
		return '';
	}
}
