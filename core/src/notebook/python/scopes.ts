import type { Node } from 'web-tree-sitter';

/**
 * Which global names a piece of Python binds and reads, by the rules of CPython's symbol table: what a function binds is its own, a class
 * body is seen by nobody within it, a comprehension is a function but for its first iterable, and so on.
 *
 * @see https://docs.python.org/3/reference/executionmodel.html#resolution-of-names
 */
export interface GlobalNames {
	readonly defines: ReadonlySet<string>;
	readonly uses: ReadonlySet<string>;
}

interface Scope {
	readonly kind: 'module' | 'function' | 'class' | 'comprehension' | 'type parameters';
	readonly parent: Scope | null;
	/** The innermost class around, whose name is put before `__private` names. */
	readonly within: string | null;
	readonly bound: Set<string>;
	readonly used: Set<string>;
	readonly globals: Set<string>;
	readonly nonlocals: Set<string>;
}

/** Work that is still to be done: a list, not recursion, because a sum of ten thousand terms is a tree of that depth. */
type Todo = [Node, Scope][];
type Visit = (node: Node, scope: Scope, todo: Todo) => void;

export function globalNames(root: Node): GlobalNames {
	const scopes = new Set<Scope>();
	const module = scopeIn(null, 'module');
	const todo: Todo = [[root, module]];
	for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
		const [node, scope] = next;
		scopes.add(scope);
		(visits[node.type] ?? visitChildren)(node, scope, todo);
	}
	const defines = new Set(module.bound);
	const uses = new Set<string>();
	for (const scope of scopes) {
		for (const name of scope.bound) if (scope.globals.has(name)) defines.add(name);
		for (const name of scope.used) if (isGlobal(name, scope)) uses.add(name);
	}
	return { defines, uses };
}

function scopeIn(parent: Scope | null, kind: Scope['kind'], within = parent?.within ?? null): Scope {
	return { kind, parent, within, bound: new Set(), used: new Set(), globals: new Set(), nonlocals: new Set() };
}

function isGlobal(name: string, from: Scope): boolean {
	for (let at: Scope | null = from; at !== null && at.kind !== 'module'; at = at.parent) {
		if (at.kind === 'class' && at !== from) continue;
		if (at.globals.has(name)) return true;
		if (at.bound.has(name) && !at.nonlocals.has(name)) return false;
	}
	return true;
}

/** Names that look alike are one (`ﬁ` is `fi`), and `__name` within a class is `_Class__name`. */
function mangled(text: string, scope: Scope): string {
	const name = text.normalize('NFKC');
	if (scope.within === null || !name.startsWith('__') || name.endsWith('__')) return name;
	const bare = scope.within.replace(/^_+/, '');
	return bare === '' ? name : `_${bare}${name}`;
}

function use(name: string, scope: Scope): void {
	scope.used.add(mangled(name, scope));
}

function bind(name: string, scope: Scope): void {
	scope.bound.add(mangled(name, scope));
}

function push(node: Node | null, scope: Scope, todo: Todo): void {
	if (node !== null) todo.push([node, scope]);
}

function visitChildren(node: Node, scope: Scope, todo: Todo): void {
	for (const child of node.namedChildren) todo.push([child, scope]);
}

const visitFields =
	(...fields: readonly string[]): Visit =>
	(node, scope, todo) => {
		for (const field of fields) for (const child of node.childrenForFieldName(field)) todo.push([child, scope]);
	};

/** Everything that can be assigned to: names are bound, what holds an attribute or an item is read. */
function bindTarget(target: Node | null, scope: Scope, todo: Todo): void {
	const targets = target === null ? [] : [target];
	for (let node = targets.pop(); node !== undefined; node = targets.pop()) {
		if (node.type === 'identifier') bind(node.text, scope);
		else if (node.type === 'attribute' || node.type === 'subscript') todo.push([node, scope]);
		else targets.push(...node.namedChildren);
	}
}

function visitComprehension(node: Node, outer: Scope, todo: Todo): void {
	const scope = scopeIn(outer, 'comprehension');
	let isFirst = true;
	for (const child of node.namedChildren) {
		if (child.type !== 'for_in_clause') {
			todo.push([child, scope]);
			continue;
		}
		for (const left of child.childrenForFieldName('left')) bindTarget(left, scope, todo);
		for (const right of child.childrenForFieldName('right')) if (right.isNamed) todo.push([right, isFirst ? outer : scope]);
		isFirst = false;
	}
}

function visitFunction(node: Node, scope: Scope, todo: Todo): void {
	const name = node.childForFieldName('name');
	if (name !== null) bind(name.text, scope);
	const outer = typeScope(node, scope, todo);
	const inner = scopeIn(outer, 'function');
	for (const parameter of node.childForFieldName('parameters')?.namedChildren ?? []) bindParameter(parameter, inner, outer, todo);
	push(node.childForFieldName('return_type'), outer, todo);
	push(node.childForFieldName('body'), inner, todo);
}

function bindParameter(node: Node, inner: Scope, outer: Scope, todo: Todo): void {
	if (node.type === 'default_parameter' || node.type === 'typed_default_parameter') {
		bindTarget(node.childForFieldName('name'), inner, todo);
	} else if (node.type === 'typed_parameter') {
		bindTarget(node.namedChild(0), inner, todo);
	} else {
		bindTarget(node, inner, todo);
	}
	push(node.childForFieldName('type'), outer, todo);
	push(node.childForFieldName('value'), outer, todo);
}

function visitClass(node: Node, scope: Scope, todo: Todo): void {
	const name = node.childForFieldName('name')?.text ?? '';
	bind(name, scope);
	const outer = typeScope(node, scope, todo);
	push(node.childForFieldName('superclasses'), outer, todo);
	push(node.childForFieldName('body'), scopeIn(outer, 'class', name), todo);
}

/** The scope of `[T: bound, *Ts]` after the name of a function, a class or a type; the scope around where there is none. */
function typeScope(node: Node, scope: Scope, todo: Todo): Scope {
	const parameters = node.childForFieldName('type_parameters');
	if (parameters === null) return scope;
	const inner = scopeIn(scope, 'type parameters');
	bindTypeParameters(parameters, inner, todo);
	return inner;
}

function bindTypeParameters(parameters: Node, scope: Scope, todo: Todo): void {
	for (const { firstNamedChild: parameter } of parameters.namedChildren) {
		if (parameter?.type !== 'constrained_type') {
			bindTarget(parameter, scope, todo);
			continue;
		}
		const [name, ...bounds] = parameter.namedChildren;
		bindTarget(name ?? null, scope, todo);
		for (const bound of bounds) todo.push([bound, scope]);
	}
}

function visitTypeAlias(node: Node, scope: Scope, todo: Todo): void {
	const left = node.childForFieldName('left')?.firstNamedChild ?? null;
	const [name, parameters] = left?.type === 'generic_type' ? left.namedChildren : [left];
	if (name?.type !== 'identifier') {
		// `type(x).y = z` reads like an alias to the grammar, and is an assignment to an attribute.
		use('type', scope);
		visitChildren(node, scope, todo);
		return;
	}
	bindTarget(name, scope, todo);
	const inner = scopeIn(scope, 'type parameters');
	if (parameters) bindTypeParameters(parameters, inner, todo);
	push(node.childForFieldName('right'), inner, todo);
}

/** A pattern of `case`: a bare name is bound, a dotted one and that of a class are read. */
function bindPattern(pattern: Node, scope: Scope): void {
	const patterns = [pattern];
	for (let node = patterns.pop(); node !== undefined; node = patterns.pop()) {
		const [first, ...rest] = node.namedChildren;
		if (node.type === 'identifier') {
			if (node.text !== '_') bind(node.text, scope);
		} else if (node.type === 'dotted_name' && first !== undefined) {
			if (rest.length === 0) bind(first.text, scope);
			else use(first.text, scope);
		} else if (node.type === 'class_pattern') {
			if (first?.firstNamedChild) use(first.firstNamedChild.text, scope);
			patterns.push(...rest);
		} else {
			patterns.push(...(node.type === 'keyword_pattern' ? rest : node.namedChildren));
		}
	}
}

function visitImport(node: Node, scope: Scope): void {
	for (const name of node.childrenForFieldName('name')) {
		const bound = name.type === 'aliased_import' ? name.childForFieldName('alias') : name.firstNamedChild;
		if (bound !== null) bind(bound.text, scope);
	}
}

function visitDeclaration(node: Node, scope: Scope): void {
	const declared = node.type === 'global_statement' ? scope.globals : scope.nonlocals;
	if (scope.kind !== 'module') for (const name of node.namedChildren) declared.add(mangled(name.text, scope));
}

function visitNamedExpression(node: Node, scope: Scope, todo: Todo): void {
	let holder = scope;
	while (holder.kind === 'comprehension' && holder.parent !== null) holder = holder.parent;
	bindTarget(node.childForFieldName('name'), holder, todo);
	push(node.childForFieldName('value'), scope, todo);
}

const visits: Readonly<Record<string, Visit>> = {
	identifier: (node, scope) => use(node.text, scope),
	comment: () => undefined,
	dotted_name: (node, scope) => {
		if (node.firstNamedChild) use(node.firstNamedChild.text, scope);
	},
	attribute: visitFields('object'),
	keyword_argument: visitFields('value'),
	member_type: (node, scope, todo) => {
		for (const child of node.namedChildren) if (child.type === 'type') todo.push([child, scope]);
	},
	assignment: (node, scope, todo) => {
		bindTarget(node.childForFieldName('left'), scope, todo);
		visitFields('type', 'right')(node, scope, todo);
	},
	augmented_assignment: (node, scope, todo) => {
		const left = node.childForFieldName('left');
		if (left?.type === 'identifier') use(left.text, scope);
		bindTarget(left, scope, todo);
		visitFields('right')(node, scope, todo);
	},
	named_expression: visitNamedExpression,
	as_pattern_target: (node, scope, todo) => {
		for (const child of node.namedChildren) bindTarget(child, scope, todo);
	},
	except_clause: (node, scope, todo) => {
		const alias = node.childForFieldName('alias');
		for (const child of node.namedChildren) {
			if (alias !== null && child.equals(alias)) bindTarget(child, scope, todo);
			else todo.push([child, scope]);
		}
	},
	for_statement: (node, scope, todo) => {
		for (const left of node.childrenForFieldName('left')) bindTarget(left, scope, todo);
		visitFields('right', 'body', 'alternative')(node, scope, todo);
	},
	delete_statement: (node, scope, todo) => {
		for (const child of node.namedChildren) bindTarget(child, scope, todo);
	},
	list_comprehension: visitComprehension,
	set_comprehension: visitComprehension,
	dictionary_comprehension: visitComprehension,
	generator_expression: visitComprehension,
	function_definition: visitFunction,
	lambda: visitFunction,
	class_definition: visitClass,
	type_alias_statement: visitTypeAlias,
	case_clause: (node, scope, todo) => {
		for (const child of node.namedChildren) if (child.type === 'case_pattern') bindPattern(child, scope);
		visitFields('guard', 'consequence')(node, scope, todo);
	},
	import_statement: visitImport,
	import_from_statement: visitImport,
	future_import_statement: visitImport,
	global_statement: visitDeclaration,
	nonlocal_statement: visitDeclaration,
};
