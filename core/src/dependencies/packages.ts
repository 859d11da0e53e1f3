import type { Ecosystem, Name } from '../model/index.ts';

/** A piece of software that owns files: a distribution, a system package, an interpreter, a module of the user's own. */
export interface Package {
	readonly ecosystem: Ecosystem;
	readonly name: string;
	readonly version: string | null;
	/** The folder below which it was installed. */
	readonly root: Name;
	/** Where it was installed from, where that is known: a URL, a commit, a folder. */
	readonly origin: Readonly<Record<string, unknown>> | null;
}

/** A package of the operating system's own. */
export function isSystems(one: Pick<Package, 'ecosystem'>): boolean {
	return one.ecosystem === 'deb' || one.ecosystem === 'rpm' || one.ecosystem === 'apk';
}

/** `numpy 2.3.5`, for a person. */
export function titleOf(one: Pick<Package, 'name' | 'version'>): string {
	return one.version === null ? one.name : `${one.name} ${one.version}`;
}
