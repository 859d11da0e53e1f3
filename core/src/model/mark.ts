import { createHash } from 'node:crypto';

/** What a mark says: a scope begins or ends on the thread that made it, or a task was submitted there. */
export interface Mark {
	readonly verb: 'begin' | 'end' | 'submit' | 'link' | 'fault';
	readonly kind: 'cell' | 'worker' | 'task' | 'group';
	/** Decoded; for an id longer than 200 bytes, `sha256-…`. */
	readonly id: string;
	readonly attempt: string | null;
	readonly name: string | null;
}

const root = '/.cellar/';
const longest = 200;

/** The path of a mark: an `access()` on it fails, and stands in the log between the calls that it parts. */
export function markPath(nonce: string, mark: Mark): string {
	const words = [mark.verb, mark.kind, encodeId(mark.id)];
	if (mark.attempt !== null || mark.name !== null) words.push(encodeId(mark.attempt ?? ''));
	if (mark.name !== null) words.push(encodeId(mark.name));
	return `${root}${nonce}/${words.join('/')}`;
}

/** The mark that a path is, or null: another nonce, or a word that is not in the grammar, is an ordinary path. */
export function parseMark(nonce: string, path: string): Mark | null {
	if (!path.startsWith(`${root}${nonce}/`)) return null;
	const [verb, kind, id, attempt, name, ...rest] = path.slice(root.length + nonce.length + 1).split('/');
	if (id === undefined || rest.length > 0 || !isVerb(verb) || !isKind(kind)) return null;
	return {
		verb,
		kind,
		id: decodeId(id),
		attempt: attempt ? decodeId(attempt) : null,
		name: name === undefined ? null : decodeId(name),
	};
}

function encodeId(id: string): string {
	const text = [...Buffer.from(id, 'utf8')]
		.map((byte) => {
			const letter = String.fromCharCode(byte);
			return /[A-Za-z0-9\-_.,]/.test(letter) ? letter : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
		})
		.join('');
	return text.length <= longest ? text : `sha256-${createHash('sha256').update(id).digest('hex')}`;
}

function decodeId(word: string): string {
	const bytes = word.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
	return Buffer.from(bytes, 'latin1').toString('utf8');
}

function isVerb(word: string | undefined): word is Mark['verb'] {
	return word === 'begin' || word === 'end' || word === 'submit' || word === 'link' || word === 'fault';
}

function isKind(word: string | undefined): word is Mark['kind'] {
	return word === 'cell' || word === 'worker' || word === 'task' || word === 'group';
}
