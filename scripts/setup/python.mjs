// Python environments: one for every requirements file, in .cache/venv/<name>, made when missing and kept while it fits.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { attempt, must, onPath, root, StepFailed } from './run.mjs';

const newest = 14;
const oldest = 11;
export const fittingPythons = `Python 3.${oldest} to 3.${newest}`;

/**
 * @typedef {{ name: string, requirements: string, folder: string, full: boolean }} Environment `full`: only the full tests and the benches need it
 * @typedef {{ executable: string, version: string }} Python `executable` with links resolved, never a shim or a venv's
 */

/** @returns {readonly Environment[]} every environment that the clone knows: one an example, one a file of tests/requirements (of which `NAME.full.txt` is for the full tests) */
export function environments() {
	const examples = list('examples').map((name) => ({ name, requirements: `examples/${name}/requirements.txt` }));
	const tests = list('tests/requirements').map((file) => ({
		name: basename(file, '.txt').replace(fullEnding, ''),
		requirements: `tests/requirements/${file}`,
	}));
	return [...examples, ...tests]
		.filter(({ requirements }) => requirements.endsWith('.txt') && existsSync(join(root, requirements)))
		.map((environment) => ({
			...environment,
			folder: join(root, '.cache/venv', environment.name),
			full: environment.requirements.endsWith(`${fullEnding}.txt`) || isForFull(environment.requirements),
		}));
}

const fullEnding = '.full';
/** Of the examples, the tests for every commit run the first alone. */
const isForFull = (requirements) =>
	requirements.startsWith('examples/') && !requirements.startsWith('examples/image-convolution/');
const list = (folder) => (existsSync(join(root, folder)) ? readdirSync(join(root, folder)).sort() : []);

/** An environment's stamp is written last: a folder without one is half made, and is made anew. */
const stampOf = ({ folder }) => join(folder, '.complete.json');
const hashOf = ({ requirements }) =>
	createHash('sha256')
		.update(readFileSync(join(root, requirements)))
		.digest('hex');

/**
 * Whether an environment is there, whole, made from these requirements, and its interpreter still where it was.
 *
 * @param {Environment} environment
 * @param {Python | null} wanted the interpreter that was asked for by name; null where any will do
 */
export function isReady(environment, wanted) {
	const stamp = stampOf(environment);
	if (!existsSync(stamp) || !existsSync(join(environment.folder, 'bin/python'))) return false;
	const made = JSON.parse(readFileSync(stamp, 'utf8'));
	return made.requirements === hashOf(environment) && (wanted === null || made.python === wanted.executable);
}

/** Makes an environment anew, of wheels only, so that no compiler is needed and no package's own code runs. */
export async function makeEnvironment(environment, python) {
	const { PYTHONPATH: _, PYTHONHOME: __, ...env } = process.env;
	const inside = join(environment.folder, 'bin/python');
	const requirements = hashOf(environment);
	rmSync(environment.folder, { recursive: true, force: true });
	await must([python.executable, '-m', 'venv', environment.folder], { env });
	const install = ['install', '--only-binary', ':all:', '--no-input', '--disable-pip-version-check', '-q'];
	await must([inside, '-m', 'pip', ...install, '-r', environment.requirements], { env: { ...env, PIP_USER: '0' } });
	await must([inside, '-m', 'pip', 'check', '--disable-pip-version-check'], { env });
	const stamp = { requirements, python: python.executable, version: python.version };
	writeFileSync(stampOf(environment), `${JSON.stringify(stamp)}\n`);
}

/**
 * The Python to make environments with: the one asked for, or `python3`, or the newest on PATH that can.
 *
 * @param {string | null} asked a path or a command's name
 * @returns {Promise<Python | null>} null where none fits (a Debian Python without python3-venv does not)
 * @throws StepFailed where the one asked for does not fit
 */
export async function findPython(asked) {
	if (asked !== null) {
		const python = await examine(asked);
		if (python === null) throw new StepFailed(`${asked} is not ${fittingPythons} with venv and ensurepip`, 4);
		return python;
	}
	const minors = Array.from({ length: newest - oldest + 1 }, (_, i) => newest - i);
	for (const command of ['python3', ...minors.map((minor) => `python3.${minor}`), '/usr/bin/python3']) {
		const python = command.startsWith('/') || onPath(command) ? await examine(command) : null;
		if (python !== null) return python;
	}
	return null;
}

async function examine(command) {
	// What a shim or a venv starts is told by Python itself: `_base_executable` is the interpreter below both.
	const code = 'import sys, venv, ensurepip; print(sys.version_info[0], *sys.version_info[1:3], sys._base_executable)';
	const { ok, output } = await attempt([command, '-c', code]);
	const [, major, minor, patch, executable] = /^(\d+) (\d+) (\d+) (.+)$/m.exec(output) ?? [];
	if (!ok || executable === undefined || Number(major) !== 3 || Number(minor) < oldest || Number(minor) > newest) return null;
	return { executable: realpathSync(executable), version: `${major}.${minor}.${patch}` };
}
