import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const clone = resolve(import.meta.dirname, '../..');

/** A real conda environment: see channel.py for what is in it. */
export interface Prefix {
	readonly prefix: string;
	readonly channel: string;
	readonly python: string;
	readonly site: string;
}

/** What `channel.py` prints. */
export function channel<T>(...words: string[]): T {
	const answer: unknown = JSON.parse(
		execFileSync(environment('conda', 'bin/python'), [join(import.meta.dirname, 'channel.py'), ...words], {
			encoding: 'utf8',
			env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
		}),
	);
	return answer as T; // whoever asks knows what its command prints
}

/** Makes a prefix in a folder; where it is to run notebooks, with a kernel as pip leaves it. */
export function makePrefix(work: string, o: { readonly kernel: boolean }): Prefix {
	return channel<Prefix>('make', work, ...(o.kernel ? [siteOfKernel()] : []));
}

/** The channel of a prefix goes on: of each package it has a newer version or build than the prefix. */
export function goOn(work: string): void {
	channel('later', work, siteOfKernel());
}

function siteOfKernel(): string {
	const lib = environment('kernel', 'lib');
	return join(lib, readdirSync(lib)[0] ?? '', 'site-packages');
}

/** Real pip, into a prefix, without an index. */
export function pip(prefix: Prefix, ...words: string[]): void {
	const command = [
		'--python',
		prefix.python,
		...words,
		'--disable-pip-version-check',
		'--no-input',
		'--root-user-action=ignore',
		'-q',
	];
	execFileSync(environment('conda', 'bin/python'), ['-m', 'pip', ...command], { stdio: ['ignore', 'ignore', 'inherit'] });
}

function environment(name: string, path: string): string {
	const found = join(clone, '.cache/venv', name, path);
	if (!existsSync(found)) throw new Error(`the environment ${name} is missing: node scripts/setup.mjs --tests makes it`);
	return found;
}
