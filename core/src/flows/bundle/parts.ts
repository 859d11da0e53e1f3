import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Machine } from '../../dependencies/index.ts';
import { fsPath, type Name } from '../../model/index.ts';
import { version } from '../version.ts';
import type { BundlePart } from './make.ts';
import { packageOf, type BundledProgram } from './programs.ts';

/** Node and strace: what of them each package of this machine's brought, with its licence. */
export function programParts(
	folder: string,
	machine: Machine,
	programs: readonly {
		readonly name: string;
		readonly version: string;
		readonly path: string;
		readonly program: BundledProgram;
	}[],
): BundlePart[] {
	const parts = new Map<string, { version: string | null; files: string[]; from: Name }>();
	for (const one of programs) {
		for (const [place, from] of one.program.files) {
			const isOwn = place === `programs/${one.name}`;
			const owner = packageOf(from, machine);
			// What no package brought belongs to the program: it came with it.
			const name = owner?.name ?? one.name;
			const part = parts.get(name) ?? { version: owner === null ? one.version : owner.version, files: [], from };
			part.files.push(place);
			parts.set(name, isOwn ? { ...part, from } : part);
		}
	}
	return [...parts]
		.toSorted(([a], [b]) => (a < b ? -1 : 1))
		.map(([name, { version, files, from }]) => ({
			...{ name, version, license: null, files: files.toSorted() },
			licenses: copyLicenses(folder, name, [
				`/usr/share/doc/${name}/copyright`,
				...filesOf(`/usr/share/licenses/${name}`),
				// As Node's own archives have it.
				join(dirname(dirname(fsPath(from).toString())), 'LICENSE'),
			]),
		}));
}

/** Cellar itself; its licence stands beside its package, or above it in a clone. */
export function cellarsPart(folder: string, main: string): BundlePart {
	const above = [dirname(dirname(main)), dirname(dirname(dirname(main)))].map((each) => join(each, 'LICENSE'));
	const files = ['cellar-worker', 'programs/strace.sh', 'app/dist', 'app/node_modules/@cellar/core'];
	return { name: 'cellar', version, license: 'Apache-2.0', licenses: copyLicenses(folder, 'cellar', above), files };
}

function copyLicenses(folder: string, name: string, paths: readonly string[]): readonly string[] {
	const found = paths.filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
	return found.map((path) => {
		const place = join('licenses', name, path.split('/').at(-1) ?? '');
		mkdirSync(dirname(join(folder, place)), { recursive: true });
		copyFileSync(path, join(folder, place));
		return place;
	});
}

function filesOf(folder: string): string[] {
	return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}
