import { posix } from 'node:path';

/**
 * The state of a notebook while it is planned: where the kernel works, what is loaded, what is bound, what is there.
 *
 * @typedef {object} Notebook
 * @property {import('./chance.mjs').Chance} chance
 * @property {string} folder absolute
 * @property {string} cwd from the folder, `''` for the folder itself
 * @property {string[]} folders that are there before the run
 * @property {ReturnType<typeof import('./ledger.mjs').openLedger>} ledger
 * @property {Map<string, import('./ledger.mjs').Content>} contents of every file, given or made
 * @property {{ path: string, text: string }[]} texts own modules and scripts
 * @property {readonly import('./packages.mjs').Made[]} packages
 * @property {Set<string>} loaded modules that the kernel has loaded
 * @property {Map<string, { subject: string, made: import('./packages.mjs').Made | null }>} bound names that imports have bound
 * @property {Map<string, Set<number>>} software cells by the name of what they use
 * @property {Set<string>} ways the names of all that was done
 * @property {string[]} pending code that a later cell must run
 * @property {number} last
 */

/** @returns what writes one code cell, and notes what it does */
export function openCell(/** @type {Notebook} */ notebook, /** @type {number} */ number) {
	const { chance, ledger, contents } = notebook;
	/** @type {string[]} */
	const lines = [];
	/** @type {Set<string>} */
	const imports = new Set();
	const name = (stem, suffix) => `${chance.one(['', 'é_', '', 'x-', ''])}${stem}_${++notebook.last}${suffix}`;
	const cell = {
		number,
		lines,
		notebook,
		chance,
		/** Modules that the cell imports at its start, unless an earlier one did. */
		import: (/** @type {readonly string[]} */ modules) => modules.forEach((one) => imports.add(one)),
		add: (/** @type {string[]} */ ...code) => void lines.push(...code),
		/** A file that is there before the run. */
		given(/** @type {import('./ledger.mjs').Content} */ content, folder = chance.one(notebook.folders)) {
			const path = posix.join(folder, name(content, suffixes[content]));
			ledger.give(path, content);
			contents.set(path, content);
			return path;
		},
		/** A name for a file that this cell makes. */
		fresh(/** @type {import('./ledger.mjs').Content} */ content, folder = chance.one(notebook.folders)) {
			const path = posix.join(folder, name('made', suffixes[content]));
			contents.set(path, content);
			return path;
		},
		note: (/** @type {string} */ path, /** @type {import('./ledger.mjs').Deed[]} */ ...deeds) =>
			deeds.forEach((deed) => ledger.note(path, deed, number)),
		/** As the shell and a string of Python write it. */
		plain: (/** @type {string} */ path) => relative(notebook, path),
		/** An expression of Python for the path, as one person or another would write it. */
		expression(/** @type {string} */ path) {
			const here = relative(notebook, path);
			const text = JSON.stringify(here);
			const [base, above] = [posix.basename(here), posix.dirname(here)];
			return chance.one([
				() => text,
				() => text,
				() => JSON.stringify(here.startsWith('.') ? here : `./${here}`),
				() => JSON.stringify(posix.join(notebook.folder, path)),
				() => (cell.import(['os']), `os.path.join(${JSON.stringify(above)}, ${JSON.stringify(base)})`),
				() => (cell.import(['os']), `os.path.abspath(${text})`),
				() => (cell.import(['pathlib']), `str(pathlib.Path(${JSON.stringify(above)}) / ${JSON.stringify(base)})`),
				() => (cell.import(['pathlib']), `pathlib.Path(${text})`),
			])();
		},
		uses(/** @type {string} */ software) {
			const known = notebook.software.get(software);
			if (known === undefined) notebook.software.set(software, new Set([number]));
			else known.add(number);
		},
		/** What an import in the kernel loads; `keep` is false in a process of its own, which starts with what the kernel has. */
		load(/** @type {readonly import('./packages.mjs').Made[]} */ made, keep = true) {
			for (const one of made) {
				if (notebook.loaded.has(one.module)) continue;
				cell.uses(one.name);
				if (keep) notebook.loaded.add(one.module);
			}
		},
		done: (/** @type {string} */ way) => void notebook.ways.add(way),
		/** The source of the cell. */
		source() {
			const head = [...imports].flatMap((module) => importLine(module, cell));
			return [...head, 'total = 0', ...lines, 'total'].join('\n');
		},
	};
	return cell;
}

/** @typedef {ReturnType<typeof openCell>} Cell */

const aliases = { numpy: 'np', pandas: 'pd' };

function importLine(module, cell) {
	const alias = aliases[module];
	if (alias !== undefined) cell.uses(module);
	const { bound } = cell.notebook;
	const isBound = bound.has(alias ?? module);
	if (isBound && cell.chance.happens(0.8)) return [];
	bound.set(alias ?? module, { subject: module, made: null });
	return [alias === undefined ? `import ${module}` : `import ${module} as ${alias}`];
}

function relative({ cwd }, path) {
	return posix.relative(posix.join('/', cwd), posix.join('/', path)) || '.';
}

const suffixes = {
	text: '.txt',
	table: '.csv',
	numbers: '.dat',
	array: '.npy',
	raw: '.bin',
	object: '.json',
	packed: '.txt.gz',
	zip: '.zip',
	arrays: '.npz',
	database: '.sqlite',
	pickle: '.pkl',
};
