/** A literal of Python's: what `ast.literal_eval` gives for strings, lists, tuples and dicts of them. */
export type Literal = string | readonly Literal[] | ReadonlyMap<string, Literal>;

/**
 * Reads a Python literal of strings, lists, tuples and dicts with string keys, without running anything.
 *
 * @param start where in the text it begins; what follows it is not looked at
 * @returns null where something else stands there
 */
export function parseLiteral(text: string, start: number): Literal | null {
	return value(text, { at: start });
}

interface Place {
	at: number;
}

function value(text: string, place: Place): Literal | null {
	skipSpace(text, place);
	const first = text[place.at];
	if (first === '{') return dict(text, place);
	if (first === '[' || first === '(') return list(text, place, first === '[' ? ']' : ')');
	return string(text, place);
}

function dict(text: string, place: Place): Literal | null {
	const entries = new Map<string, Literal>();
	for (place.at++; ;) {
		if (closes(text, place, '}')) return entries;
		const key = string(text, place);
		skipSpace(text, place);
		if (key === null || text[place.at] !== ':') return null;
		place.at++;
		const held = value(text, place);
		if (held === null) return null;
		entries.set(key, held);
		if (!goesOn(text, place, '}')) return null;
	}
}

function list(text: string, place: Place, close: string): Literal | null {
	const items: Literal[] = [];
	for (place.at++; ;) {
		if (closes(text, place, close)) return items;
		const held = value(text, place);
		if (held === null) return null;
		items.push(held);
		if (!goesOn(text, place, close)) return null;
	}
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', "'": "'", '"': '"' };

function string(text: string, place: Place): string | null {
	skipSpace(text, place);
	const quote = text[place.at];
	if (quote !== "'" && quote !== '"') return null;
	let found = '';
	for (place.at++; place.at < text.length;) {
		const letter = text[place.at]!;
		if (letter === quote) {
			place.at++;
			return found;
		}
		if (letter === '\n') return null;
		if (letter !== '\\') {
			found += letter;
			place.at++;
			continue;
		}
		const hex = /^\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8}))/.exec(text.slice(place.at, place.at + 10));
		const plain = escapes[text[place.at + 1] ?? ''];
		if (hex === null && plain === undefined) return null;
		const code = hex === null ? 0 : Number.parseInt(hex[1] ?? hex[2] ?? hex[3]!, 16);
		if (code > 0x10ffff) return null;
		found += hex === null ? plain : String.fromCodePoint(code);
		place.at += hex === null ? 2 : hex[0].length;
	}
	return null;
}

function closes(text: string, place: Place, close: string): boolean {
	skipSpace(text, place);
	if (text[place.at] !== close) return false;
	place.at++;
	return true;
}

/** After an item: a comma is passed over; without one, the end must stand there. */
function goesOn(text: string, place: Place, close: string): boolean {
	skipSpace(text, place);
	if (text[place.at] !== ',') return text[place.at] === close;
	place.at++;
	return true;
}

function skipSpace(text: string, place: Place): void {
	while (/\s/.test(text[place.at] ?? 'x')) place.at++;
}
