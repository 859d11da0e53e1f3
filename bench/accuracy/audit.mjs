import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesOf } from './packages.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const clone = join(here, '../..');

/**
 * An environment with made packages: a copy of the one of the stories, into which pip installs their wheels.
 *
 * @param {string} folder of the environment; it is made
 * @param {readonly import('./packages.mjs').Made[]} packages
 * @returns {string} its Python
 */
export function makeEnvironment(folder, packages) {
	const python = join(folder, 'bin', 'python');
	copyFolder(join(clone, '.cache/venv/stories'), folder);
	const wheels = packages.map((one) => ({ name: one.name, version: one.version, files: filesOf(one) }));
	make(python, `${folder}.json`, { python, wheels });
	return python;
}

/** By hard links where that can be: pip and Python put new files in the place of old ones, and write into none. */
function copyFolder(from, to) {
	const { status } = spawnSync('cp', ['-al', from, to], { stdio: 'ignore' });
	if (status === 0) return;
	rmSync(to, { recursive: true, force: true });
	cpSync(from, to, { recursive: true, verbatimSymlinks: true });
}

function make(python, file, plan) {
	writeFileSync(file, JSON.stringify(plan));
	execFileSync(python, [join(here, 'make.py'), file], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Puts a planned notebook and its files on the disk; the path of the notebook. */
export function layOut(/** @type {import('./plan.mjs').Plan} */ plan, /** @type {string} */ python) {
	for (const folder of plan.folders) mkdirSync(join(plan.folder, folder), { recursive: true });
	make(python, `${plan.folder}.json`, { folder: plan.folder, given: plan.given, links: plan.links });
	const cells = plan.sources.map((source, at) => ({
		cell_type: 'code',
		id: `cell-${at + 1}`,
		metadata: {},
		execution_count: null,
		outputs: [],
		source,
	}));
	const notebook = join(plan.folder, 'notebook.ipynb');
	writeFileSync(notebook, JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells }));
	return notebook;
}

/**
 * Audits a notebook and takes its list of dependencies.
 *
 * @param {{ notebook: string, python: string, home: string }} o
 * @returns {Promise<any>} the document of `cellar deps --json`
 * @throws Error with what Cellar said, where a cell did not end well
 */
export async function auditAndList({ notebook, python, home }) {
	const run = await cellar(['audit', notebook, '--python', python, '--json'], home);
	if (run.status !== 'finished')
		throw new Error(`${notebook}: ${run.status}: ${JSON.stringify(run.cells.filter((one) => one.status !== 'finished')[0])}`);
	return cellar(['deps', run.run, '--json'], home);
}

function cellar(words, home) {
	// Where Python writes no bytecode a run is another than a person's.
	const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PYTHON')));
	return new Promise((done, fail) => {
		const child = spawn(process.execPath, [join(clone, 'cli/bin/cellar.js'), ...words], {
			env: { ...env, CELLAR_HOME: home, NO_COLOR: '1' },
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		let [stdout, stderr] = ['', ''];
		child.stdout.on('data', (chunk) => (stdout += chunk));
		child.stderr.on('data', (chunk) => (stderr += chunk));
		child.on('error', fail);
		child.on('close', (code) => {
			if (code !== 0 && code !== 3) return fail(new Error(`cellar ${words.join(' ')} ended with ${code}:\n${stderr}`));
			done(JSON.parse(stdout));
		});
	});
}
