import { fileURLToPath } from 'node:url';
import { buildCommand } from '@stricli/core';
import { cellarHome, makeBundle } from '@cellar/core';
import { answer, commonFlags, type CommonFlags } from '../../command.ts';
import { size } from '../../reporters/text.ts';

interface Flags extends CommonFlags {
	readonly output?: string;
	readonly run?: string;
	readonly withoutNode: boolean;
}

export const bundle = buildCommand<Flags>({
	docs: {
		brief: 'Make one folder with all that a worker needs on a machine that has nothing',
		customUsage: [
			{ input: '', brief: 'for the batch jobs of all audits to come, where their nodes have no Cellar' },
			{ input: '-o cellar-bundle', brief: 'for any run: cellar-bundle/cellar-worker --run DIR -- COMMAND' },
			{ input: '-o cellar-bundle --run latest', brief: 'for one run, also where its folder cannot be reached' },
		],
		fullDescription:
			'The folder has this Node and this strace with their libraries, and Cellar’s worker; it may be copied anywhere on Linux of the same architecture. ' +
			'Its cellar-worker takes the words of cellar worker.',
	},
	parameters: {
		aliases: { o: 'output' },
		flags: {
			...commonFlags,
			output: {
				kind: 'parsed',
				parse: String,
				brief: 'The folder to make; default bundle in CELLAR_HOME, where batch jobs of every run look for it',
				optional: true,
				placeholder: 'DIR',
			},
			run: {
				kind: 'parsed',
				parse: String,
				brief: 'The run that its workers work for, so that they need not reach it',
				optional: true,
				placeholder: 'RUN',
			},
			withoutNode: {
				kind: 'boolean',
				brief: 'Scripts alone, for one run and for machines that have strace: they leave a log, which cellar worker add reads',
				default: false,
				withNegated: false,
			},
		},
	},
	func(flags) {
		return answer(flags, async () => {
			const made = await makeBundle({
				...{
					home: cellarHome(process.env),
					run: flags.run ?? null,
					withoutNode: flags.withoutNode,
					out: flags.output ?? null,
					env: process.env,
				},
				main: fileURLToPath(new URL('../../main.js', import.meta.url)),
			});
			const { path, bytes, architecture, node, strace, run } = made;
			const what =
				node === null
					? `${path}  ${size(bytes)}: scripts for Linux that has strace`
					: `${path}  ${size(bytes)}: Node ${node}, strace ${strace} and Cellar’s worker, for Linux on ${architecture}`;
			const forWhom = [
				run === null ? [] : [`for the run ${run}`],
				flags.output === undefined
					? [`batch jobs of cellar audit start their workers by it where a node lacks what that takes`]
					: [],
			];
			return { document: made, text: [what, ...forWhom.flat(), ''].join('\n'), exit: 0 };
		});
	},
});
