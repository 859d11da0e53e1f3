import type { Name, SetAsideKind } from '../../model/index.ts';
import type { Package } from '../packages.ts';
import type { World } from '../world.ts';

/** A path that is asked about. */
export interface Question {
	/** As it was opened, made absolute. */
	readonly path: Name;
	/** The path and its other names, links resolved: of its folder, then of itself. The first is `path`. */
	readonly names: readonly Name[];
	readonly folder: boolean;
	/** The run itself put it there. */
	readonly made: boolean;
	/** Its name or its content is that of a credential: only a package's own list makes it anything else. */
	readonly secret: boolean;
}

/** What an owner says of a path. */
export type Answer =
	| {
			readonly is: 'software';
			/** Null for a folder that several packages share. */
			readonly package: Package | null;
			readonly rule: string;
			readonly reason: string;
			/** Whether opening it is use: metadata, folders and start-up files that every Python reads are none. */
			readonly counts: boolean;
			/** The system package that brought it too: both are listed. */
			readonly also?: Package;
	  }
	/** Another file stands for it, and is asked about in its place. */
	| { readonly is: 'compiled'; readonly source: Name }
	| {
			readonly is: SetAsideKind | 'unknown';
			readonly package: Package | null;
			readonly rule: string;
			readonly reason: string;
	  };

/** A way to know whose a file is: a package manager, a language's installer, a folder that is the system's. */
export interface OwnerFinder {
	readonly name: string;
	/** It answers by a package's own list of files, which also settles what is secret: what a package brought is public. */
	readonly byList: boolean;
	/** Makes ready what all questions share. */
	readonly open: (world: World) => Asker;
}

/** Answers questions; null means: not mine. */
export interface Asker {
	(question: Question): Answer | null;
	/** False for a folder in which no file is mine, whatever it is called. Asked once for each folder; without it, any may be. */
	readonly mayOwnIn?: (folder: Name) => boolean;
}
