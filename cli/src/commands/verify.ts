import { buildCommand } from '@stricli/core';
import { cellarHome, verifyRuns } from '@cellar/core';
import { answer, commonFlags, type CommonFlags } from '../command.ts';
import { comparingFlags, comparisonAnswer, type ComparingFlags } from './comparing.ts';

export const verify = buildCommand<CommonFlags & ComparingFlags, [string, string]>({
	docs: {
		brief: 'Compare the outputs of two runs, cell by cell and file by file',
		customUsage: [{ input: '20261122-101500-k3fa latest --rtol 1e-9', brief: 'an older run against the newest' }],
		fullDescription: 'Exit codes: 0 same or close, 1 differs or incomplete.',
	},
	parameters: {
		positional: {
			kind: 'tuple',
			parameters: [
				{ brief: 'the recorded run', placeholder: 'A', parse: String },
				{ brief: 'the other run', placeholder: 'B', parse: String },
			],
		},
		flags: { ...commonFlags, ...comparingFlags },
	},
	func(flags, a, b) {
		return answer(flags, async () => {
			const comparison = await verifyRuns({
				home: cellarHome(process.env),
				a,
				b,
				rtol: flags.rtol,
				atol: flags.atol,
				ignore: flags.ignore ?? [],
			});
			return comparisonAnswer(comparison, flags, '');
		});
	},
});
