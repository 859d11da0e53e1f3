import { existsSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the agent's files lie: of the clone's `agent`, as scripts/assets.mjs copies it. */
export const agentFolder = fileURLToPath(new URL('./agent', import.meta.url));

/** Options of `python` whose value is a word of its own. */
const withValue = new Set(['-W', '-X', '--check-hash-based-pycs']);
/** Those that a program is started by as always, and that may stand in one word: `-sE`. */
const plainOptions = /^-[bBdEiIOPqRsSuvx]+$/;

/**
 * The command of a Python kernel, with the agent in it: `python -X … launch.py NONCE -m ipykernel_launcher …`.
 *
 * @param run the run's folder, in which the script of `jobScript` lies: the workers of batch jobs are started by that; null where it has none
 * @returns null where it is not `python … -m MODULE`: such a kernel runs without, and its workers are told by their birth
 */
export function withAgent(argv: readonly string[], nonce: string, run: string | null = null): readonly string[] | null {
	const at = programAt(argv);
	return at !== null && argv[at] === '-m' ? withLauncher(argv, at, run === null ? nonce : `${nonce}:${run}`) : null;
}

/** The command of Python that runs something, with the agent put before what it runs; null where it is none, or not all its options are known. */
export function withAgentInPython(argv: readonly string[], nonce: string): readonly string[] | null {
	const at = programAt(argv);
	return at === null ? null : withLauncher(argv, at, nonce);
}

function withLauncher(argv: readonly string[], at: number, told: string): readonly string[] {
	return [...argv.slice(0, at), join(agentFolder, 'launch.py'), told, ...argv.slice(at)];
}

/** Which word begins what Python runs: `-m`, `-c` or a script. Null where nothing is run, or not all words before it are known. */
function programAt(argv: readonly string[]): number | null {
	if (!isPython(argv[0] ?? '')) return null;
	for (let at = 1; at < argv.length; at++) {
		const word = argv[at]!;
		if (word === '-m' || word === '-c') return argv[at + 1] === undefined ? null : at;
		if (!word.startsWith('-')) return at;
		if (withValue.has(word)) at++;
		else if (!plainOptions.test(word) && !/^-[WX]./.test(word)) return null;
	}
	return null;
}

function isPython(program: string): boolean {
	const python = /^python[\d.]*$/;
	return python.test(basename(program)) || (existsSync(program) && python.test(basename(realpathSync(program))));
}
