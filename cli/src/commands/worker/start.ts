import { buildCommand } from '@stricli/core';
import { auditWorker, cellarHome, CellarError, type WorkerEnd } from '@cellar/core';
import { commonFlags, signalNumbers, type CommonFlags } from '../../command.ts';
import { errorDocument, errorText, jsonDocument } from '../../reporters/index.ts';

interface Flags extends CommonFlags {
	readonly orUnaudited: boolean;
	readonly job?: string;
	readonly run?: string;
	readonly out?: string;
}

export const start = buildCommand<Flags, string[]>({
	docs: {
		brief: 'Start an engine’s worker under audit, for a run that goes on',
		customUsage: [
			{ input: '--run latest -- dask worker tcp://scheduler:8786', brief: 'for the newest run, which is under way' },
			{
				input: '--run /shared/runs/20260301-093000-4f1c -- dask worker tcp://scheduler:8786',
				brief: 'on another host, by a shared folder',
			},
		],
		fullDescription:
			'The worker has this stdin, stdout and stderr, gets the signals that are sent to this process, and its exit code is this command’s ' +
			'(128+n where signal n ended it). What it used is reported to the run’s folder when it has ended: tasks with the cells that submitted them. ' +
			'CELLAR_RUN stands for --run. Under a tracer already, such as that of the notebook which started it, the worker only gets the agent.',
	},
	parameters: {
		positional: {
			kind: 'array',
			parameter: { brief: 'after --, the command that starts the worker', placeholder: '-- COMMAND', parse: String },
			minimum: 1,
		},
		flags: {
			...commonFlags,
			run: {
				kind: 'parsed',
				parse: String,
				brief: 'The run that the worker works for: its folder, its id, or latest; default $CELLAR_RUN',
				optional: true,
				placeholder: 'DIR',
			},
			job: {
				kind: 'parsed',
				parse: String,
				brief: 'The batch job that starts it, as the notebook’s own job scripts name it',
				optional: true,
				placeholder: 'NAME',
			},
			orUnaudited: {
				kind: 'boolean',
				brief: 'Where it cannot be audited start it all the same: the run is told so',
				default: false,
				withNegated: false,
			},
			out: {
				kind: 'parsed',
				parse: String,
				brief: 'A folder for the report where the run’s cannot be reached; cellar worker add brings it into the run',
				optional: true,
				placeholder: 'FOLDER',
			},
		},
	},
	async func(flags, ...argv) {
		try {
			const end = await auditWorker({
				...{ home: cellarHome(process.env), run: runMeant(flags), argv, cwd: process.cwd(), env: process.env },
				...{ out: flags.out ?? null, outputToStderr: flags.json, job: flags.job ?? null, onSignal },
				orUnaudited: flags.orUnaudited ? say : null,
			});
			// It ran, and how it ended is its own affair: what is wrong with the report is said.
			if (end.problem !== null) say(end.problem);
			if (flags.json) process.stdout.write(jsonDocument(documentOf(end)));
			process.exitCode = end.exitCode ?? 128 + (signalNumbers.get(end.signal ?? '') ?? 0);
		} catch (error) {
			const known = error instanceof CellarError ? error : null;
			if (known === null) throw error;
			if (flags.json) process.stdout.write(errorDocument(known));
			process.stderr.write(errorText(known));
			process.exitCode = known.exitCode;
		}
	},
});

function say(problem: CellarError): void {
	process.stderr.write(errorText(problem));
}

function runMeant({ run }: Flags): string | null {
	const word = run ?? process.env['CELLAR_RUN'] ?? '';
	return word === '' ? null : word;
}

/** What a person, a batch system or a launcher may send to a worker. */
const handedOn = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'] as const;

function onSignal(take: (signal: NodeJS.Signals) => void): () => void {
	for (const name of handedOn) process.on(name, take);
	return () => {
		for (const name of handedOn) process.off(name, take);
		// While the report is written, nothing ends us but SIGKILL: then the log is read by whoever opens the run.
		for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
	};
}

function documentOf({ run, log, out, exitCode, signal, problem }: WorkerEnd): object {
	const reported = log !== null && problem === null;
	return { format: 1, run, log, out, exitCode, signal, reported };
}
