import { readFileSync, statSync } from 'node:fs';
import type { Judgement } from '../../dependencies/index.ts';
import { CellarError, findSecrets, fsPath, type FileFact, type Name, type Run } from '../../model/index.ts';
import { firstOf } from '../run/paths.ts';
import type { SourceSecret } from './given.ts';

/** Stops where a repeat cannot do without what nobody but the user may hand on. @throws CellarError CELLAR_SECRET_IN_SOURCE */
export function refuseSecrets(found: readonly SourceSecret[], run: Run): void {
	if (found.length === 0) return;
	const all = firstOf(found.map(({ where, kinds }) => `${where} (${kinds.join(', ')})`));
	throw new CellarError('CELLAR_SECRET_IN_SOURCE', `what looks like a secret would be in the image: ${all}`, {
		where: run.notebook ?? run.run,
		hint: 'read it from a file or a variable and audit again, or pack it as it is by --with-secrets',
	});
}

/** A module of the user's own larger than this is not looked through; bytes. */
const largestModule = 1 << 20;

/** The user's own modules that are packed, and the names of files, that hold what its own letters tell to be a secret. */
export function secretsNamed(
	{ verdicts }: Judgement,
	files: ReadonlyMap<Name, FileFact>,
	packed: ReadonlySet<Name>,
): readonly SourceSecret[] {
	const found: SourceSecret[] = [];
	const add = (where: string, text: string) => {
		const kinds = [...new Set(findSecrets(text, null, true).map(({ kind }) => kind))];
		if (kinds.length > 0) found.push({ where, kinds });
	};
	for (const path of files.keys()) add(`the name ${path}`, path);
	for (const [path, { rule }] of verdicts) {
		const state = rule === 'own module' && packed.has(path) ? statSync(fsPath(path), { throwIfNoEntry: false }) : undefined;
		if (state?.isFile() === true && state.size <= largestModule) add(path, readFileSync(fsPath(path), 'utf8'));
	}
	return found;
}
