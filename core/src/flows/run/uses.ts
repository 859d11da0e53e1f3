import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
	CellarError,
	encodeName,
	fsPath,
	type CellNames,
	type CellUse,
	type Facts,
	type FileFact,
	type Name,
	type Run,
	type ScriptUse,
	type View,
} from '../../model/index.ts';
import { askApart } from '../../kernel/index.ts';
import { loadAnalyser, modulesByCell, namesReader, readerApart, type CodeCell } from '../../notebook/index.ts';
import type { Blobs } from '../../store/index.ts';
import { absolute, moduleFiles } from './program.ts';

/** What the text of each code cell names. Cells of a language that is not read yet name nothing. */
export async function usesOf(cells: readonly CodeCell[], language: string): Promise<readonly CellUse[]> {
	const sources = cells.map((cell) => cell.source);
	const read = namesReader(language);
	const names = language.toLowerCase() === 'python' ? await pythonNames(sources) : read === null ? null : sources.map(read);
	if (names === null) return [];
	const modules = modulesByCell(names);
	return cells.map((cell, at) => ({ number: cell.number, names: names[at]!, modules: modules[at] ?? [] }));
}

/**
 * What sources of Python name. Where a limit of address space, which batch systems set by the memory that a job asks for, leaves no room for
 * the analyser here, they are read in a process of its own.
 *
 * @throws CellarError CELLAR_NO_ADDRESS_SPACE
 */
async function pythonNames(sources: readonly string[]): Promise<readonly CellNames[]> {
	const analyser = await loadAnalyser().catch((cause: unknown) => {
		if (!(cause instanceof RangeError)) throw cause;
		return null;
	});
	if (analyser !== null) return sources.map((source) => analyser.cell(source));
	try {
		const names = await askApart(readerApart.program, readerApart.settings, sources);
		return names as readonly CellNames[]; // what apart.ts answers
	} catch (cause) {
		throw new CellarError(
			'CELLAR_NO_ADDRESS_SPACE',
			'what reads the code of cells gets no memory under this limit of address space',
			{ hint: 'raise the limit (ulimit -v), or ask the batch system for more memory', cause },
		);
	}
}

/** A program without a notebook that has run. */
interface Ran {
	readonly run: Run;
	readonly facts: Facts;
	readonly files: ReadonlyMap<Name, FileFact>;
	readonly blobs: Blobs;
	/** Where the run was not on this machine's files. */
	readonly view: View | null;
}

/** What the user's own text names in the run of a program: its command line, and the Python scripts that it ran. */
export async function usesOfProgram(o: Ran): Promise<readonly ScriptUse[]> {
	const { argv } = o.run.circumstances;
	const [command = ''] = argv;
	const at = runsPython.test(basename(command)) ? argv.findIndex((word) => word.startsWith('-c')) : -1;
	// `-c` is an argument of Python's own only before the script.
	const isOwn = at > 0 && argv.slice(1, at).every((word) => word.startsWith('-'));
	const code = isOwn ? argv[at]!.slice(2) || argv[at + 1] : '';
	const scripts: { readonly script: Name; readonly text: string }[] = [];
	for (const script of scriptsOf(o)) {
		const text = await textOf(script, o);
		if (text !== null) scripts.push({ script, text });
	}
	const [given, ...names] = await pythonNames([code ?? '', ...scripts.map(({ text }) => text)]);
	return [use(null, { ...given!, commands: [command] }), ...scripts.map(({ script }, at) => use(script, names[at]!))];
}

const runsPython = /^(python|pypy|ipython)[\d.]*$/;

function use(script: Name | null, names: CellNames): ScriptUse {
	return { script, names, modules: modulesByCell([names])[0] ?? [] };
}

/** The scripts that some Python of the run was told to run, and those that were executed themselves; a module that `-m` names too. */
function scriptsOf({ run, facts }: Ran): Set<Name> {
	const { argv, cwd } = run.circumstances;
	const found = new Set<Name>();
	const flag = argv.findIndex((word) => !/^-[^m]/.test(word) && word !== argv[0]);
	if (runsPython.test(basename(argv[0] ?? '')) && argv[flag] === '-m' && argv[flag + 1] !== undefined) {
		for (const path of moduleFiles(argv[flag + 1]!, cwd)) if (existsSync(path)) found.add(encodeName(Buffer.from(path)));
	}
	for (const exec of facts.execs) {
		if (/\.pyw?$/.test(exec.path)) found.add(exec.path);
		if (!runsPython.test(basename(exec.path))) continue;
		// Words that are no paths were hidden when they were recorded.
		const word = exec.argv.slice(1).find((one) => !one.startsWith('-') || /^-[cm]/.test(one));
		if (word !== undefined && !/^-|…/.test(word)) found.add(absolute(word, encodeName(Buffer.from(cwd))));
	}
	return found;
}

/** A script as it was before the run where that was kept, and otherwise as it is; null where it cannot be read. */
async function textOf(script: Name, { files, blobs, view }: Ran): Promise<string | null> {
	const blob = files.get(script)?.blobBefore ?? null;
	const place = view === null ? script : view.place(script, true);
	try {
		if (blob !== null && (await blobs.has(blob))) return await readFile(blobs.path(blob), 'utf8');
		return place === null ? null : await readFile(fsPath(place), 'utf8');
	} catch {
		// Gone, a folder, or not ours to read: then nothing is known to be named there.
		return null;
	}
}
