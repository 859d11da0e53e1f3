import { buildCommand } from '@stricli/core';
import { cellarHome, packRun } from '@cellar/core';
import { answer, commonFlags, type CommonFlags } from '../command.ts';
import { columns, size } from '../reporters/text.ts';

interface Flags extends CommonFlags {
	readonly output?: string;
	readonly without?: readonly string[];
	readonly with?: readonly string[];
	readonly withSecrets: boolean;
	readonly allowMissing: boolean;
}

export const pack = buildCommand<Flags, [string?]>({
	docs: {
		brief: 'Make an OCI image of just what a run needed',
		customUsage: [
			{ input: '-o analysis.oci.tar', brief: 'of the newest run' },
			{ input: '20261122-101500-k3fa -o image --without notes.txt', brief: 'of another, as a folder, leaving a file out' },
		],
		fullDescription:
			'Refuses what has changed since the run (exit 5, CELLAR_CHANGED_SINCE). The same run gives the same image, byte for byte.',
	},
	parameters: {
		positional: { kind: 'tuple', parameters: [{ brief: 'the run', placeholder: 'RUN', parse: String, optional: true }] },
		aliases: { o: 'output' },
		flags: {
			...commonFlags,
			output: {
				kind: 'parsed',
				parse: String,
				brief: 'Where to write it: a folder, or a file that ends in .oci.tar',
				optional: true,
				placeholder: 'PATH',
			},
			without: {
				kind: 'parsed',
				parse: String,
				brief: 'Leave this path out',
				optional: true,
				variadic: true,
				placeholder: 'PATH',
			},
			with: { kind: 'parsed', parse: String, brief: 'Add this path', optional: true, variadic: true, placeholder: 'PATH' },
			withSecrets: {
				kind: 'boolean',
				brief: 'Pack although a cell’s source holds what looks like a secret',
				default: false,
				withNegated: false,
			},
			allowMissing: {
				kind: 'boolean',
				brief: 'Pack although the first state of an input was lost',
				default: false,
				withNegated: false,
			},
		},
	},
	func(flags, run = 'latest') {
		return answer(flags, async (listen) => {
			const document = await packRun(
				{
					home: cellarHome(process.env),
					run,
					target: flags.output ?? null,
					without: flags.without ?? [],
					with: flags.with ?? [],
					withSecrets: flags.withSecrets,
					allowMissing: flags.allowMissing,
					cwd: process.cwd(),
				},
				listen,
			);
			const layers = columns(document.layers.map((layer) => [layer.holds, size(layer.bytes), layer.digest.slice(0, 19)]));
			const left =
				document.leftOut.length === 0 ? '' : `\nLeft out\n${columns(document.leftOut.map((item) => [item.path, item.reason]))}`;
			const text = `${document.path}  ${size(document.bytes)}  ${document.digest}\n${layers}${left}\nNext: cellar repeat ${document.path}\n`;
			return { document, text, exit: 0 };
		});
	},
});
