import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { agentFolder, jobScript, jobScriptName, unauditedFolder } from '../../core/src/workers/index.ts';
import { nonce, pythonOf, scratch } from '../audit/audited.ts';

/** A run's folder with the script, by which `cellar` is started, or what lies in one of the folders for bundles. */
function runFolder(cellar: readonly string[], bundles: readonly string[] = []): string {
	const run = join(scratch(), "a run's");
	mkdirSync(run);
	writeFileSync(join(run, jobScriptName), jobScript({ cellar, version: '1.2.3', bundles }));
	return run;
}

/** A folder with a program that stands where a bundle's does: it says with which words it was started, and starts where it is said so. */
function bundleThat(starts: boolean): string {
	const bundle = join(scratch(), "it's a bundle");
	mkdirSync(bundle);
	const text = `[ "$1" = --starts ] && { [ "$2" = 1.2.3 ] && ${String(starts)}; exit; }\nprintf 'bundle %s\\n' "$@"`;
	writeFileSync(join(bundle, 'cellar-worker'), text);
	return bundle;
}

/** A job's shell has nothing in its environment. */
const shell = (...words: readonly string[]) => execFileSync('/bin/sh', words, { env: {}, encoding: 'utf8', stdio: 'pipe' });

/** What the agent in the kernel writes into a job's script. */
function inJob(run: string, command: string): string {
	const source = `import sys
text = open(sys.argv[1]).read()
told = {"CORE": text, "ENGINES": {}, "NONCE": "${nonce}", "FOLDER": "", "RUN": sys.argv[2]}
exec(text, told)
print(told["in_job"]("dask", sys.argv[3]), end="")`;
	return execFileSync(pythonOf('kernel'), ['-c', source, join(agentFolder, 'core.py'), run, command], { encoding: 'utf8' });
}

test('a job starts its worker by the Cellar of the run, wherever that lies, with its words and variables, in an empty environment', () => {
	const program = join(scratch(), "it's cellar.js");
	writeFileSync(program, 'console.log(JSON.stringify([process.argv.slice(2), process.env.A, process.env.PATH ?? null]))');
	const run = runFolder([process.execPath, program]);
	const [argv, a, path] = JSON.parse(shell('-c', inJob(run, 'A=1 B= python=3 -m \'x y\' "$HOME" C=3'))) as [
		string[],
		string,
		null,
	]; // our own
	expect(argv.slice(0, 3)).toEqual(['worker', '--run', run]);
	expect(argv.slice(3)).toEqual([
		'--job',
		expect.stringMatching(/^job\.dask\.\d+\.1$/),
		'--or-unaudited',
		'--',
		'-m',
		'x y',
		'',
		'C=3',
	]);
	expect([a, path]).toEqual(['1', null]);
});

test('where the job’s host sees no such Cellar, or no such run, the worker is started as it is', () => {
	const command = "A=1 sh -c 'echo $A $0' 'x y'";
	const without = runFolder([process.execPath, join(scratch(), 'gone.js')], [join(scratch(), 'none'), bundleThat(false)]);
	expect(shell('-c', inJob(without, command))).toBe('1 x y\n');
	const [job = ''] = readdirSync(join(without, unauditedFolder));
	expect(job).toMatch(/^job\.dask\.\d+\.1$/);
	expect(readFileSync(join(without, unauditedFolder, job), 'utf8')).toBe(`${hostname()}\n`);
	expect(shell('-c', inJob(join(scratch(), 'gone'), command))).toBe('1 x y\n');
});

test.each([
	['Cellar', () => [process.execPath, join(scratch(), 'gone.js')]],
	// As one that was made for another kind of machine, or newer libraries.
	['a Node that starts', () => ['/bin/false', join(agentFolder, 'core.py')]],
])('where the job’s host has not %s, the worker is started by the first bundle that starts there', (_, cellar) => {
	const run = runFolder(cellar(), [join(scratch(), 'none'), bundleThat(false), bundleThat(true)]);
	const said = shell('-c', inJob(run, "A=1 python -m 'x y'")).split('\n');
	expect(said.map((line) => line.replace(/^bundle /, ''))).toEqual([
		...['--run', run, '--job', expect.stringMatching(/^job\.dask\.\d+\.1$/), '--or-unaudited', '--'],
		...['python', '-m', 'x y', ''],
	]);
	expect(existsSync(join(run, unauditedFolder))).toBe(false);
});

test('what a launcher writes by way of a shell’s here-document means the same after it', () => {
	const run = runFolder(['/bin/echo', join(agentFolder, 'core.py')]);
	const text = inJob(run, 'python -m worker');
	const written = shell('-c', `cat << END\n${text}\nEND`);
	expect(written).toBe(`${text}\n`);
	expect(shell('-c', written)).toContain('-- python -m worker');
});

test('of a command that is more than one, nothing is made', () => {
	const run = runFolder([]);
	for (const command of ['module load x; python', 'python && true', 'python > log', '(python)', 'python\ntrue']) {
		expect(inJob(run, command)).toBe('None');
	}
	expect(readFileSync(join(run, jobScriptName), 'utf8')).toContain('worker');
});
