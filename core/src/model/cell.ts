import type { Name } from './names.ts';

/** One import of a cell, as it stands there: `import a.b as c`, `from a.b import c as d`, `importlib.import_module('a.b')`. */
export interface CellImport {
	/** Dotted; leading dots where it is relative: `.helpers`. */
	readonly module: string;
	/** What `from … import` asks for by its own name: modules or things in them; `['*']` for a star; null for `import m`. */
	readonly names: readonly string[] | null;
	/** The names that it binds where it stands: `a` for `import a.b`, `d` for `import c as d`, `e` for `e = import_module('f')`. Empty for a star. */
	readonly bound: readonly string[];
}

/** What the source of one code cell names, read without running it. It is what the user wrote, not what happened. */
export interface CellNames {
	readonly imports: readonly CellImport[];
	/** Global names that the cell binds or deletes, imports included; sorted. */
	readonly defines: readonly string[];
	/** Global names (builtins included) that the cell reads, in functions and classes too; sorted. */
	readonly uses: readonly string[];
	/** String literals and words of magics and shell lines that look like paths of files, or are handed to what opens files; sorted. */
	readonly paths: readonly string[];
	/** The programs that `!` and `%%bash` lines start: first words of their commands; sorted. */
	readonly commands: readonly string[];
	/** It starts something that may go on in the event loop after the cell: `create_task`, `ensure_future`, `call_later`, … */
	readonly startsCoroutine: boolean;
	/** It names `glob`, `listdir`, `scandir`, `iterdir`, `walk`, or a `*` in a path: a listing of a folder may be meant. */
	readonly lists: boolean;
	/** These folders, as written, where the text tells all of them; `''` is the working folder. */
	readonly listed?: readonly string[];
	/** The files that `%run` runs, as written. */
	readonly runs: readonly string[];
	/** Not Python 3 as a whole (a syntax error, Python 2, another language): the other fields hold what could still be read. */
	readonly broken: boolean;
}

/** A module that a cell imports, or uses by a name that an import of an earlier cell bound. */
export interface CellModule {
	/** Dotted. `from a.b import c` gives `a.b` and `a.b.c`, since the text cannot tell whether `c` is a module. */
	readonly module: string;
	readonly bound: 'here' | 'earlier';
}

/**
 * What the text of a program without a notebook names: of its command line, or of a script that it ran. Like a cell's text, it
 * is the user's own.
 */
export interface ScriptUse {
	/** The script, as the run used it; null for the command line. */
	readonly script: Name | null;
	readonly names: CellNames;
	readonly modules: readonly CellModule[];
}

/** All that is known of one code cell's text: what dependencies are judged `named` by. */
export interface CellUse {
	/** The N-th code cell from the top, from 1. */
	readonly number: number;
	readonly names: CellNames;
	readonly modules: readonly CellModule[];
}
