import { posix } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';

/** A source file as the rules see it: its path from the clone's root, with `/`, and its text. */
export interface SourceFile {
	readonly path: string;
	readonly text: string;
}

/** What a room may import beside the model; a room that is not named imports the model alone. */
const grants: Readonly<Record<string, readonly string[] | 'every room'>> = {
	workers: ['audit'],
	sandbox: ['images'],
	flows: 'every room',
};

/** Whatever touches a process lives in one of these; all other rooms are pure, or touch files alone. */
const startsProcesses = ['audit', 'kernel', 'sandbox', 'workers'];

const coreDoor = 'core/src/index.ts';
const mostLines = 500;
const mostFiles = 12;

/**
 * Every way in which source files break the rules of who may import whom, and of how large a file and a folder may be.
 *
 * @param files all of `core/src` and `cli/src`
 * @returns one sentence a fault, sorted; empty where all is well
 */
export function faultsOf(files: readonly SourceFile[]): readonly string[] {
	const paths = new Set(files.map((file) => file.path));
	const imports = new Map(files.map((file) => [file.path, importsOf(file)] as const));
	const faults = files.flatMap((file) =>
		(imports.get(file.path) ?? []).flatMap((specifier) => {
			const fault = faultOfImport(file.path, specifier, paths);
			return fault === null ? [] : [`${file.path} imports ${specifier}: ${fault}`];
		}),
	);
	const edges = new Map(
		[...imports].map(([path, specifiers]) => [path, specifiers.filter(isRelative).map((s) => targetOf(path, s))] as const),
	);
	return [...faults, ...cyclesIn(edges), ...tooLong(files), ...tooMany(files)].sort();
}

/** The specifiers that a file imports: static, re-exported, dynamic, and those of types alone. */
export function importsOf(file: SourceFile): readonly string[] {
	const { program, errors } = parseSync(file.path, file.text);
	if (errors.length > 0) throw new Error(`${file.path} does not parse: ${errors[0]?.message ?? ''}`);
	const found = new Set<string>();
	const take = (source: { type: string; value?: unknown } | null) => {
		if (source === null) return;
		// A specifier that is computed cannot be followed, so it is a fault of its own.
		found.add(source.type === 'Literal' && typeof source.value === 'string' ? source.value : '(computed)');
	};
	new Visitor({
		ImportDeclaration: (node) => take(node.source),
		ExportNamedDeclaration: (node) => take(node.source),
		ExportAllDeclaration: (node) => take(node.source),
		ImportExpression: (node) => take(node.source),
		TSImportType: (node) => take(node.source),
	}).visit(program);
	return [...found].sort();
}

const isRelative = (specifier: string) => specifier.startsWith('.');
const targetOf = (from: string, specifier: string) => posix.join(posix.dirname(from), specifier);

/** `core/src/audit/log/lines.ts` is of the room `audit`; the core's index and the command line are of none. */
const roomOf = (path: string) => /^core\/src\/([^/]+)\//.exec(path)?.[1] ?? null;

function faultOfImport(from: string, specifier: string, paths: ReadonlySet<string>): string | null {
	if (specifier === '(computed)') return 'what is imported must be written out';
	if (isRelative(specifier)) return faultOfRelative(from, targetOf(from, specifier), paths);
	const room = roomOf(from);
	if (
		/^(node:)?child_process$/.test(specifier) &&
		(room === null || !startsProcesses.includes(room)) &&
		from.startsWith('core/')
	) {
		return `only ${startsProcesses.join(', ')} may start a process`;
	}
	if (!specifier.startsWith('@cellar/')) return null;
	if (from.startsWith('core/')) return 'the core imports itself by relative paths';
	return specifier === '@cellar/core' ? null : 'the core has one door, @cellar/core';
}

function faultOfRelative(from: string, target: string, paths: ReadonlySet<string>): string | null {
	if (!paths.has(target)) return 'there is no such source file';
	if (!target.startsWith('core/')) return from.startsWith('core/') ? 'the core knows nothing of who uses it' : null;
	if (!from.startsWith('core/')) return 'the core is imported as @cellar/core';
	const [room, other] = [roomOf(from), roomOf(target)];
	if (room !== null && room === other) return null;
	if (other === null) return 'nothing in the core imports its index';
	// The core's index is the door of flows: a second one behind it would only say the same again.
	if (other === 'flows') return from === coreDoor ? null : "only the core's index imports flows";
	if (target !== `core/src/${other}/index.ts`) return `the room ${other} is imported by its index.ts`;
	if (room === null) return from === coreDoor ? null : 'beside the rooms there is only the index';
	if (room === 'model') return 'the model imports nothing';
	const granted = grants[room] ?? [];
	if (other === 'model' || granted === 'every room' || granted.includes(other)) return null;
	return `${room} may import ${['model', ...granted].join(' and ')} alone`;
}

/** Each cycle once, told from its first file in the order of names. */
function cyclesIn(edges: ReadonlyMap<string, readonly string[]>): readonly string[] {
	const cycles = new Set<string>();
	const done = new Set<string>();
	const follow = (path: string, trail: readonly string[]) => {
		const start = trail.indexOf(path);
		if (start >= 0) {
			const cycle = trail.slice(start);
			const first = cycle.indexOf([...cycle].sort()[0] ?? path);
			const turned = [...cycle.slice(first), ...cycle.slice(0, first)];
			cycles.add(`cycle: ${[...turned, turned[0]].join(' → ')}`);
			return;
		}
		if (done.has(path)) return;
		for (const next of edges.get(path) ?? []) follow(next, [...trail, path]);
		done.add(path);
	};
	for (const path of [...edges.keys()].sort()) follow(path, []);
	return [...cycles];
}

/** Files of more lines than one can read at a time. */
export function tooLong(files: readonly SourceFile[]): readonly string[] {
	return files.flatMap(({ path, text }) => {
		const lines = text.replace(/\n$/, '').split('\n').length;
		return lines > mostLines ? [`${path} has ${lines} lines: at most ${mostLines}`] : [];
	});
}

function tooMany(files: readonly SourceFile[]): readonly string[] {
	const folders = new Set(files.map(({ path }) => posix.dirname(path)));
	return [...folders].flatMap((folder) => {
		const count = files.filter(({ path }) => posix.dirname(path) === folder).length;
		return count > mostFiles ? [`${folder} has ${count} files: at most ${mostFiles}`] : [];
	});
}
