import { buildCommand } from '@stricli/core';
import { cellarHome, repeatImage, type Absent } from '@cellar/core';
import { answer, commonFlags, type CommonFlags } from '../command.ts';
import { count, keyValue, oneOf, seconds } from '../flags.ts';
import { columns } from '../reporters/text.ts';
import { comparingFlags, comparisonAnswer, type ComparingFlags } from './comparing.ts';

interface Flags extends CommonFlags, ComparingFlags {
	readonly sandbox: 'auto' | 'bwrap';
	readonly network: boolean;
	readonly input?: readonly [string, string][];
	readonly workers?: number;
	readonly audit: boolean;
	readonly timeout?: number;
}

export const repeat = buildCommand<Flags, [string]>({
	docs: {
		brief: 'Run an image again, in a sandbox without network, and compare',
		customUsage: [
			{ input: 'analysis.oci.tar', brief: 'from a file that somebody sent' },
			{ input: 'latest', brief: 'from a run: its image is made first' },
			{ input: 'analysis.oci.tar --input data/a.csv=b.csv', brief: 'with another file in place of an input' },
		],
		fullDescription:
			'Nothing of this machine can be seen from inside but its kernel’s own file systems. Exit codes: 0 same or close, 1 differs or incomplete.',
	},
	parameters: {
		positional: {
			kind: 'tuple',
			parameters: [{ brief: 'an OCI layout folder, a .oci.tar, or a run', placeholder: 'IMAGE', parse: String }],
		},
		flags: {
			...commonFlags,
			...comparingFlags,
			sandbox: {
				kind: 'parsed',
				parse: oneOf('auto', 'bwrap'),
				brief: 'Which sandbox',
				default: 'auto',
				placeholder: 'auto|bwrap',
			},
			network: { kind: 'boolean', brief: 'Let it reach the network', default: false, withNegated: false },
			input: {
				kind: 'parsed',
				parse: keyValue,
				brief: 'Another file in place of an input',
				optional: true,
				variadic: true,
				placeholder: 'OLD=NEW',
			},
			workers: {
				kind: 'parsed',
				parse: count,
				brief: 'How many workers are started beside the manager (default: as many as recorded)',
				optional: true,
				placeholder: 'N',
			},
			audit: { kind: 'boolean', brief: 'Trace the repeat too', default: false, withNegated: false },
			timeout: {
				kind: 'parsed',
				parse: seconds,
				brief: 'Interrupt a cell that runs longer',
				optional: true,
				placeholder: 'SECONDS',
			},
		},
	},
	func(flags, image) {
		return answer(flags, async (listen, control) => {
			const { comparison, run, directory, absent } = await repeatImage(
				{
					image,
					home: cellarHome(process.env),
					env: process.env,
					sandbox: flags.sandbox,
					network: flags.network,
					inputs: new Map(flags.input),
					timeoutSeconds: flags.timeout ?? null,
					workers: flags.workers ?? null,
					audit: flags.audit,
					rtol: flags.rtol,
					atol: flags.atol,
					ignore: flags.ignore ?? [],
				},
				control,
				listen,
			);
			const missing = columns(absent.map((item) => [item.path, absentWhere(item), item.reason]));
			const notes = `${missing === '' ? '' : `\nNot in the image\n${missing}`}\nThe repeat is run ${run.run}  ${directory}\n`;
			const answered = await comparisonAnswer(comparison, flags, notes);
			return { ...answered, document: { ...answered.document, absent, warnings: run.warnings } };
		});
	},
});

/** Where a path that is not there would have been used. */
function absentWhere({ cell, used }: Absent): string {
	if (!used) return 'not seen to be used';
	return cell === null ? 'first used at start-up' : `first used by cell ${cell}`;
}
