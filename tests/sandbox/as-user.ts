import { spawnSync } from 'node:child_process';
import { accessSync, chmodSync, constants, copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { scratch } from './root.ts';
import type { Story, Told } from './story.ts';

const here = dirname(fileURLToPath(import.meta.url));
const user = 'cellar-test';

/** All our code in one file, `tell.mjs`, with the script beside it: a program that another user can run, or that can be killed. */
export async function bundle(): Promise<string> {
	const folder = scratch();
	await build({
		configFile: false,
		logLevel: 'error',
		build: {
			ssr: join(here, 'tell.ts'),
			outDir: folder,
			emptyOutDir: false,
			rollupOptions: { output: { entryFileNames: 'tell.mjs' } },
		},
		ssr: { noExternal: true },
	});
	copyFileSync(join(here, '../../core/src/sandbox/overlay.sh'), join(folder, 'overlay.sh'));
	return folder;
}

/** Tells a story as an ordinary user, who owns the root and the work folder: all our code runs as that user, not only the sandbox. */
export async function storyAsUser(options: Told): Promise<Story> {
	const folder = await bundle();
	const told = spawnSync(asUser[0] ?? '', [...asUser.slice(1), nodeFor(folder), join(folder, 'tell.mjs')], {
		input: JSON.stringify(options),
		encoding: 'utf8',
		env: { PATH: process.env['PATH'] ?? '' },
	});
	if (told.status !== 0) throw new Error(told.stderr);
	// What tell.ts printed.
	return JSON.parse(told.stdout) as Story;
}

const isRoot = process.getuid?.() === 0;
const asUser = isRoot ? ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'] : ['env'];

/** Makes the ordinary user the owner of a tree. */
export function giveToUser(tree: string): void {
	if (!isRoot) return;
	const given = spawnSync('chown', ['-R', `${user}:${user}`, tree], { encoding: 'utf8' });
	if (given.status !== 0) throw new Error(`${given.stderr} (npm run setup -- --tests makes the user)`);
}

/** A Node that the user may run: ours, or a copy where ours lies in a closed folder. */
function nodeFor(folder: string): string {
	const tried = spawnSync(asUser[0] ?? '', [...asUser.slice(1), process.execPath, '--version']);
	if (tried.status === 0) return process.execPath;
	accessSync(process.execPath, constants.R_OK);
	mkdirSync(join(folder, 'bin'));
	copyFileSync(process.execPath, join(folder, 'bin/node'));
	chmodSync(join(folder, 'bin/node'), 0o755);
	return join(folder, 'bin/node');
}
