import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { clone } from './facts.ts';

/** The interpreter of one of the environments that the set-up makes for tests. */
export function pythonOf(name: string): string {
	const path = join(clone, '.cache', 'venv', name, 'bin', 'python');
	if (!existsSync(path)) throw new Error(`the environment ${name} is missing: node scripts/setup.mjs --tests makes it`);
	return path;
}

/** Its folder of installed packages, links resolved. */
export function siteOf(name: string): string {
	const lib = join(clone, '.cache', 'venv', name, 'lib');
	return realpathSync(join(lib, readdirSync(lib)[0] ?? '', 'site-packages'));
}

/** What a Python prints as JSON, asked in isolation from the user's settings. */
export function ask<T>(python: string, code: string, ...words: string[]): T {
	const answer: unknown = JSON.parse(
		execFileSync(python, ['-I', '-c', code, ...words], { encoding: 'utf8', maxBuffer: 1 << 28 }),
	);
	return answer as T; // whoever asks knows what its own code prints
}
