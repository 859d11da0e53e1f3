import type { CellNames } from '../../model/index.ts';
import { looksLikePath, shellNames } from '../python/shell.ts';
import { wordSet } from '../python/words.ts';
import { cellNames, nothingFound, type Found } from './names.ts';

/** A piece of R's text that matters here; comments and blanks are none. */
interface Token {
	readonly kind: 'name' | 'string' | 'sign';
	/** A string's content, a name without its backticks. */
	readonly text: string;
}

/** They take a package by a bare name too, unless `character.only` says otherwise. */
const attaching = wordSet('library require');
/** They take it as a string. */
const loading = wordSet('requireNamespace loadNamespace attachNamespace');
const sourcing = wordSet('source sys.source');
/** Their first string is handed to a shell, or is a program's name. */
const starting = wordSet('system system2 shell pipe');
/** Their strings are files, whatever they look like. */
const opening = wordSet(`
	file gzfile bzfile xzfile readLines writeLines readRDS saveRDS load save scan file.exists read.csv read.csv2 read.table read.delim
	write.csv write.table read_csv read_tsv write_csv fread fwrite setwd sink
`);
const listing = wordSet('list.files list.dirs dir Sys.glob dir_ls');

/**
 * What a cell of R names: packages by `library(x)`, `require(x)`, `requireNamespace("x")` and `x::y`, files, the scripts that
 * `source("x.R")` runs, and the commands of `system("x")`. Read from its text and never run; what is computed is not known.
 */
export function rNames(source: string): CellNames {
	const tokens = tokensOf(source);
	const found = nothingFound();
	tokens.forEach((token, at) => {
		if (token.kind === 'string' && looksLikePath(token.text)) addPath(token.text, found);
		if (token.kind === 'sign') return;
		const next = tokens[at + 1];
		if (next?.kind !== 'sign') return;
		if (/^:::?$/.test(next.text)) found.packages.add(token.text);
		else if (next.text === '(' && token.kind === 'name') readCall(token.text, argumentsOf(tokens, at + 1), found);
	});
	return cellNames(found);
}

/** One argument of a call: its name, if it has one, and its tokens. */
interface Argument {
	readonly name: string | null;
	readonly tokens: readonly Token[];
}

function readCall(called: string, given: readonly Argument[], found: Found): void {
	const first = (name: string) => given.find((one) => one.name === name) ?? given.find((one) => one.name === null);
	const string = (one: Argument | undefined) =>
		one?.tokens.length === 1 && one.tokens[0]?.kind === 'string' ? one.tokens[0].text : null;
	if (attaching.has(called) || loading.has(called)) {
		const one = first('package');
		const isComputed =
			loading.has(called) ||
			given.some((each) => each.name === 'character.only' && each.tokens[0]?.text.startsWith('F') !== true);
		const [token] = one?.tokens ?? [];
		if (one?.tokens.length === 1 && token !== undefined && token.kind !== 'sign' && (token.kind === 'string' || !isComputed))
			found.packages.add(token.text);
	} else if (sourcing.has(called)) {
		const file = string(first('file'));
		if (file === null || /^[a-z]+:\/\//.test(file)) return;
		found.runs.add(file);
		addPath(file, found);
	} else if (starting.has(called)) {
		const text = string(first(called === 'pipe' ? 'description' : 'command'));
		if (text === null) return;
		const { commands, paths, lists } = shellNames(text);
		for (const command of commands) found.commands.add(command);
		for (const path of paths) addPath(path, found);
		found.lists ||= lists;
	} else if (listing.has(called)) found.lists = true;
	else if (opening.has(called)) for (const one of given) addPath(string(one) ?? '', found);
}

function addPath(text: string, found: Found): void {
	if (/[*?]/.test(text)) found.lists ||= true;
	else if (text !== '' && !/[\n{}%]/.test(text) && !/^[a-z]+:\/\//.test(text)) found.paths.add(text);
}

/** The arguments of the call whose bracket opens at `open`; what is within inner brackets stays with its argument. */
function argumentsOf(tokens: readonly Token[], open: number): Argument[] {
	const found: { name: string | null; tokens: Token[] }[] = [{ name: null, tokens: [] }];
	let depth = 0;
	for (const token of tokens.slice(open + 1)) {
		const last = found.at(-1)!;
		const sign = token.kind === 'sign' ? token.text : '';
		if (depth === 0 && sign === ')') break;
		if (depth === 0 && sign === ',') {
			found.push({ name: null, tokens: [] });
			continue;
		}
		if (depth === 0 && sign === '=' && last.name === null && last.tokens.length === 1) {
			last.name = last.tokens.pop()?.text ?? null;
			continue;
		}
		if (/^[([{]$/.test(sign)) depth++;
		else if (/^[)\]}]$/.test(sign)) depth--;
		last.tokens.push(token);
	}
	return found.filter((one) => one.tokens.length > 0);
}

/**
 * A comment, a raw string, a string, a name in backticks, a name, a number, an operator that could be taken for another, or one sign.
 * A string without an end goes to the end of the cell.
 */
const pieces =
	/#[^\n]*|[rR](["'])(-*)([([{])([\s\S]*?)[)\]}]\2\1|"((?:\\[\s\S]|[^"\\])*)(?:"|$)|'((?:\\[\s\S]|[^'\\])*)(?:'|$)|`([^`]*)(?:`|$)|([\p{L}.][\p{L}\p{N}._]*)|\d[\w.]*|:::?|[=!<>]=|<<?-|->>?|%[^%\n]*%|\S/gu;

function tokensOf(source: string): Token[] {
	const tokens: Token[] = [];
	for (const match of source.matchAll(pieces)) {
		const [text, , , , raw, double, single, quoted, name] = match;
		if (text.startsWith('#')) continue;
		const string = raw ?? double ?? single;
		if (string !== undefined) tokens.push({ kind: 'string', text: raw ?? unescaped(string) });
		else if (quoted !== undefined || name !== undefined) tokens.push({ kind: 'name', text: quoted ?? name ?? '' });
		else tokens.push({ kind: 'sign', text });
	}
	return tokens;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

function unescaped(text: string): string {
	return text.replace(/\\([\s\S])/g, (_, letter: string) => escapes[letter] ?? letter);
}
