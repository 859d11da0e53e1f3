import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Machine } from '../../dependencies/index.ts';
import { fsPath, type Name } from '../../model/index.ts';
import { version } from '../version.ts';
import type { CodePackage } from './code.ts';
import { packageOf, type BundledProgram } from './programs.ts';

/** A part of a bundle and where it came from. */
export interface BundlePart {
	readonly name: string;
	readonly version: string | null;
	/** As it calls its licence; null where only the words are there. */
	readonly license: string | null;
	/** Files with the words of the licence, in the bundle. */
	readonly licenses: readonly string[];
	readonly files: readonly string[];
}

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
export function cellarsPart(folder: string, main: string, files: readonly string[]): BundlePart {
	const above = [dirname(dirname(main)), dirname(dirname(dirname(main)))].map((each) => join(each, 'LICENSE'));
	return { name: 'cellar', version, license: 'Apache-2.0', licenses: copyLicenses(folder, 'cellar', above), files };
}

function copyLicenses(folder: string, name: string, paths: readonly string[]): readonly string[] {
	const found = paths.filter(isFile);
	// Debian keeps the words of the common ones apart.
	const common = found.flatMap(
		(path) => readFileSync(path, 'latin1').match(/\/usr\/share\/common-licenses\/[\w-]+(?:\.\d+)?/g) ?? [],
	);
	return [...found, ...new Set(common.filter(isFile))].map((path) => {
		const at = path.includes('/common-licenses/') ? 'licenses/common-licenses' : join('licenses', name);
		const place = join(at, basename(path));
		mkdirSync(join(folder, at), { recursive: true });
		copyFileSync(path, join(folder, place));
		return place;
	});
}

function isFile(path: string): boolean {
	return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function filesOf(folder: string): string[] {
	return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

/** The packages of npm's, each with what it says of its licence itself. */
export function codeParts(folder: string, packages: readonly CodePackage[], cellars: BundlePart): BundlePart[] {
	return packages.map(({ name, version, license, folder: at }) => {
		const own = readdirSync(join(folder, at)).filter((file) => /^licen[cs]e/i.test(file));
		// One that only names it has the words in common with us.
		const common = own.length === 0 && license === cellars.license ? cellars.licenses : [];
		return { name, version, license, licenses: [...own.map((file) => join(at, file)), ...common], files: [at] };
	});
}
