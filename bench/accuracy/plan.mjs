import { chanceOf } from './chance.mjs';
import { openCell } from './cell.mjs';
import { imports } from './imports.mjs';
import { openLedger } from './ledger.mjs';
import { moves, wholeCells } from './moves.mjs';

/** Fields of work: each likes some of the ways more than others, so that the notebooks differ as those of people do. */
export const fields = [
	{ name: 'astronomy', likes: ['reads', 'by a link', 'a pool of processes'] },
	{ name: 'genomics', likes: ['!cat', 'glob + open', 'reads'] },
	{ name: 'oceanography', likes: ['reads', 'changes', 'another working folder for a while'] },
	{ name: 'seismology', likes: ['a pool of threads', 'writes', 'reads'] },
	{ name: 'soil science', likes: ['reads what an earlier cell made', 'writes'] },
	{ name: 'microscopy', likes: ['a pool of processes', 'glob + open'] },
	{ name: 'proteomics', likes: ['reads', 'a folder of its own, renamed'] },
	{ name: 'spectroscopy', likes: ['changes', 'writes'] },
	{ name: 'botany', likes: ['glob + open', 'a name with spaces'] },
	{ name: 'hydrology', likes: ['another working folder for a while', 'reads'] },
	{ name: 'glaciology', likes: ['a thread that outlives its cell', 'writes'] },
	{ name: 'econometrics', likes: ['reads', 'writes', 'changes'] },
	{ name: 'political science', likes: ['!cat', 'reads'] },
	{ name: 'linguistics', likes: ['glob + open', 'a pool of threads'] },
	{ name: 'epidemiology', likes: ['reads what an earlier cell made', 'changes'] },
	{ name: 'climate', likes: ['a pool of processes', 'writes'] },
	{ name: 'particle physics', likes: ['a pool of processes', 'reads'] },
	{ name: 'chemistry', likes: ['temporary files', 'writes', 'reads'] },
	{ name: 'archaeology', likes: ['only looked at', 'by a link'] },
	{ name: 'music', likes: ['a coroutine that is awaited', 'reads', 'writes'] },
	{ name: 'traffic', likes: ['a pool of threads', 'reads what an earlier cell made'] },
	{ name: 'psychology', likes: ['reads', 'changes', 'not there'] },
];

/**
 * A notebook and the truth about it, both from one seed.
 *
 * @param {{ seed: number, field: string, folder: string, packages: readonly import('./packages.mjs').Made[], facts: number }} o
 *   `folder` is absolute; cells are added until the plan holds so many facts
 */
export function planNotebook({ seed, field, folder, packages, facts }) {
	const chance = chanceOf(seed);
	/** @type {import('./cell.mjs').Notebook} */
	const notebook = {
		chance,
		folder,
		cwd: '',
		folders: ['data', 'data/raw', 'data/raw/2024', 'results', 'results/études', ''],
		ledger: openLedger(),
		contents: new Map(),
		texts: [],
		packages: chance.shuffled(packages).slice(0, Math.ceil(packages.length * 0.6)),
		loaded: new Set(),
		bound: new Map(),
		software: new Map(),
		ways: new Set(),
		pending: [],
		last: 0,
	};
	const likes = fields.find((one) => one.name === field)?.likes ?? [];
	const sources = [warmUp(openCell(notebook, 1))];
	while (count(notebook) < facts) {
		const cell = openCell(notebook, sources.length + 1);
		sources.push(chance.happens(0.08) ? wholeCell(cell) : pythonCell(cell, likes));
	}
	if (notebook.pending.length > 0) {
		sources.push(notebook.pending.splice(0).join('\n'));
	}
	return {
		seed,
		field,
		folder,
		sources,
		folders: notebook.folders,
		given: [...notebook.ledger.given(), ...notebook.texts],
		links: notebook.ledger.links(),
		data: notebook.ledger.truth(),
		software: [...notebook.software].map(([name, cells]) => ({ name, cells: [...cells].sort((a, b) => a - b) })),
		ways: [...notebook.ways].sort(),
	};
}

/** @typedef {ReturnType<typeof planNotebook>} Plan */

/** Presence, role and cells of data; presence, version and cells of software. */
export function factsIn({ data, software }) {
	return data.reduce((sum, one) => sum + 1 + one.cells.length, 0) + software.reduce((sum, one) => sum + 2 + one.cells.length, 0);
}

function count(notebook) {
	const software = [...notebook.software].map(([name, cells]) => ({ name, cells: [...cells] }));
	return factsIn({ data: notebook.ledger.truth(), software });
}

/** The large libraries load more of themselves when they are first used: here, so that no later cell does. */
function warmUp(cell) {
	cell.import(['io', 'numpy', 'pandas']);
	cell.add(
		"frame = pd.read_csv(io.StringIO('a,b\\n1,2\\n'))",
		'total += len(frame.to_csv(index=False))',
		"total += int(np.loadtxt(io.StringIO('1 2')).size + np.genfromtxt(io.StringIO('1 2')).size)",
		'buffer = io.BytesIO()',
		'np.savez(buffer, a=np.arange(3))',
		'np.savetxt(io.StringIO(), np.eye(2))',
		'buffer.seek(0)',
		"total += int(np.load(buffer)['a'].sum())",
	);
	return cell.source();
}

function wholeCell(cell) {
	const name = cell.chance.one(Object.keys(wholeCells));
	cell.done(name);
	return wholeCells[name](cell);
}

function pythonCell(cell, likes) {
	const { chance, notebook } = cell;
	if (chance.happens(0.12)) changeFolder(cell);
	if (notebook.pending.length > 0 && chance.happens(0.6)) cell.add(...notebook.pending.splice(0));
	for (let left = chance.between(1, 3); left > 0; left--) {
		const name = chance.happens(0.3) ? chance.one(likes) : chance.one(Object.keys(moves));
		cell.done(name);
		moves[name](cell);
	}
	for (let left = chance.between(0, 2); left > 0; left--) {
		const name = chance.one(Object.keys(imports));
		cell.done(name);
		imports[name](cell);
	}
	const source = cell.source();
	// Under a magic, no `await` works.
	if (source.includes('await ')) return source;
	return chance.happens(0.08) ? `%%time\n${source}` : chance.happens(0.05) ? `%%capture caught\n${source}` : source;
}

/** For good: the cells below work there too. */
function changeFolder(cell) {
	const { notebook, chance } = cell;
	const into = notebook.cwd === '' ? chance.one(['data', 'results', 'data/raw']) : '';
	const word = cell.plain(into);
	if (chance.happens(0.3)) cell.add(`%cd -q ${word}`);
	else {
		cell.import(['os']);
		cell.add(`os.chdir(${JSON.stringify(word)})`);
	}
	notebook.cwd = into;
	cell.done('another working folder');
}
