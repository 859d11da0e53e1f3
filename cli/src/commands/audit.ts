import { buildCommand } from '@stricli/core';
import { auditNotebook, cellarHome, type Run } from '@cellar/core';
import { answer, commonFlags, type CommonFlags } from '../command.ts';
import { keyValue, oneOf, seconds as secondsFlag, size as sizeFlag } from '../flags.ts';
import { columns, seconds } from '../reporters/text.ts';

interface Flags extends CommonFlags {
	readonly kernel?: string;
	readonly python?: string;
	readonly env?: readonly [string, string][];
	readonly param?: readonly [string, string][];
	readonly allowErrors: boolean;
	readonly timeout?: number;
	readonly checks: 'on' | 'off';
	readonly keepInputs: number;
	readonly keepOutputs: number;
	readonly out?: string;
}

export const audit = buildCommand<Flags, [string]>({
	docs: {
		brief: 'Run a notebook under audit and make a run of it',
		customUsage: [
			{ input: 'analysis.ipynb', brief: 'with the kernel that the notebook names' },
			{ input: 'analysis.ipynb --python .venv/bin/python', brief: 'with that interpreter’s ipykernel' },
			{ input: 'analysis.ipynb --param year=2024 --out executed.ipynb', brief: 'with parameters, keeping the executed notebook' },
		],
		fullDescription:
			'The notebook is read and never changed. Exit codes: 0 finished, 3 a cell raised, timed out or lost its kernel, 4 no tracer or no kernel.',
	},
	parameters: {
		positional: { kind: 'tuple', parameters: [{ brief: 'the notebook', placeholder: 'NOTEBOOK.ipynb', parse: String }] },
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
	func(flags, notebook) {
		return answer(flags, async (listen, control) => {
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
					checks: flags.checks === 'on',
					keepInputs: flags.keepInputs,
					keepOutputs: flags.keepOutputs,
					out: flags.out ?? null,
				},
				control,
				listen,
			);
			return { document: auditDocument(run, directory), text: auditText(run, directory), exit: exitOf(run) };
		});
	},
});

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
		cells: cells.map(({ executions: _, ...cell }) => cell),
		workers,
		warnings,
	};
}

function auditText(run: Run, directory: string): string {
	const done = run.cells.filter((cell) => cell.status === 'finished').length;
	return (
		columns(
			[
				['run', run.run],
				[
					'status',
					`${run.status}, ${done} of ${run.cells.length} cells finished${run.seconds === null ? '' : `, ${seconds(run.seconds)}`}`,
				],
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
