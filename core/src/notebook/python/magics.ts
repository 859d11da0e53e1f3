import { wordSet } from './words.ts';

/**
 * What IPython adds to Python, taken out of a cell's source: magics, shell commands, help. Each is masked by as many characters as it
 * had, so that what is left is Python with every position as it was.
 */

/** A cell's source, taken apart. */
export interface Taken {
	/** As long as the source; Python where it was Python, `0` and spaces where something else stood. */
	readonly python: string;
	/** False where the body belongs to a cell magic that is not known: only what reads as Python as a whole counts. */
	readonly certain: boolean;
	/** Python statements within magics: what `%time` times, the setup of `%%timeit`. */
	readonly statements: readonly string[];
	/** Expressions of Python that IPython puts into a shell line before it runs: `{name}`, `$name`. */
	readonly expressions: readonly string[];
	/** Shell text: lines after `!`, `%sx`, `%pip`, bodies of `%%bash`. */
	readonly shell: readonly string[];
	/** Other magics, by name and with the rest of their line. */
	readonly magics: readonly { readonly name: string; readonly rest: string }[];
	/** Programs in other cells' clothes: the body of `%%python3`, which runs in a process of its own. */
	readonly programs: readonly string[];
	/** Names that a magic binds: `%%capture name`, `--out name`. */
	readonly binds: readonly string[];
}

type Found = { -readonly [K in keyof Taken]: Taken[K] extends readonly (infer Item)[] ? Item[] : Taken[K] };

/** Their line, or body, is Python that runs in the notebook's own namespace. */
const timers = wordSet('time timeit prun memit mprun lprun');
const shells = wordSet('bash sh zsh ksh ! sx system');
const pythons = wordSet('python python2 python3 pypy');
const otherLanguages = wordSet(`
	html HTML javascript js latex markdown svg SVG perl ruby R julia sql bigquery cython writefile file mermaid css
`);
/** Line magics that hand their line to the shell as it is. */
const aliases = wordSet(`
	ls ll la lf lk ldir lx cat cp mv rm mkdir rmdir less more man pip pip3 conda mamba micromamba uv
`);
const automatic = wordSet('cd pwd env who whos pdoc history run matplotlib time timeit load_ext');

export function takeApart(source: string): Taken {
	const found: Found = {
		python: source,
		certain: true,
		statements: [],
		expressions: [],
		shell: [],
		magics: [],
		programs: [],
		binds: [],
	};
	takeCellMagics(found);
	if (found.python.trim() !== '') takeLines(found);
	return found;
}

/** Cell magics, from the first line on: one may stand within another (`%%capture` over `%%time`). */
function takeCellMagics(found: Found): void {
	for (;;) {
		const head = /^\s*%%(!|[^\s!]\S*)([^\n]*)(?:\n|$)/.exec(found.python);
		if (head === null) return;
		const [whole, name = '', rest = ''] = head;
		const body = found.python.slice(whole.length);
		const program = name === 'script' ? (/(?:^|\s)(?!-)(\S+)/.exec(rest)?.[1] ?? '').replace(/^.*\//, '') : name;
		found.magics.push({ name, rest });
		found.binds.push(...boundBy(name, rest));
		found.python = blank(whole) + body;
		if (shells.has(program)) {
			found.shell.push(body);
			if (name === '!' || name === 'sx' || name === 'system') found.shell.push(rest);
		} else if (pythons.has(program)) {
			found.programs.push(body);
			found.shell.push(program);
		} else if (name === 'script') {
			found.shell.push(rest.replace(/(^|\s)--?\S+/g, ' '));
		}
		if (timers.has(name)) {
			found.statements.push(withoutOptions(rest));
		} else if (shells.has(program) || pythons.has(program) || otherLanguages.has(program) || name === 'script') {
			found.python = blank(found.python);
			return;
		} else if (name !== 'capture' && name !== 'px') {
			found.certain = false;
		}
	}
}

function boundBy(name: string, rest: string): string[] {
	if (name === 'capture') return rest.match(/(?<=^|\s)[A-Za-z_]\w*/g) ?? [];
	return [...rest.matchAll(/--(?:out|err|proc)[ =]+([A-Za-z_]\w*)/g)].map((match) => match[1]!);
}

/** Magics, commands and help at the start of a statement; what stands within a string or between brackets is Python. */
function takeLines(found: Found): void {
	const lines = found.python.split('\n');
	if (lines.filter((line) => line.trim() !== '').length === 1) takeAutomatic(lines, found);
	const scanner = { depth: 0, quote: '', continued: false };
	for (let at = 0; at < lines.length; at++) {
		const isStart = scanner.depth === 0 && scanner.quote === '' && !scanner.continued;
		const first = lines[at]!;
		const masked = isStart ? takeLine(first, () => continuation(lines, at), found) : null;
		if (masked === null) {
			scan(first, scanner);
			continue;
		}
		const last = at + continuation(lines, at).length;
		lines[at] = masked;
		while (at < last) lines[++at] = blank(lines[at]!);
	}
	found.python = lines.join('\n');
}

/** The lines that a magic's backslashes at the ends of lines add to it. */
function continuation(lines: readonly string[], at: number): readonly string[] {
	let end = at;
	while (lines[end]!.endsWith('\\') && end + 1 < lines.length) end++;
	return lines.slice(at + 1, end + 1);
}

/** `ls data` alone in a cell is the magic `%ls data`, unless it goes on as Python would. */
function takeAutomatic(lines: string[], found: Found): void {
	const at = lines.findIndex((line) => line.trim() !== '');
	const match = /^([A-Za-z]\w*)(?:\s+(?![=+*/|&<>.,([]|-\s|(?:in|is|and|or|not|if)\b)(.*))?$/.exec(lines[at]!);
	if (match === null || !(automatic.has(match[1]!) || aliases.has(match[1]!))) return;
	takeMagic(match[1]!, match[2] ?? '', found);
	lines[at] = mask(lines[at]!);
}

/** The line with its magic masked; null where it has none. */
function takeLine(line: string, more: () => readonly string[], found: Found): string | null {
	const whole = () => [line, ...more()].map((part) => part.replace(/\\$/, ' ')).join(' ');
	const assigned = /^(\s*[\p{L}_*([](?:[\p{L}\p{N}_\s.,*()]|\[[^\]=]*\])*\]?\s*=\s*)([!%])(?!=)/u.exec(line);
	if (assigned) {
		const [, left = '', sign] = assigned;
		takeEscaped(sign === '!' ? 'shell' : 'magic', whole().slice(left.length + 1), found);
		return left + mask(line.slice(left.length));
	}
	const escaped = /^\s*(!!?|%|\?\??|[,;/])(?=\S)/.exec(line);
	if (escaped) {
		const sign = escaped[1]!;
		const rest = whole().trimStart().slice(sign.length);
		if (sign.startsWith('!')) takeEscaped('shell', rest, found);
		else if (sign === '%') takeEscaped('magic', rest, found);
		return mask(line);
	}
	return /^\s*%{0,2}[\p{L}_][\p{L}\p{N}_.*]*\?\??\s*$/u.test(line) ? mask(line) : null;
}

function takeEscaped(kind: 'shell' | 'magic', text: string, found: Found): void {
	if (kind === 'shell') return takeShell(text.replace(/^!/, ''), found);
	const [, name = '', rest = ''] = /^\s*(\S+)\s*(.*)$/s.exec(text) ?? [];
	takeMagic(name, rest, found);
}

function takeMagic(name: string, rest: string, found: Found): void {
	if (timers.has(name)) found.statements.push(withoutOptions(rest));
	else if (aliases.has(name)) takeShell(`${name} ${rest}`, found);
	else if (shells.has(name)) takeShell(rest, found);
	else found.magics.push({ name, rest });
}

/** IPython fills in `{expression}` and `$name` before the shell sees the line; `$$` and `{{` are the way around it. */
function takeShell(text: string, found: Found): void {
	found.shell.push(text);
	for (const match of text.matchAll(/\{\{|\$\$|\{([^{}]+)\}|\$([A-Za-z_]\w*)/g)) {
		const expression = match[1] ?? match[2];
		if (expression !== undefined) found.expressions.push(expression);
	}
}

/** What `%timeit -n 10 -r3 f(x)` times; `-o` and its like take no value. */
function withoutOptions(rest: string): string {
	return rest.replace(/^(\s*(-[nrslTDftm]\s+[^\s-]\S*|--?[a-zA-Z]\S*)(?=\s|$))+\s*/, '');
}

interface Scanner {
	depth: number;
	/** The quotes that a string goes on until; empty outside of strings. */
	quote: string;
	continued: boolean;
}

/** Follows a line of Python: is the next one the start of a statement? */
function scan(line: string, state: Scanner): void {
	state.continued = false;
	for (let at = 0; at < line.length; at++) {
		const letter = line[at]!;
		if (letter === '\\') {
			if (at === line.length - 1) state.continued = true;
			at++;
		} else if (state.quote !== '') {
			if (line.startsWith(state.quote, at)) {
				at += state.quote.length - 1;
				state.quote = '';
			}
		} else if (letter === '#') {
			break;
		} else if (letter === '"' || letter === "'") {
			state.quote = line.startsWith(letter.repeat(3), at) ? letter.repeat(3) : letter;
			at += state.quote.length - 1;
		} else if ('([{'.includes(letter)) {
			state.depth++;
		} else if (')]}'.includes(letter)) {
			state.depth = Math.max(0, state.depth - 1);
		}
	}
	// A string in single quotes ends with its line, unless a backslash carries it on.
	if (state.quote.length === 1 && !state.continued) state.quote = '';
}

/** A statement of the same length and place that does nothing. */
function mask(text: string): string {
	return text.replace(/\S.*$/su, (match) => `0${' '.repeat(match.length - 1)}`);
}

function blank(text: string): string {
	return text.replace(/[^\n]/g, ' ');
}
