import { fileURLToPath } from 'node:url';
import { Language, Parser, type Node } from 'web-tree-sitter';
import type { CellImport, CellNames } from '../../model/index.ts';
import { isBroken, listsIn, pathsIn, startsCoroutineIn } from './hints.ts';
import { importsIn } from './imports.ts';
import { listedIn } from './listed.ts';
import { takeApart, type Taken } from './magics.ts';
import { globalNames } from './scopes.ts';
import { looksLikePath, shellNames } from './shell.ts';

/** Reads the source of Python cells. */
export interface Analyser {
	/**
	 * What a cell names, read from its text and never run. It never throws: of a source that is not Python 3 it tells what could be read, and
	 * says `broken`.
	 */
	cell(source: string): CellNames;
}

let loading: Promise<Analyser> | null = null;

/**
 * The analyser of Python cells; its grammar is read once.
 *
 * @throws RangeError where a limit of address space leaves no room for the grammar: it is WebAssembly, for whose memory Node reserves
 *   gigabytes that it never uses
 */
export function loadAnalyser(): Promise<Analyser> {
	loading ??= load();
	return loading;
}

/** The program that reads cells for whom there is no room here (apart.ts), and how Node is to be started for it: it reserves no more than it uses then. */
export const readerApart = {
	program: fileURLToPath(new URL('./apart.js', import.meta.url)),
	settings: ['--disable-wasm-trap-handler'],
} as const;

async function load(): Promise<Analyser> {
	await Parser.init();
	const python = await Language.load(fileURLToPath(new URL('../tree-sitter-python.wasm', import.meta.url)));
	const parser = new Parser();
	parser.setLanguage(python);
	return { cell: (source) => read(parser, source) };
}

interface Facts {
	readonly imports: CellImport[];
	readonly defines: Set<string>;
	readonly uses: Set<string>;
	readonly paths: Set<string>;
	readonly commands: Set<string>;
	readonly runs: Set<string>;
	startsCoroutine: boolean;
	lists: boolean;
	/** Null where not all of them are known. */
	listed: string[] | null;
	broken: boolean;
}

function read(parser: Parser, source: string): CellNames {
	const taken = takeApart(source);
	const facts: Facts = {
		imports: [],
		defines: new Set(taken.binds),
		uses: new Set(),
		paths: new Set(),
		commands: new Set(),
		runs: new Set(),
		startsCoroutine: false,
		lists: false,
		listed: [],
		broken: false,
	};
	withTree(parser, taken.python, (root) => {
		const broken = isBroken(root);
		facts.broken = broken;
		if (taken.certain || !broken) readPython(root, facts);
	});
	for (const statement of taken.statements) withTree(parser, statement, (root) => readPython(root, facts));
	for (const expression of taken.expressions) {
		withTree(parser, expression, (root) => {
			if (!isBroken(root)) addAll(facts.uses, globalNames(root).uses);
		});
	}
	for (const program of taken.programs) withTree(parser, program, (root) => readProgram(root, facts));
	for (const text of taken.shell) readShell(text, facts);
	for (const magic of taken.magics) readMagic(magic, facts);
	return {
		imports: facts.imports,
		defines: sorted(facts.defines),
		uses: sorted(facts.uses),
		paths: sorted(facts.paths),
		commands: sorted(facts.commands),
		startsCoroutine: facts.startsCoroutine,
		lists: facts.lists,
		...(facts.lists && facts.listed !== null ? { listed: sorted(new Set(facts.listed)) } : {}),
		runs: [...facts.runs],
		broken: facts.broken,
	};
}

function withTree(parser: Parser, text: string, read: (root: Node) => void): void {
	const tree = parser.parse(text);
	if (tree === null) return; // only where a parse is cancelled
	try {
		read(tree.rootNode);
	} finally {
		tree.delete();
	}
}

function readPython(root: Node, facts: Facts): void {
	const { defines, uses } = globalNames(root);
	addAll(facts.defines, defines);
	addAll(facts.uses, uses);
	facts.imports.push(...importsIn(root));
	addAll(facts.paths, pathsIn(root));
	noteListing(root, facts);
	facts.startsCoroutine ||= startsCoroutineIn(root);
}

function noteListing(root: Node, facts: Facts): void {
	if (!listsIn(root)) return;
	const listed = listedIn(root);
	facts.lists = true;
	facts.listed = facts.listed === null || listed === null ? null : [...facts.listed, ...listed];
}

/** A program of its own: the user named what it imports, but its names are not the notebook's. */
function readProgram(root: Node, facts: Facts): void {
	facts.imports.push(...importsIn(root).map((found) => ({ ...found, bound: [] })));
	addAll(facts.paths, pathsIn(root));
	noteListing(root, facts);
}

function readShell(text: string, facts: Facts): void {
	const found = shellNames(text);
	addAll(facts.commands, found.commands);
	addAll(facts.paths, found.paths);
	if (found.lists) [facts.lists, facts.listed] = [true, null];
}

function readMagic({ name, rest }: Taken['magics'][number], facts: Facts): void {
	const words = rest.match(/"[^"]*"|'[^']*'|\S+/g)?.map((word) => word.replace(/^(["'])(.*)\1$/, '$2')) ?? [];
	for (const word of words) if (looksLikePath(word) && !/[*${}]/.test(word)) facts.paths.add(word);
	const plain = words.filter((word) => !word.startsWith('-'));
	if (name === 'run') readRun(words, facts);
	else if (name === 'load_ext' || name === 'reload_ext') facts.imports.push(...plain.map((module) => importOf(module)));
	else if (name === 'matplotlib') facts.imports.push(importOf('matplotlib'));
	else if (name === 'pylab') readPylab(facts);
	else if ((name === 'cd' || name === 'writefile' || name === 'file') && plain[0] !== undefined) facts.paths.add(plain[0]);
}

/** `%run [-options] file [arguments]`, `%run -m module [arguments]`. */
function readRun(words: readonly string[], facts: Facts): void {
	const first = words.findIndex((word, at) => !word.startsWith('-') && !/^-[lNs]$/.test(words[at - 1] ?? ''));
	const target = words[first];
	if (target === undefined) return;
	if (words[first - 1] === '-m') {
		facts.imports.push(importOf(target));
		return;
	}
	facts.runs.add(target);
	facts.paths.add(target);
}

/** `%pylab` fills the namespace from two libraries. */
function readPylab(facts: Facts): void {
	facts.imports.push(
		{ module: 'numpy', names: null, bound: ['np', 'numpy'] },
		{ module: 'matplotlib.pyplot', names: null, bound: ['plt', 'pyplot'] },
		{ module: 'matplotlib.pylab', names: ['*'], bound: [] },
	);
	addAll(facts.defines, ['np', 'numpy', 'plt', 'pyplot']);
}

function importOf(module: string): CellImport {
	return { module, names: null, bound: [] };
}

function addAll<Item>(to: Set<Item>, items: Iterable<Item>): void {
	for (const item of items) to.add(item);
}

function sorted(names: ReadonlySet<string>): readonly string[] {
	return [...names].sort();
}
