// npm's packages, the build, and the second Node of the full tests.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must, root } from './run.mjs';

/** The Node under which the stories run a second time. It comes as an npm package, but never among the project's own. */
const secondNode = { name: `node-linux-${process.arch}`, version: '24.21.0', folder: join(root, '.cache/node24') };
const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

/** What `npm` wrote last when it installed into `folder`, by the packages' places; null where nothing is installed, or half. */
function installed(folder) {
	const file = join(folder, 'node_modules/.package-lock.json');
	return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : null;
}

/** Whether node_modules holds what package-lock.json asks for, whoever installed it. */
export function packagesFit() {
	const there = installed(root);
	if (there === null) return false;
	const { packages: wanted } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
	const same = (a, b) => a !== undefined && b !== undefined && a.version === b.version && a.integrity === b.integrity;
	const places = Object.keys(wanted).filter((place) => place.startsWith('node_modules/') && !wanted[place].link);
	return (
		places.every((place) => (wanted[place].optional && !there[place]) || same(there[place], wanted[place])) &&
		Object.keys(there).every((place) => !place.startsWith('node_modules/') || place in wanted) &&
		places.every((place) => !there[place] || existsSync(join(root, place, 'package.json')))
	);
}

export const installPackages = () => must(['npm', 'ci', ...quiet]);

export const isBuilt = () => ['core/dist/index.js', 'cli/dist/main.js'].every((file) => existsSync(join(root, file)));

/** Costs a quarter of a second where nothing has changed, so it is simply done each time. */
export async function build() {
	await must([process.execPath, 'node_modules/typescript/bin/tsc', '-b']);
	await must([process.execPath, 'scripts/assets.mjs']);
}

export const hasSecondNode = () =>
	installed(secondNode.folder)?.[`node_modules/${secondNode.name}`]?.version === secondNode.version;

export async function installSecondNode() {
	const { name, version, folder } = secondNode;
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ private: true, dependencies: { [name]: version } })}\n`);
	await must(['npm', 'install', ...quiet], { cwd: folder });
}

/** The second Node's program; it need not be there yet. */
export const secondNodePath = join(secondNode.folder, 'node_modules', secondNode.name, 'bin/node');
