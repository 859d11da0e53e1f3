import type { Node } from 'web-tree-sitter';
import { joinedPath, literalOf } from './literals.ts';
import { looksLikePath } from './shell.ts';

const openers =
	/(^|\.)(open|Path|PurePath|fopen|read_\w+|to_\w+|load\w*|save\w*|imread|imsave|imwrite|loadtxt|genfromtxt|fromfile|savefig)$/;

/** String literals that look like paths, paths put together from literals, and whatever literal is handed to `open`. */
export function pathsIn(root: Node): readonly string[] {
	const found = new Set<string>();
	for (const node of root.descendantsOfType(['string', 'concatenated_string', 'call', 'binary_operator'])) {
		const whole = literalOf(node) ?? joinedPath(node);
		if (whole !== null && looksLikePath(whole) && !whole.includes('*')) found.add(whole);
		if (node.type !== 'call' || !openers.test(node.childForFieldName('function')?.text ?? '')) continue;
		const argument = node.childForFieldName('arguments')?.firstNamedChild;
		const handed = argument ? literalOf(argument) : null;
		if (handed !== null && /^[^\n*]{1,255}$/.test(handed)) found.add(handed);
	}
	return [...found];
}

const listers = new Set(['glob', 'iglob', 'rglob', 'listdir', 'scandir', 'iterdir', 'walk', 'fwalk']);

/** Whether a listing of a folder may be meant: a function for it is named, or a string that looks like a path holds a `*`. */
export function listsIn(root: Node): boolean {
	return root.descendantsOfType(['identifier', 'string']).some((node) => {
		if (node.type === 'identifier') return listers.has(node.text);
		const text = literalOf(node);
		return text !== null && /[*]/.test(text) && looksLikePath(text.replaceAll('*', 'x'));
	});
}

const starters =
	/(^|\.)(create_task|ensure_future|call_later|call_soon|call_soon_threadsafe|call_at|run_coroutine_threadsafe|add_callback|spawn_callback)$|^(asyncio\.)?gather$/;

/** Whether something is handed to the event loop that may go on when the cell has ended: started here, and not awaited here. */
export function startsCoroutineIn(root: Node): boolean {
	return root.descendantsOfType('call').some((call) => {
		const name = call.childForFieldName('function');
		if (name === null || !starters.test(name.text.replace(/\s/g, ''))) return false;
		return !isAwaited(call, root) && !isInTaskGroup(call, name);
	});
}

function isAwaited(call: Node, root: Node): boolean {
	for (let at = call.parent; at !== null && !/_definition$|^lambda$|_statement$|^module$/.test(at.type); at = at.parent) {
		if (at.type === 'await') return true;
		const target = at.type === 'assignment' ? at.childForFieldName('left') : null;
		if (target?.type !== 'identifier') continue;
		const awaited = root.descendantsOfType('await').flatMap((node) => node.descendantsOfType('identifier'));
		return awaited.some((node) => node.text === target.text);
	}
	return false;
}

/** The end of `async with asyncio.TaskGroup() as group` waits for all that the group started. */
function isInTaskGroup(call: Node, name: Node): boolean {
	const group = name.childForFieldName('object')?.text;
	if (group === undefined) return false;
	for (let at = call.parent; at !== null; at = at.parent) {
		if (at.type !== 'with_statement') continue;
		const head = at.namedChildren.find((child) => child.type === 'with_clause')?.text ?? '';
		if (head.includes('TaskGroup(') && new RegExp(`\\bas\\s+${group.replace(/\W/g, '')}\\b`).test(head)) return true;
	}
	return false;
}

/** What the grammar lets through and Python 3 does not: how to tell, by the kind of node. */
const onlyElsewhere: Readonly<Record<string, (node: Node) => boolean>> = {
	print_statement: () => true,
	exec_statement: () => true,
	'<>': () => true,
	string_start: (node) => node.text === '`',
	integer: (node) => /^0[0-9]*[1-9]|[lL]$/.test(node.text),
	raise_statement: (node) => node.firstNamedChild?.type === 'expression_list',
	block: (node) => node.namedChildren.every((child) => child.type === 'comment'),
	try_statement: (node) => !node.namedChildren.some((child) => child.type === 'except_clause' || child.type === 'finally_clause'),
};

/** Whether the text is something other than Python 3: it has a syntax error, or what only Python 2 took. */
export function isBroken(root: Node): boolean {
	return root.hasError || root.descendantsOfType(Object.keys(onlyElsewhere)).some((node) => onlyElsewhere[node.type]!(node));
}
