import { existsSync, realpathSync } from 'node:fs';
import { buildCommand } from '@stricli/core';
import { auditNotebook, auditProgram, cellarHome, CellarError, type Control, type Listener, type Run } from '@cellar/core';
import { answer, commonFlags, type Answer, type CommonFlags } from '../command.ts';
import { count, keyValue, oneOf, seconds as secondsFlag, size as sizeFlag } from '../flags.ts';
import { columns, seconds } from '../reporters/text.ts';

interface Flags extends CommonFlags {
	readonly kernel?: string;
	readonly python?: string;
	readonly env?: readonly [string, string][];
	readonly param?: readonly [string, string][];
	readonly allowErrors: boolean;
	readonly timeout?: number;
	readonly engine?: string;
	readonly workers?: number;
	readonly checks: 'on' | 'off';
	readonly keepInputs: number;
	readonly keepOutputs: number;
	readonly out?: string;
}

export const audit = buildCommand<Flags, string[]>({
	docs: {
		brief: 'Run a notebook, or any program, under audit and make a run of it',
		customUsage: [
			{ input: 'analysis.ipynb', brief: 'with the kernel that the notebook names' },
			{ input: 'analysis.ipynb --python .venv/bin/python', brief: 'with that interpreter’s ipykernel' },
			{ input: 'analysis.ipynb --param year=2024 --out executed.ipynb', brief: 'with parameters, keeping the executed notebook' },
			{
				input: 'analysis.ipynb --engine dask --workers 5',
				brief: 'with five workers for the scheduler that the notebook starts',
			},
			{ input: '-- python script.py data.csv', brief: 'any program, without a notebook' },
		],
		fullDescription:
			'The notebook is read and never changed. A program after -- keeps this stdin, stdout and stderr, and Cellar speaks on stderr alone; ' +
			'with --json its stdout goes to stderr, since stdout holds the document. ' +
			'Exit codes: 0 finished, 3 a cell raised, timed out or lost its kernel, or the program did not exit with 0, ' +
			'4 no tracer or no kernel, 128+n when Cellar was sent signal n.',
	},
	parameters: {
		positional: {
			kind: 'array',
			parameter: {
				brief: 'the notebook; or after --, a command and its arguments',
				placeholder: 'NOTEBOOK.ipynb',
				parse: String,
			},
			minimum: 1,
		},
		flags: {
			...commonFlags,
			kernel: {
				kind: 'parsed',
				parse: String,
				brief: 'The kernelspec to use instead of the notebook’s',
				optional: true,
				placeholder: 'NAME',
			},
			python: {
				kind: 'parsed',
				parse: String,
				brief: 'Use this interpreter’s ipykernel; no kernelspec needed',
				optional: true,
				placeholder: 'PATH',
			},
			env: {
				kind: 'parsed',
				parse: keyValue,
				brief: 'Set a variable for the kernel, and record it',
				optional: true,
				variadic: true,
				placeholder: 'K=V',
			},
			param: {
				kind: 'parsed',
				parse: keyValue,
				brief: 'Set a value of the cell tagged “parameters”, as papermill does',
				optional: true,
				variadic: true,
				placeholder: 'K=V',
			},
			allowErrors: { kind: 'boolean', brief: 'Go on after a cell that raises', default: false, withNegated: false },
			timeout: {
				kind: 'parsed',
				parse: secondsFlag,
				brief: 'Interrupt a cell that runs longer',
				optional: true,
				placeholder: 'SECONDS',
			},
			engine: {
				kind: 'parsed',
				parse: String,
				brief: 'Start workers for the manager of this engine that the notebook starts: dask, taskvine',
				optional: true,
				placeholder: 'NAME',
			},
			workers: {
				kind: 'parsed',
				parse: count,
				brief: 'How many of them',
				optional: true,
				placeholder: 'N',
			},
			checks: {
				kind: 'parsed',
				parse: oneOf('on', 'off'),
				brief: 'Record existence checks (stat) too: slower',
				default: 'off',
				placeholder: 'on|off',
			},
			keepInputs: {
				kind: 'parsed',
				parse: sizeFlag,
				brief: 'Keep inputs up to this size in all',
				default: '2GB',
				placeholder: 'SIZE',
			},
			keepOutputs: {
				kind: 'parsed',
				parse: sizeFlag,
				brief: 'Keep outputs up to this size in all',
				default: '1GB',
				placeholder: 'SIZE',
			},
			out: {
				kind: 'parsed',
				parse: String,
				brief: 'Also write the executed notebook here',
				optional: true,
				placeholder: 'FILE.ipynb',
			},
		},
	},
	func(flags, ...words) {
		return answer(flags, async (listen, control) => {
			const { notebook, command } = meant(words);
			if (command !== null) return auditedProgram(flags, command, listen, control);
			const { run, directory } = await auditNotebook(
				{
					notebook,
					home: cellarHome(process.env),
					env: process.env,
					kernel: flags.kernel ?? null,
					python: flags.python ?? null,
					setEnv: new Map(flags.env),
					parameters: new Map(flags.param),
					allowErrors: flags.allowErrors,
					timeoutSeconds: flags.timeout ?? null,
					workers: workersAsked(flags),
					checks: flags.checks === 'on',
					keepInputs: flags.keepInputs,
					keepOutputs: flags.keepOutputs,
					out: flags.out ?? null,
					cellar: ownCommand(),
				},
				control,
				listen,
			);
			return { document: auditDocument(run, directory), text: auditText(run, directory), exit: exitOf(run) };
		});
	},
});

/** What the words before and after `--` ask for. */
function meant(
	words: readonly string[],
): { readonly notebook: string; readonly command: null } | { readonly notebook: null; readonly command: readonly string[] } {
	// The command-line library takes the first `--` away, and what comes after it as it is.
	const at = process.argv.indexOf('--');
	const command = at < 0 ? [] : process.argv.slice(at + 1);
	const before = words.slice(0, words.length - command.length);
	const [notebook] = before;
	if (command.length > 0 && before.length === 0) return { notebook: null, command };
	if (notebook !== undefined && before.length === 1 && command.length === 0) return { notebook, command: null };
	throw new CellarError('CELLAR_USAGE', 'audit takes one notebook, or after -- one command', {
		hint: 'cellar audit analysis.ipynb, or cellar audit -- python script.py',
	});
}

/** The words that start this program, whatever PATH and folder are then; null where it is not started as a file. */
function ownCommand(): readonly string[] | null {
	const [, script] = process.argv;
	return script === undefined || !existsSync(script) ? null : [process.execPath, realpathSync(script)];
}

function workersAsked({ engine, workers }: Flags): { readonly engine: string; readonly count: number } | null {
	if (engine === undefined && workers === undefined) return null;
	if (engine !== undefined && workers !== undefined) return { engine, count: workers };
	throw new CellarError(
		'CELLAR_USAGE',
		`--${engine === undefined ? 'workers' : 'engine'} alone does not say which workers to start`,
		{
			hint: 'cellar audit analysis.ipynb --engine dask --workers 5',
		},
	);
}

/** What holds for notebooks alone. */
const ofNotebooks = ['kernel', 'python', 'param', 'allowErrors', 'timeout', 'engine', 'workers', 'out'] as const;

async function auditedProgram(flags: Flags, argv: readonly string[], listen: Listener, control: Control): Promise<Answer> {
	const idle = ofNotebooks.find((name) => flags[name] !== undefined && flags[name] !== false);
	if (idle !== undefined) {
		const option = `--${idle === 'allowErrors' ? 'allow-errors' : idle}`;
		throw new CellarError('CELLAR_USAGE', `${option} is for a notebook, and a program without one was given`, {
			hint: `leave ${option} out; what is meant for the program comes after its name`,
		});
	}
	const { run, directory } = await auditProgram(
		{
			argv,
			cwd: process.cwd(),
			home: cellarHome(process.env),
			env: process.env,
			setEnv: new Map(flags.env),
			checks: flags.checks === 'on',
			keepInputs: flags.keepInputs,
			keepOutputs: flags.keepOutputs,
			outputToStderr: flags.json,
		},
		control,
		listen,
	);
	return { document: auditDocument(run, directory), text: auditText(run, directory), textTo: 'stderr', exit: exitOf(run) };
}

/** How it went, for a person. */
function statusText(run: Run): string {
	const took = run.seconds === null ? '' : `, ${seconds(run.seconds)}`;
	if (run.notebook !== null) {
		const done = run.cells.filter((cell) => cell.status === 'finished').length;
		return `${run.status}, ${done} of ${run.cells.length} cells finished${took}`;
	}
	const { exitCode = null, signal = null } = run.program ?? {};
	const end = exitCode !== null ? `exit code ${exitCode}` : signal === null ? 'how it ended is not known' : `ended by ${signal}`;
	return `${run.status}, ${end}${took}`;
}

function auditDocument(run: Run, directory: string): object {
	const { format, run: id, notebook, status, started, seconds: took, cells, workers, warnings } = run;
	return {
		format,
		run: id,
		directory,
		notebook,
		status,
		started,
		seconds: took,
		cells: cells.map(({ executions: _, began: __, ...cell }) => cell),
		workers,
		warnings,
		program: run.program ?? null,
	};
}

function auditText(run: Run, directory: string): string {
	return (
		columns(
			[
				['run', run.run],
				['status', statusText(run)],
				[
					'workers',
					run.workers.length === 0
						? 'none'
						: `${run.workers.length} (${[...new Set(run.workers.map((worker) => worker.engine))].join(', ')})`,
				],
				['folder', directory],
			],
			'',
		) + '\nNext: cellar deps, cellar pack -o FILE.oci.tar\n'
	);
}

function exitOf(run: Run): number {
	if (run.status === 'interrupted') return 130;
	if (run.status === 'finished') return 0;
	return 3;
}
