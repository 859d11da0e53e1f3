import type { Node } from 'web-tree-sitter';
import type { CellImport } from '../../model/index.ts';
import { literalOf } from './literals.ts';

/** Every import in a piece of Python, wherever it stands, in the order of the text. */
export function importsIn(root: Node): readonly CellImport[] {
	return root
		.descendantsOfType(['import_statement', 'import_from_statement', 'future_import_statement', 'call'])
		.flatMap((node) =>
			node.type === 'call' ? importByCall(node) : node.type === 'import_statement' ? plainImport(node) : fromImport(node),
		);
}

function plainImport(node: Node): CellImport[] {
	return node.childrenForFieldName('name').map((name) => {
		const { module, alias } = nameAndAlias(name);
		return { module, names: null, bound: [alias ?? module.split('.')[0]!] };
	});
}

function fromImport(node: Node): CellImport[] {
	const names = node.childrenForFieldName('name').map(nameAndAlias);
	const module = node.type === 'future_import_statement' ? '__future__' : bare(node.childForFieldName('module_name'));
	if (module === '') return [];
	if (names.length === 0) return [{ module, names: ['*'], bound: [] }];
	return [{ module, names: names.map((name) => name.module), bound: names.map((name) => name.alias ?? name.module) }];
}

function nameAndAlias(node: Node): { module: string; alias: string | null } {
	if (node.type !== 'aliased_import') return { module: bare(node), alias: null };
	return { module: bare(node.childForFieldName('name')), alias: node.childForFieldName('alias')?.text ?? null };
}

/** `importlib.import_module('a.b')`, `__import__('a.b')`: where the name is a literal, and what it is assigned to at once. */
function importByCall(node: Node): CellImport[] {
	const name = node.childForFieldName('function')?.text ?? '';
	if (!/^(?:(?:importlib\s*\.\s*)?import_module|__import__|builtins\s*\.\s*__import__)$/.test(name)) return [];
	const [first, second] = node.childForFieldName('arguments')?.namedChildren ?? [];
	const module = first === undefined ? null : literalOf(first);
	if (module === null || !/^\.*[\p{L}_][\p{L}\p{N}_.]*$/u.test(module)) return [];
	const anchor = second?.type === 'keyword_argument' ? second.childForFieldName('value') : second;
	const around = module.startsWith('.') && anchor ? literalOf(anchor) : null;
	const { parent } = node;
	const target = parent?.type === 'assignment' ? parent.childForFieldName('left') : null;
	return [
		{
			module: around === null ? module : around + module,
			names: null,
			bound: target?.type === 'identifier' ? [target.text] : [],
		},
	];
}

/** A dotted name without the spaces that may stand in it. */
function bare(node: Node | null): string {
	return (node?.text ?? '').replace(/\\\n|\s/g, '');
}
