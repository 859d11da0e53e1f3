import type { Json, JsonObject } from '../model/index.ts';

/**
 * JSON as Python reads and writes it, so that what Cellar does not touch in a notebook stays as it is to the byte: `1.0` is not
 * `1`, an integer may have any number of digits, and NaN and Infinity are numbers.
 */

/** Where a number's text is kept when a JavaScript number would be written in another way. */
const written = Symbol('a number, as Python writes it');
const deepest = 500;

/** What is wrong in a text that is not JSON, and where: line and column from 1. */
export interface JsonFault {
	readonly message: string;
	readonly line: number;
	readonly column: number;
}

class Fault extends Error {
	readonly at: number;
	constructor(message: string, at: number) {
		super(message);
		this.at = at;
	}
}

export function isObject(value: unknown): value is JsonObject {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object with each of its values changed, under the same names. */
export function mapValues(from: JsonObject, change: (value: Json, key: string) => Json): JsonObject {
	return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, change(value, key)]));
}

/** Reads a text. The last of several equal keys counts, as in Python. */
export function readJson(text: string): { readonly value: Json } | { readonly fault: JsonFault } {
	const state = { text, at: 0 };
	try {
		const value = readValue(state, 0);
		skipSpace(state);
		if (state.at < text.length) throw new Fault('there is more after its end', state.at);
		return { value };
	} catch (error) {
		if (!(error instanceof Fault)) throw error;
		const lines = text.slice(0, error.at).split('\n');
		return { fault: { message: error.message, line: lines.length, column: lines.at(-1)!.length + 1 } };
	}
}

interface State {
	readonly text: string;
	at: number;
}

function skipSpace(state: State): void {
	while (' \t\n\r'.includes(state.text[state.at] ?? '.')) state.at++;
}

function readValue(state: State, depth: number): Json {
	skipSpace(state);
	const letter = state.text[state.at];
	if (letter === undefined) throw new Fault('it ends too early', state.at);
	if (depth > deepest) throw new Fault(`it is nested more than ${deepest} levels deep`, state.at);
	if (letter === '{') return readObject(state, depth);
	if (letter === '[') return readList(state, depth);
	if (letter === '"') return readString(state);
	for (const [word, value] of words) {
		if (state.text.startsWith(word, state.at)) {
			state.at += word.length;
			return value;
		}
	}
	return readNumber(state);
}

const words: readonly (readonly [string, Json])[] = [
	['true', true],
	['false', false],
	['null', null],
	['NaN', Number.NaN],
	['Infinity', Number.POSITIVE_INFINITY],
	['-Infinity', Number.NEGATIVE_INFINITY],
];

function readObject(state: State, depth: number): JsonObject {
	const found: Record<string, Json> = {};
	state.at++;
	skipSpace(state);
	if (state.text[state.at] === '}') {
		state.at++;
		return found;
	}
	for (;;) {
		skipSpace(state);
		if (state.text[state.at] !== '"') throw new Fault('a name in double quotes should stand here', state.at);
		const key = readString(state);
		skipSpace(state);
		if (state.text[state.at] !== ':') throw new Fault('a colon should stand here', state.at);
		state.at++;
		const value = readValue(state, depth + 1);
		// A plain assignment to this name would change what the object inherits from.
		if (key === '__proto__') Object.defineProperty(found, key, { value, enumerable: true, configurable: true, writable: true });
		else found[key] = value;
		skipSpace(state);
		const next = state.text[state.at];
		if (next !== ',' && next !== '}') throw new Fault('a comma or } should stand here', state.at);
		state.at++;
		if (next === '}') return found;
	}
}

function readList(state: State, depth: number): readonly Json[] {
	const found: Json[] = [];
	state.at++;
	skipSpace(state);
	if (state.text[state.at] === ']') {
		state.at++;
		return found;
	}
	for (;;) {
		found.push(readValue(state, depth + 1));
		skipSpace(state);
		const next = state.text[state.at];
		if (next !== ',' && next !== ']') throw new Fault('a comma or ] should stand here', state.at);
		state.at++;
		if (next === ']') return found;
	}
}

// oxlint-disable-next-line no-control-regex -- JSON forbids them within a string
const plain = /[^"\\\u0000-\u001f]*/y;
const escapes: Readonly<Record<string, string>> = {
	'"': '"',
	'\\': '\\',
	'/': '/',
	b: '\b',
	f: '\f',
	n: '\n',
	r: '\r',
	t: '\t',
};

function readString(state: State): string {
	const { text } = state;
	let found = '';
	state.at++;
	for (;;) {
		plain.lastIndex = state.at;
		found += plain.exec(text)![0];
		state.at = plain.lastIndex;
		const letter = text[state.at];
		if (letter === '"') {
			state.at++;
			return found;
		}
		if (letter === undefined) throw new Fault('it ends within a string', state.at);
		if (letter !== '\\') throw new Fault('a control character stands within a string', state.at);
		const escaped = text[state.at + 1] ?? '';
		const hex = /^u[0-9a-fA-F]{4}/.exec(text.slice(state.at + 1, state.at + 6));
		if (hex) found += String.fromCharCode(Number.parseInt(hex[0].slice(1), 16));
		else if (escapes[escaped] !== undefined) found += escapes[escaped];
		else throw new Fault('a backslash starts no escape that JSON knows', state.at);
		state.at += hex ? 6 : 2;
	}
}

const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;

function readNumber(state: State): Json {
	number.lastIndex = state.at;
	const match = number.exec(state.text);
	if (match === null) throw new Fault('no value of JSON stands here', state.at);
	state.at = number.lastIndex;
	const value = Number(match[0]);
	const isInteger = match[1] === undefined && match[2] === undefined;
	const text = !isInteger ? pythonFloat(value) : match[0] === '-0' ? '0' : match[0];
	if (text === numberText(value)) return value;
	const exact: object = { [written]: text };
	return exact as JsonObject; // opaque: only writeJson looks into it
}

/** Writes a value as `json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)` does. What is undefined is left out. */
export function writeJson(value: unknown, indent = ''): string {
	if (typeof value === 'number') return numberText(value);
	if (typeof value === 'string') return JSON.stringify(value);
	if (typeof value !== 'object' || value === null) return value === true ? 'true' : value === false ? 'false' : 'null';
	const inner = `${indent} `;
	if (Array.isArray(value))
		return wrap(
			'[',
			']',
			indent,
			value.map((item: unknown) => `${inner}${writeJson(item, inner)}`),
		);
	if (written in value) return String(value[written]);
	const entries = Object.entries(value).filter(([, item]) => item !== undefined);
	entries.sort(([a], [b]) => compareKeys(a, b));
	return wrap(
		'{',
		'}',
		indent,
		entries.map(([key, item]) => `${inner}${JSON.stringify(key)}: ${writeJson(item, inner)}`),
	);
}

function wrap(open: string, close: string, indent: string, lines: readonly string[]): string {
	return lines.length === 0 ? open + close : `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}

/** By code points, as Python sorts; JavaScript's own order is by UTF-16 units. */
function compareKeys(a: string, b: string): number {
	if (/[\ud800-\udfff]/.test(a + b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
	return a < b ? -1 : a > b ? 1 : 0;
}

/** A number of ours: an integer where it is one that is exact, otherwise a float. */
function numberText(value: number): string {
	return Number.isSafeInteger(value) && !Object.is(value, -0) ? String(value) : pythonFloat(value);
}

/** `repr(float)`: the same shortest digits as JavaScript's, but `.0` for a whole number, and an exponent below 1e-4 and from 1e16. */
export function pythonFloat(value: number): string {
	if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value < 0 ? '-Infinity' : 'Infinity';
	if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
	const [mantissa = '', power = ''] = value.toExponential().split('e');
	const exponent = Number(power);
	if (exponent < -4 || exponent >= 16) {
		return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
	}
	const text = String(value);
	return text.includes('.') ? text : `${text}.0`;
}
