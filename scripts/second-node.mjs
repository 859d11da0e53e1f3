// Runs the stories under the second Node too: vitest itself, and by PATH and CELLAR_TEST_NODE every cellar that they start. The long ones
// (`*.full.test.ts`) try engines, hosts and endings many times over; what another Node may change shows in one of each.
import { execFileSync, spawnSync } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { secondNodePath } from './setup/packages.mjs';
import { root } from './setup/run.mjs';

const version = execFileSync(secondNodePath, ['--version'], { encoding: 'utf8' }).trim();
process.stdout.write(`\nThe stories once more, under Node ${version}:\n`);
const env = {
	...process.env,
	CELLAR_TEST_NODE: secondNodePath,
	PATH: `${dirname(secondNodePath)}${delimiter}${process.env['PATH'] ?? ''}`,
};
const vitest = ['node_modules/vitest/vitest.mjs', 'run', 'tests/stories/'];
const { status, error } = spawnSync(secondNodePath, vitest, { cwd: root, stdio: 'inherit', env });
if (error !== undefined) throw error;
process.exitCode = status ?? 1;
