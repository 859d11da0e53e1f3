// Runs the stories under the second Node too: vitest itself, and by PATH and CELLAR_TEST_NODE every cellar that they start.
import { spawnSync } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { secondNodePath } from './setup/packages.mjs';
import { root } from './setup/run.mjs';

const { status, error } = spawnSync(
	secondNodePath,
	['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.full.config.ts', '--dir', 'tests/stories'],
	{
		cwd: root,
		stdio: 'inherit',
		env: {
			...process.env,
			CELLAR_TEST_NODE: secondNodePath,
			PATH: `${dirname(secondNodePath)}${delimiter}${process.env['PATH'] ?? ''}`,
		},
	},
);
if (error !== undefined) throw error;
process.exitCode = status ?? 1;
