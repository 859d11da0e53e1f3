// Brings what `tsc` does not to where the built code looks for it: `new URL('./name', import.meta.url)`, beside the file that asks.
// Run from source (vitest does) the same expression points into core/src, so the grammar and the agent, which have their source
// elsewhere, are copied there too; git ignores them. web-tree-sitter finds its own .wasm in its own package.
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const copied = ['.sh', '.py', '.wasm'];
const built = { '.js': '.ts', '.js.map': '.ts', '.d.ts': '.ts' };

const grammar = fileURLToPath(import.meta.resolve('tree-sitter-python/tree-sitter-python.wasm'));
copy(grammar, join(root, 'core/src/notebook/tree-sitter-python.wasm'));

// The agent is a folder of its own, as no part of it runs in Node.
const agent = join(root, 'agent');
const agentCopy = join(root, 'core/src/workers/agent');
for (const file of filesIn(agent)) if (copied.includes(extname(file))) copy(join(agent, file), join(agentCopy, file));
for (const file of filesIn(agentCopy)) if (!existsSync(join(agent, file))) rmSync(join(agentCopy, file));

for (const room of ['core', 'cli']) {
	const source = join(root, room, 'src');
	const target = join(root, room, 'dist');
	for (const file of filesIn(source)) {
		if (copied.includes(extname(file))) copy(join(source, file), join(target, file));
	}
	for (const file of filesIn(target)) {
		if (!hasSource(source, file)) rmSync(join(target, file));
	}
}

/** What was built of a file that is no more would be packed, and found by whoever still imports it. */
function hasSource(source, file) {
	const end = Object.keys(built).find((end) => file.endsWith(end));
	if (end !== undefined) return existsSync(join(source, file.slice(0, -end.length) + built[end]));
	return file === '.tsbuildinfo' || existsSync(join(source, file));
}

function filesIn(folder) {
	if (!existsSync(folder)) return [];
	return readdirSync(folder, { recursive: true })
		.map(String)
		.filter((file) => statSync(join(folder, file)).isFile());
}

/** Copies with the mode (a script stays executable), and only what has changed. */
function copy(from, to) {
	const [a, b] = [statSync(from), existsSync(to) ? statSync(to) : null];
	if (b !== null && a.size === b.size && a.mtimeMs <= b.mtimeMs) return;
	mkdirSync(dirname(to), { recursive: true });
	copyFileSync(from, to);
}
