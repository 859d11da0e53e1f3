import { buildCommand } from '@stricli/core';
import { cellarHome, explainIn, type Explanation } from '@cellar/core';
import { answer, commonFlags, type CommonFlags } from '../command.ts';
import { explanationText } from '../reporters/explanation.ts';

export const explain = buildCommand<CommonFlags, [string, string?]>({
	docs: {
		brief:
			'Why a file or a package is what Cellar says it is, who used it, and what brought it in; or what a cell, a task or a worker did',
		customUsage: [
			{ input: 'data/stations.csv', brief: 'a file, by its path' },
			{ input: 'numpy', brief: 'a package, by its name' },
			{ input: 'cell:3', brief: 'a cell: what it names, used, made and started' },
			{ input: 'task:17', brief: 'a task: what it ran, where, how often, and what it used' },
			{ input: 'worker:w3', brief: 'a worker: its tasks, and what it used that no other did' },
		],
	},
	parameters: {
		positional: {
			kind: 'tuple',
			parameters: [
				{ brief: 'a path, a package’s name, cell:N, task:N or worker:ID', placeholder: 'PATH|NAME|PART', parse: String },
				{ brief: 'the run', placeholder: 'RUN', parse: String, optional: true },
			],
		},
		flags: commonFlags,
	},
	func(flags, what, run = 'latest') {
		return answer(flags, async () => {
			const document: Explanation = await explainIn({ home: cellarHome(process.env), run, what, cwd: process.cwd() });
			return { document, text: explanationText(document), exit: 0 };
		});
	},
});
