import { buildCommand } from '@stricli/core';
import { addWorkers, cellarHome, type AddDocument, type AddedWorker } from '@cellar/core';
import { answer, commonFlags, type CommonFlags } from '../../command.ts';
import { columns } from '../../reporters/text.ts';

interface Flags extends CommonFlags {
	readonly ended?: readonly string[];
}

export const add = buildCommand<Flags, string[]>({
	docs: {
		brief: 'Add to a run what its workers have left where they could not reach it',
		customUsage: [
			{ input: 'latest cellar-report-20260301-093000-4f1c', brief: 'folders that were brought back' },
			{ input: 'latest --ended n17', brief: 'what the workers have left that died on a host' },
			{ input: 'latest', brief: 'says which workers have not reported yet' },
		],
		fullDescription:
			'A report is added once. A folder of another run, a broken one, and one with links in it is refused, and then nothing is added.',
	},
	parameters: {
		positional: {
			kind: 'array',
			parameter: { brief: 'the run, and behind it folders that were brought back', placeholder: 'RUN', parse: String },
			minimum: 1,
		},
		flags: {
			...commonFlags,
			ended: {
				kind: 'parsed',
				parse: String,
				brief: 'A host, or a worker by its name, that is known to be dead; all for every one that is silent',
				optional: true,
				variadic: true,
				placeholder: 'HOST',
			},
		},
	},
	func(flags, run, ...folders) {
		return answer(flags, async () => {
			const document = await addWorkers({ home: cellarHome(process.env), run: run ?? '', folders, ended: flags.ended ?? [] });
			return { document, text: textOf(document), exit: 0 };
		});
	},
});

function textOf({ run, added, known, open, silent }: AddDocument): string {
	const rows = [
		...added.map((one) => row(one, 'added')),
		...known.map((one) => row(one, 'was in the run already')),
		...open.map((one) =>
			row(one, `has not ended, as far as can be seen from here${one.heard === null ? '' : `; last heard of ${one.heard}`}`),
		),
		...silent.map((one) => row(one, 'left nothing that can be read')),
	];
	const head = added.length === 0 ? `nothing was added to ${run}` : `${added.length} added to ${run}`;
	return `${head}\n${columns(rows)}`;
}

function row({ name, host }: AddedWorker, what: string): string[] {
	return [name, host ?? 'unknown host', what];
}
