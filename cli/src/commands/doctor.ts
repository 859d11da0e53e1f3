import { buildCommand } from '@stricli/core';
import { onStdout } from '../reporters/colour.ts';
import { examine } from '@cellar/core';
import { answer, commonFlags, type CommonFlags } from '../command.ts';
import { columns } from '../reporters/text.ts';

export const doctor = buildCommand<CommonFlags>({
	docs: {
		brief: 'What this machine can and cannot do, each with the line that would mend it',
		customUsage: [{ input: '', brief: 'tracer, sandbox, kernels, engines' }],
		fullDescription: 'Exit codes: 0 all is there, 4 something is missing or refused.',
	},
	parameters: { flags: commonFlags },
	func(flags) {
		return answer(flags, async () => {
			const checks = await examine(process.env);
			const rows = checks.map((check) => [
				check.status === 'ok' ? onStdout.green('✓') : onStdout.red('✗'),
				check.name,
				check.status,
				[check.found, check.mend === null ? null : `→ ${check.mend}`].filter((text) => text !== null).join('  '),
			]);
			return {
				document: { format: 1, checks },
				text: columns(rows, ''),
				exit: checks.every((check) => check.status === 'ok') ? 0 : 4,
			};
		});
	},
});
