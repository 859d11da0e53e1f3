import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';

/** What a Python interpreter says of itself. */
export interface Interpreter {
	/** `sys.executable`: behind a shim the interpreter itself, in a venv the venv's own. */
	readonly executable: string;
	readonly prefix: string;
	/** In a venv the prefix of the Python below it; otherwise `prefix`. */
	readonly basePrefix: string;
	/** `3.12.1` */
	readonly version: string;
	/** Where `pip install --user` puts things; null where that is off. */
	readonly userBase: string | null;
	/** The folder of the ipykernel that it would import; null where there is none. */
	readonly ipykernel: string | null;
	readonly pip: boolean;
	/** The system's package manager owns it (PEP 668): pip refuses to install into it. */
	readonly managed: boolean;
}

const answer = v.object({
	executable: v.pipe(v.string(), v.nonEmpty()),
	prefix: v.string(),
	basePrefix: v.string(),
	version: v.string(),
	userBase: v.nullable(v.string()),
	ipykernel: v.nullable(v.string()),
	pip: v.boolean(),
	managed: v.boolean(),
});

// Looks for modules without importing them, and not in the working folder, which `-c` puts first.
const question = `
import json, os, site, sys, sysconfig
from importlib.util import find_spec
sys.path[:] = [p for p in sys.path if p]
def find(name):
    try: return find_spec(name)
    except Exception: return None
kernel = find('ipykernel')
folders = list(kernel.submodule_search_locations or []) if kernel else []
print(json.dumps(dict(
    executable=sys.executable, prefix=sys.prefix, basePrefix=sys.base_prefix, version='%d.%d.%d' % sys.version_info[:3],
    userBase=site.getuserbase() if site.ENABLE_USER_SITE else None,
    ipykernel=folders[0] if folders and find('ipykernel_launcher') else None, pip=find('pip') is not None,
    managed=sys.prefix == sys.base_prefix and os.path.exists(os.path.join(sysconfig.get_path('stdlib'), 'EXTERNALLY-MANAGED')))))
`;

const run = promisify(execFile);

/**
 * Asks a Python what and where it is.
 *
 * @param path the interpreter, a word on PATH, or the folder of a virtual environment
 * @returns the reason as text where it is no Python 3 that answers
 */
export async function askInterpreter(path: string, env: Readonly<NodeJS.ProcessEnv>): Promise<Interpreter | string> {
	const program = await programOf(path, env);
	if (program === null) return `there is no program ${path}`;
	try {
		const { stdout } = await run(program, ['-c', question], { env: { ...env }, timeout: 60_000, killSignal: 'SIGKILL' });
		return v.parse(answer, JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
	} catch (error) {
		const stderr = error instanceof Error && 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim() : '';
		return `${path} does not answer as a Python 3 does${stderr === '' ? '' : `: ${stderr.split('\n').at(-1)}`}`;
	}
}

async function programOf(path: string, env: Readonly<NodeJS.ProcessEnv>): Promise<string | null> {
	if (!path.includes('/')) return onPath(path, env);
	const whole = resolve(path);
	const isFolder = await stat(whole).then(
		(found) => found.isDirectory(),
		() => false,
	);
	return runnable(isFolder ? join(whole, 'bin', 'python') : whole);
}

/** The first program of this name on PATH, absolute. */
export async function onPath(name: string, env: Readonly<NodeJS.ProcessEnv>): Promise<string | null> {
	for (const folder of (env['PATH'] ?? '').split(delimiter)) {
		const found = folder === '' ? null : await runnable(resolve(folder, name));
		if (found !== null) return found;
	}
	return null;
}

/** The path, where it is a file that may be run; otherwise null. */
export async function runnable(path: string): Promise<string | null> {
	try {
		await access(path, constants.X_OK);
		return (await stat(path)).isFile() ? path : null;
	} catch {
		// Absent or not ours to run: for whoever asks these are the same.
		return null;
	}
}
