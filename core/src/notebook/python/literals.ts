import type { Node } from 'web-tree-sitter';

const simpleEscapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"', '\n': '' };

/** The text of a string literal; null for bytes, for one with something to fill in, and for what is no string. */
export function literalOf(node: Node): string | null {
	const inner = node.type === 'parenthesized_expression' ? node.firstNamedChild : null;
	if (inner?.type === 'string' || inner?.type === 'concatenated_string') return literalOf(inner);
	if (node.type === 'concatenated_string') return joined(node.namedChildren.map(literalOf), '');
	if (node.type !== 'string') return null;
	const start = (node.firstNamedChild?.text ?? '').toLowerCase();
	if (start.includes('b') || start.includes('`')) return null;
	let text = '';
	for (const child of node.namedChildren) {
		if (child.type === 'interpolation') return null;
		if (child.type === 'string_content') text += start.includes('r') ? child.text : unescaped(child.text, start.includes('f'));
	}
	return text;
}

function unescaped(text: string, isFormat: boolean): string {
	const plain = isFormat ? text.replace(/\{\{|\}\}/g, (pair) => pair[0]!) : text;
	return plain.replace(/\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[0-7]{1,3}|[\s\S])/gi, (whole, escape: string) => {
		if (/^[xuU]./.test(escape)) return codePoint(Number.parseInt(escape.slice(1), 16));
		if (/^[0-7]/.test(escape)) return codePoint(Number.parseInt(escape, 8));
		return simpleEscapes[escape] ?? whole;
	});
}

function codePoint(code: number): string {
	return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
}

/** A path of more pieces is none that a person wrote; a sum of ten thousand terms is not followed to its end. */
const mostPieces = 20;

/**
 * A path that is put together from literals alone: `Path('data') / 'x.csv'`, `os.path.join('data', 'x.csv')`, `'data/' + 'x.csv'`.
 * Null where anything else is part of it, or it is only a string.
 */
export function joinedPath(node: Node, pieces = mostPieces): string | null {
	if (pieces === 0) return null;
	const part = (piece: Node | null): string | null =>
		piece === null ? null : (literalOf(piece) ?? joinedPath(piece, pieces - 1));
	if (node.type === 'binary_operator') {
		const operator = node.childForFieldName('operator')?.text;
		if (operator !== '/' && operator !== '+') return null;
		return joined(
			['left', 'right'].map((side) => part(node.childForFieldName(side))),
			operator === '/' ? '/' : '',
		);
	}
	if (node.type !== 'call') return null;
	const name = node.childForFieldName('function');
	const parts = (node.childForFieldName('arguments')?.namedChildren ?? []).map(part);
	const called = name?.type === 'attribute' ? name.childForFieldName('attribute')?.text : name?.text;
	if (called === 'joinpath') return joined([part(name?.childForFieldName('object') ?? null), ...parts], '/');
	if (called === 'join' && /(^|\.)path\.join$/.test(name?.text ?? '')) return joined(parts, '/');
	return /^(Pure)?(Posix|Windows)?Path$/.test(called ?? '') ? joined(parts, '/') : null;
}

function joined(parts: readonly (string | null)[], between: string): string | null {
	if (parts.length === 0 || parts.includes(null)) return null;
	return between === '/'
		? parts.reduce((all, next) => (next!.startsWith('/') ? next : `${all!.replace(/\/$/, '')}/${next}`))
		: parts.join(between);
}
