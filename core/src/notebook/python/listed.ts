import type { Node } from 'web-tree-sitter';
import { joinedPath, literalOf } from './literals.ts';
import { looksLikePath } from './shell.ts';

/** What lists the folder, or the pattern, that it is given. */
const ofArgument = new Set(['glob', 'iglob', 'listdir', 'scandir', 'walk', 'fwalk']);
/** What a path does with itself. */
const ofObject = new Set(['glob', 'rglob', 'iterdir', 'walk']);
const listers = new Set([...ofArgument, ...ofObject]);

/**
 * The folders whose names a piece of Python reads, as written, up to the first `*`; `''` is the working folder.
 *
 * @returns null where one of them is not told by literals alone
 */
export function listedIn(root: Node): readonly string[] | null {
	const found: string[] = [];
	for (const node of root.descendantsOfType(['identifier', 'string'])) {
		if (node.type === 'string') {
			const text = literalOf(node);
			if (text !== null && text.includes('*') && looksLikePath(text.replaceAll('*', 'x'))) found.push(folderOf(text));
			continue;
		}
		if (!listers.has(node.text) || isImported(node)) continue;
		const folder = folderListedBy(node);
		// Another lister below this one, as in `glob.glob`, says what is meant.
		if (folder === undefined) continue;
		if (folder === null) return null;
		found.push(folderOf(folder));
	}
	return found;
}

/** Undefined for the module in `glob.glob(…)`. */
function folderListedBy(name: Node): string | null | undefined {
	const { parent } = name;
	const attribute = parent?.type === 'attribute' ? parent : null;
	if (attribute !== null && attribute.childForFieldName('attribute')?.id !== name.id) return undefined;
	const call = (attribute ?? name).parent;
	if (call?.type !== 'call' || call.childForFieldName('function')?.id !== (attribute ?? name).id) return null;
	const object = attribute?.childForFieldName('object') ?? null;
	const isModule = object === null || (object.type === 'identifier' && (object.text === 'os' || object.text === 'glob'));
	if (!isModule) return ofObject.has(name.text) ? pathOf(object) : null;
	const argument = call.childForFieldName('arguments')?.firstNamedChild ?? null;
	if (argument === null) return name.text === 'listdir' || name.text === 'scandir' ? '.' : null;
	return pathOf(argument);
}

/** The path that literals make, with what does not change which one is meant; a pattern that begins with a known folder is enough. */
function pathOf(node: Node): string | null {
	const whole = literalOf(node) ?? joinedPath(node);
	if (whole !== null || node.type !== 'call') return whole;
	const name = node.childForFieldName('function')?.text ?? '';
	const first = node.childForFieldName('arguments')?.firstNamedChild ?? null;
	if (first === null || !/(^|\.)(abspath|realpath|join|str|fspath|Path|PurePath)$/.test(name)) return null;
	return /(^|\.)join$/.test(name) && !/(^|\.)path\.join$/.test(name) ? null : pathOf(first);
}

function folderOf(pattern: string): string {
	const star = pattern.search(/[*?[]/);
	return star < 0 ? pattern : pattern.slice(0, star).replace(/[^/]*$/, '');
}

function isImported(node: Node): boolean {
	for (let at = node.parent; at !== null; at = at.parent) if (/^import_|_import$/.test(at.type)) return true;
	return false;
}
