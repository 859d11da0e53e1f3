import { wordSet } from './words.ts';

/** What a piece of shell text starts and names, read roughly: enough for whoever asks which programs and files the user named. */
export interface ShellNames {
	/** Programs: first words of simple commands; builtins and keywords are none. */
	readonly commands: readonly string[];
	/** Words that look like paths of files, and whatever a `<` or `>` leads from or to. */
	readonly paths: readonly string[];
	/** A `*`, or a program whose work it is to list. */
	readonly lists: boolean;
	/** Scripts that run in the shell itself: the words after `source` and `.`. */
	readonly sources: readonly string[];
}

const keywords = wordSet('if then else elif fi do done while until esac { } ! time ( )');
const builtins = wordSet(`
	. : [ [[ alias bg break cd continue declare echo eval exit export false fg getopts hash jobs kill let local printf pwd
	read readonly return set shift shopt source test trap true type ulimit umask unalias unset wait
`);
/** Programs that start the program in their next plain word. */
const starters = wordSet('sudo env nohup nice exec command xargs builtin time stdbuf setsid timeout');
const listers = wordSet('ls ll la lf lk ldir lx dir find tree du');

export function shellNames(text: string): ShellNames {
	const commands = new Set<string>();
	const paths = new Set<string>();
	const sources = new Set<string>();
	let lists = false;
	for (const simple of simpleCommands(text)) {
		for (const word of programsOf(simple)) {
			if (!builtins.has(word)) commands.add(word);
			if (listers.has(word)) lists = true;
		}
		const sourced = sourcedBy(simple);
		if (sourced !== null) sources.add(sourced);
		for (const { text: word, after, quoted } of simple) {
			if (/[*?]/.test(word) && !quoted) {
				lists = true;
				continue;
			}
			const value = word.replace(/^--?[\w-]+=/, '');
			const looks = after === '' ? looksLikePath(value) || isFileOf(simple, word) : /^[<>]/.test(after) && !after.endsWith('&');
			if (looks && !/[$`{}]/.test(value)) paths.add(value);
		}
	}
	return { commands: [...commands], paths: [...paths], lists, sources: [...sources] };
}

/** Programs whose plain words are files, whatever they look like: `cat LICENSE`. */
const readers = wordSet(`
	cat head tail less more wc sort uniq ls cp mv rm mkdir du diff cmp file stat touch tar zip unzip gzip gunzip md5sum
	sha256sum python python3 bash sh Rscript perl source .
`);

function isFileOf(words: readonly Word[], word: string): boolean {
	const [first, ...rest] = words;
	return readers.has(first?.text ?? '') && rest.some(({ text }) => text === word) && /^[^-\d$\n]/.test(word);
}

interface Word {
	readonly text: string;
	/** The redirection just before it; empty for an ordinary word. */
	readonly after: string;
	readonly quoted: boolean;
}

function sourcedBy(words: readonly Word[]): string | null {
	const plain = words.filter(({ text, after }) => after === '' && !keywords.has(text));
	const [first, script] = plain;
	if (first?.text !== '.' && first?.text !== 'source') return null;
	return script === undefined || /[$`*?]/.test(script.text) ? null : script.text;
}

function programsOf(words: readonly Word[]): string[] {
	const found: string[] = [];
	let expected = true;
	for (const { text, after } of words) {
		if (after !== '') continue;
		if (expected && (keywords.has(text) || /^[A-Za-z_]\w*=/.test(text))) continue;
		if (found.length > 0 && expected && (text.startsWith('-') || /^\d+[smh]?$/.test(text))) continue;
		if (!expected) continue;
		if (text === 'for' || text === 'case' || text === 'select' || text === 'function') return found;
		if (/[$`]/.test(text)) return found;
		found.push(text);
		expected = starters.has(text);
	}
	return found;
}

/** A string that a person would take for the path of a file: it has a slash, a suffix, or starts as hidden files and homes do. */
export function looksLikePath(text: string): boolean {
	if (text.length < 2 || text.length > 1024 || text !== text.trim()) return false;
	// oxlint-disable-next-line no-control-regex -- no path that a person writes has them
	if (/[\x00-\x1f<>|"]/.test(text) || /^-|^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return false;
	return /[^/]\/|\/[^/\s]/.test(text) || /[\w)]\.[A-Za-z]\w{0,9}$/.test(text) || /^~|^\.[A-Za-z]\w+$/.test(text);
}

/** Splits text into simple commands, and these into words; the insides of `$( )` and backticks are commands too. */
function simpleCommands(text: string): Word[][] {
	const commands: Word[][] = [[]];
	let after = '';
	const source = withoutHereDocuments(text.replace(/\\\n/g, ' '));
	const inner: string[] = [];
	for (const token of source.match(tokens) ?? []) {
		if (/^[;\n|&()]+$/.test(token)) {
			commands.push([]);
			after = '';
		} else if (/^\d*(<<<|<|>>|>\||>|&>>|&>)&?$/.test(token)) {
			after = token.replace(/^\d+/, '');
		} else if (!/^\s/.test(token) && !token.startsWith('#')) {
			for (const match of token.matchAll(/\$\(([^()]*)\)|`([^`]*)`/g)) inner.push(match[1] ?? match[2] ?? '');
			commands.at(-1)!.push({ text: unquoted(token), after, quoted: /^['"]/.test(token) });
			after = '';
		}
	}
	return [...commands, ...inner.flatMap(simpleCommands)].filter((words) => words.length > 0);
}

/** A comment, an operator, a redirection, blanks, or a word with its quotes and what is within `$( )`. */
const tokens =
	/(?<![^\s;&|()])#[^\n]*|\d*(?:<<<|<|&>>|&>|>>|>\||>)&?|[;\n|&()]+|[^\S\n]+|(?:\\.|'[^']*'|"(?:\\[\s\S]|[^"\\])*"|\$\([^()]*\)|`[^`]*`|[^\s;|&()<>'"\\`]|['"`\\])+/g;

function unquoted(word: string): string {
	return word.replace(/\\(.)|'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"/g, (_, escaped?: string, single?: string, double?: string) => {
		return escaped ?? single ?? (double ?? '').replace(/\\(["\\$`])/g, '$1');
	});
}

/** The text that `<<END` … `END` feeds to a command is no command. */
function withoutHereDocuments(text: string): string {
	return text
		.replace(/(<<-?\s*(['"]?)([A-Za-z_]\w*)\2[^\n]*\n)[\s\S]*?(?:\n\s*\3(?=\n|$)|$)/g, '$1')
		.replace(/<<-?\s*(['"]?)[A-Za-z_]\w*\1/g, ' ');
}
