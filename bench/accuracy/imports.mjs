import { posix } from 'node:path';
import { loadedBy } from './packages.mjs';

/** @typedef {import('./cell.mjs').Cell} Cell */

/** A call of a made package's `work`: it may load more, and reads data that the package brought. */
function work(/** @type {Cell} */ cell, made, keep = true) {
	if (made.data) cell.uses(made.name);
	if (made.later !== null) cell.load(loadedBy(made.later), keep);
}

/** A name is bound to what cells below name by it. */
function bind(/** @type {Cell} */ cell, name, made) {
	cell.uses(made.name);
	cell.notebook.bound.set(name, { subject: made.name, made });
}

const pick = (/** @type {Cell} */ cell) => cell.chance.one(cell.notebook.packages);

/** What a cell may do with packages; each notes which distributions it names and which it touches. */
export const imports = {
	import(/** @type {Cell} */ cell) {
		const made = pick(cell);
		const alias = `m${++cell.notebook.last}`;
		bind(cell, alias, made);
		cell.load(loadedBy(made));
		work(cell, made);
		cell.add(`import ${made.module} as ${alias}`, `total += ${alias}.work()`);
	},
	'import, never called'(/** @type {Cell} */ cell) {
		const made = pick(cell);
		if (made.shape === 'namespace') return;
		bind(cell, made.module, made);
		cell.load(loadedBy(made));
		cell.add(`import ${made.module}`);
	},
	'from … import'(/** @type {Cell} */ cell) {
		const made = pick(cell);
		const alias = `work_${++cell.notebook.last}`;
		bind(cell, alias, made);
		cell.load(loadedBy(made));
		work(cell, made);
		cell.add(`from ${made.module} import work as ${alias}`, `total += ${alias}()`);
	},
	'from a namespace'(/** @type {Cell} */ cell) {
		const made = pick(cell);
		if (made.shape !== 'namespace') return;
		const [space = '', name = ''] = made.module.split('.');
		bind(cell, name, made);
		cell.load(loadedBy(made));
		cell.add(`from ${space} import ${name}`, `total += len(${name}.version)`);
	},
	'import by name'(/** @type {Cell} */ cell) {
		const made = pick(cell);
		const alias = `m${++cell.notebook.last}`;
		cell.import(['importlib']);
		bind(cell, alias, made);
		cell.load(loadedBy(made));
		cell.add(`${alias} = importlib.import_module(${JSON.stringify(made.module)})`, `total += len(${alias}.version)`);
	},
	'by a name that an earlier cell bound'(/** @type {Cell} */ cell) {
		const known = [...cell.notebook.bound].filter(([, one]) => one.made !== null);
		if (known.length === 0) return;
		const [name, { made }] = cell.chance.one(known);
		if (made === null) return;
		cell.uses(made.name);
		if (name.startsWith('work_')) {
			work(cell, made);
			cell.add(`total += ${name}()`);
		} else if (cell.chance.happens(0.5)) {
			work(cell, made);
			cell.add(`total += ${name}.work()`);
		} else cell.add(`total += len(${name}.version)`);
	},
	'within a function'(/** @type {Cell} */ cell) {
		const made = pick(cell);
		const name = `count_${++cell.notebook.last}`;
		cell.uses(made.name);
		cell.load(loadedBy(made));
		cell.add(`def ${name}():`, `    import ${made.module} as inner`, '    return len(inner.version)', `total += ${name}()`);
	},
	'in another Python'(/** @type {Cell} */ cell) {
		const made = pick(cell);
		cell.import(['subprocess', 'sys']);
		// It starts with nothing loaded.
		for (const one of loadedBy(made)) cell.uses(one.name);
		cell.add(`subprocess.run([sys.executable, '-c', 'import ${made.module}'], check=True)`);
	},
	'in a thread'(/** @type {Cell} */ cell) {
		const made = pick(cell);
		cell.import(['threading', 'importlib']);
		cell.uses(made.name);
		cell.load(loadedBy(made));
		cell.add(
			`thread = threading.Thread(target=lambda: importlib.import_module(${JSON.stringify(made.module)}))`,
			'thread.start()',
			'thread.join()',
		);
	},
	'in a forked child'(/** @type {Cell} */ cell) {
		const made = pick(cell);
		cell.import(['os']);
		cell.uses(made.name);
		cell.load(loadedBy(made), false);
		cell.add('child = os.fork()', 'if child == 0:', `    import ${made.module}`, '    os._exit(0)', 'os.waitpid(child, 0)');
	},
	'its version alone'(/** @type {Cell} */ cell) {
		cell.import(['importlib.metadata']);
		cell.add(`total += len(importlib.metadata.version(${JSON.stringify(pick(cell).name)}))`);
	},
	'whether it is there'(/** @type {Cell} */ cell) {
		const made = pick(cell);
		if (made.shape === 'namespace') return;
		cell.import(['importlib.util']);
		cell.add(`total += importlib.util.find_spec(${JSON.stringify(made.module)}) is not None`);
	},
	'a module of one’s own'(/** @type {Cell} */ cell) {
		const { notebook, chance } = cell;
		// The first place where Python looks is the working folder.
		if (notebook.cwd !== '') return;
		const id = ++notebook.last;
		const name = `helper_${id}`;
		const given = cell.given('text');
		const path = chance.happens(0.6) ? `${name}.py` : `${name}/__init__.py`;
		const up = path.includes('/') ? "'..', " : '';
		const file = `os.path.join(os.path.dirname(__file__), ${up}${JSON.stringify(given)})`;
		notebook.texts.push({ path, text: `import os\n\ndef load():\n    return len(open(${file}).read())\n` });
		cell.uses(`own ${name}`);
		notebook.bound.set(name, { subject: `own ${name}`, made: null });
		cell.note(given, 'read');
		cell.add(`import ${name}`, `total += ${name}.load()`);
	},
	'%run'(/** @type {Cell} */ cell) {
		const { notebook } = cell;
		const path = posix.join(cell.chance.one(['', 'scripts']), `step_${++notebook.last}.py`);
		const [given, made] = [cell.given('text'), cell.fresh('text')];
		const at = (/** @type {string} */ one) => JSON.stringify(posix.join(notebook.folder, one));
		notebook.texts.push({ path, text: `text = open(${at(given)}).read()\nopen(${at(made)}, 'w').write(text)\n` });
		cell.uses(`own ${posix.basename(path)}`);
		cell.note(given, 'read');
		cell.note(made, 'write');
		cell.add(`%run ${cell.plain(path)}`);
	},
};
