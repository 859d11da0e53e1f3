import type { CellNames } from '../../model/index.ts';

/** What a scanner finds in a cell of a language other than Python. */
export interface Found {
	/** Packages, by the words that name them. */
	readonly packages: Set<string>;
	readonly paths: Set<string>;
	readonly commands: Set<string>;
	/** Files of code that the cell runs in its own session. */
	readonly runs: Set<string>;
	lists: boolean;
}

export function nothingFound(): Found {
	return { packages: new Set(), paths: new Set(), commands: new Set(), runs: new Set(), lists: false };
}

/** As the analyser of Python cells tells it: a package is an import that binds no name. */
export function cellNames(found: Found): CellNames {
	return {
		imports: [...found.packages].sort().map((module) => ({ module, names: null, bound: [] })),
		defines: [],
		uses: [],
		paths: [...found.paths].sort(),
		commands: [...found.commands].sort(),
		startsCoroutine: false,
		lists: found.lists,
		runs: [...found.runs].sort(),
		broken: false,
	};
}
