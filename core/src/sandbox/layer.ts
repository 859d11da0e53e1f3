import { chmodSync, mkdirSync, mkdtempSync, rmdirSync, statSync, symlinkSync, unlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CellarError } from '../model/index.ts';
import { snapshotOf, writtenInCopy } from './copy.ts';
import { list, writtenInOverlay } from './overlay.ts';
import { findProgram, run } from './process.ts';
import { fromText, kindOf, onDisk, type Path } from './places.ts';
import type { Written } from './runner.ts';

/** The script that mounts; a file beside this one, in the sources and in what is built. */
export const script: string = fileURLToPath(new URL('./overlay.sh', import.meta.url));

/** The command that begins a user namespace of our own, in which even root has no rights over this machine. */
export function unshared(env: NodeJS.ProcessEnv): readonly string[] | null {
	const unshare = findProgram('unshare', env);
	return unshare === null ? null : [unshare, '-Urm', '/bin/sh', script];
}

/** A writable tree that starts as a root and leaves the root as it is. */
export interface Layer {
	readonly kind: 'overlay' | 'copy';
	/** The sandbox's own folder, which the script is told. */
	readonly folder: string;
	/** What the program sees as `/`: only inside the script's namespace where it is an overlay. */
	readonly merged: string;
	/** @param made what the runner itself made there, and is not the program's doing */
	written(made: ReadonlySet<Path>): Promise<readonly Written[]>;
	remove(): void;
}

/**
 * Makes the folder of one sandbox below `work`.
 *
 * @param folders folders that must be there before the program starts, inside
 * @throws CellarError CELLAR_NO_SANDBOX where only an overlay will do and none is allowed
 */
export async function makeLayer(o: {
	root: string;
	work: string;
	wanted: 'auto' | 'overlay' | 'copy';
	folders: readonly Path[];
	env: NodeJS.ProcessEnv;
}): Promise<Layer> {
	mkdirSync(o.work, { recursive: true });
	const folder = mkdtempSync(`${o.work}/sandbox-`);
	const root = fromText(o.root);
	try {
		const refused = o.wanted === 'copy' ? 'a copy was asked for' : await prepareOverlay(o.root, folder, o.env);
		if (refused === null) {
			// The upper folder's mode becomes that of `/`.
			chmodSync(`${folder}/upper`, statSync(o.root).mode & 0o7777);
			for (const path of o.folders) makeFolder(`${fromText(folder)}/upper`, path);
			return {
				kind: 'overlay',
				folder,
				merged: `${folder}/merged`,
				written: (made) =>
					writtenInOverlay({ root, folder: fromText(folder), made, exists: (paths) => askMerged(folder, paths, o.env) }),
				remove: () => removeTree(folder),
			};
		}
		if (o.wanted === 'overlay') throw new CellarError('CELLAR_NO_SANDBOX', `an overlay was asked for and ${refused}`);
		removeTree(folder);
		mkdirSync(folder, { mode: 0o700 });
		await copyTree(o.root, `${folder}/merged`, o.env);
		for (const path of o.folders) makeFolder(`${fromText(folder)}/merged`, path);
		const before = snapshotOf(`${fromText(folder)}/merged`);
		return {
			kind: 'copy',
			folder,
			merged: `${folder}/merged`,
			written: (made) => Promise.resolve(writtenInCopy(`${fromText(folder)}/merged`, root, before, made)),
			remove: () => removeTree(folder),
		};
	} catch (error) {
		removeTree(folder);
		throw error;
	}
}

/** Lays the overlay's folders out and mounts it once. @returns why it cannot be, or null */
export async function prepareOverlay(root: string, folder: string, env: NodeJS.ProcessEnv): Promise<string | null> {
	for (const name of ['upper', 'work', 'merged']) mkdirSync(`${folder}/${name}`);
	chmodSync(`${folder}/upper`, 0o755);
	symlinkSync(root, `${folder}/lower`);
	const start = unshared(env);
	if (start === null) return 'unshare is not installed';
	const tried = await run([...start, folder, 'try'], env);
	return tried.code === 0 ? null : firstLine(tried.stderr) || `mounting it ended with ${tried.code}`;
}

function firstLine(text: string): string {
	return text.trim().split('\n')[0] ?? '';
}

/** Whether the merged tree has each path. Asked of the kernel again, read-only: only it knows which folders hide what lay below. */
async function askMerged(folder: string, paths: readonly Path[], env: NodeJS.ProcessEnv): Promise<readonly boolean[]> {
	const start = unshared(env);
	const lines = paths.map((path) => [...onDisk(path)].map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join(''));
	const told = start && (await run([...start, folder, 'view'], env, lines.map((line) => `${line}\n`).join('')));
	const answers = told?.stdout.trim().split('\n') ?? [];
	if (told?.code !== 0 || answers.length !== paths.length) {
		throw new CellarError(
			'CELLAR_NO_SANDBOX',
			`what the program wrote cannot be read off its overlay: ${firstLine(told?.stderr ?? '')}`,
		);
	}
	return answers.map((answer) => answer === '1');
}

async function copyTree(root: string, to: string, env: NodeJS.ProcessEnv): Promise<void> {
	mkdirSync(to);
	const copied = await run(['cp', '--reflink=auto', '-a', `${root}/.`, to], env);
	if (copied.code === 0) return;
	const full = copied.stderr.includes('No space left on device');
	throw new CellarError(
		full ? 'CELLAR_DISK_FULL' : 'CELLAR_NO_SANDBOX',
		`the image cannot be copied: ${firstLine(copied.stderr)}`,
		{ where: to },
	);
}

function makeFolder(tree: Path, path: Path): void {
	let here = tree;
	for (const word of path.split('/').filter(Boolean)) {
		here += `/${word}`;
		if (kindOf(here) === null) mkdirSync(onDisk(here), { mode: 0o755 });
	}
}

/** Removes a tree of ours, also where the kernel or the program left folders that nobody may enter and names that are not text. */
export function removeTree(folder: string): void {
	remove(fromText(folder));
}

function remove(path: Path): void {
	const kind = kindOf(path);
	if (kind === null) return;
	if (kind !== 'directory') return unlinkSync(onDisk(path));
	for (const name of list(path)) remove(`${path}/${name}`);
	rmdirSync(onDisk(path));
}
