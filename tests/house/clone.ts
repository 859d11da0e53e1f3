import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SourceFile } from './graph.ts';

/** The clone's folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** What is made, installed or an editor's own, and so no part of the project. */
const skipped = ['.git', '.cache', '.idea', '.vscode', '.ipynb_checkpoints', '__pycache__', 'dist', 'node_modules'];
const made = /(\.tgz|\.tsbuildinfo|^core\/src\/notebook\/[^/]*\.wasm|^core\/src\/workers\/agent)$/;

/** The project's files by their paths from the clone's root. Read off the disk, so that a copy without git will do. */
export function projectFiles(folder = ''): readonly string[] {
	return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
		const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
		if (skipped.includes(entry.name) || made.test(path)) return [];
		return entry.isDirectory() ? projectFiles(path) : [path];
	});
}

export function read(path: string): string {
	return readFileSync(join(root, path), 'utf8');
}

/** The project's files whose paths fit, with their text. */
export function sources(pattern: RegExp): readonly SourceFile[] {
	return projectFiles()
		.filter((path) => pattern.test(path))
		.map((path) => ({ path, text: read(path) }));
}
