import { run, type StricliProcess } from '@stricli/core';
import { application, exitCodeOf } from './application.ts';
import { errorDocument } from './reporters/json.ts';

/** Usage errors are printed by the command-line library; with `--json` they become a document like any other error. */
const asksForJson = process.argv.includes('--json');
const said: string[] = [];
const stderr = {
	write: (text: string) => {
		if (asksForJson) said.push(text);
		process.stderr.write(text);
	},
	getColorDepth: (env?: Readonly<Partial<Record<string, string>>>) =>
		process.stderr.isTTY ? process.stderr.getColorDepth(env) : 1,
};
const host: StricliProcess & { exitCode: number | null } = { stdout: process.stdout, stderr, env: process.env, exitCode: null };

// A reader that has seen enough (`cellar deps | head`) is no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
	if (error.code === 'EPIPE') process.exit(0);
	throw error;
});

await run(application, process.argv.slice(2), { process: host });
const code = exitCodeOf(host.exitCode ?? 0);
if (asksForJson && code === 2 && said.length > 0) {
	process.stdout.write(
		errorDocument({ code: 'CELLAR_USAGE', message: said.join('').trim(), hint: 'cellar --help', where: null }),
	);
}
// A command that ran has set its own exit code; the library's is that of its parsing.
if (code !== 0) process.exitCode = code;
