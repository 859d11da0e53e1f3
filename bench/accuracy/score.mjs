import { execFileSync } from 'node:child_process';
import { posix } from 'node:path';

/**
 * What is compared: sets of facts, each a line of text. A fact that only one side has is a miss.
 *
 * @typedef {Record<string, { found: Set<string>, truth: Set<string> }>} Facts
 * @typedef {{ right: number, found: number, truth: number }} Tally
 */

const kinds = /** @type {const} */ (['software', 'versions', 'inputs', 'outputs', 'roles', 'cells']);

/**
 * @param {import('./plan.mjs').Plan} plan
 * @param {any} document of `cellar deps --json`
 * @param {{ packages: readonly import('./packages.mjs').Made[], versions: Readonly<Record<string, string>> }} known the versions of what was not made up
 * @returns {Facts}
 */
export function compare(plan, document, known) {
	const facts = Object.fromEntries(kinds.map((kind) => [kind, { found: new Set(), truth: new Set() }]));
	const add = (side) => (kind, text) => void facts[kind]?.[side].add(text);
	trueFacts(plan, known, add('truth'));
	foundFacts(plan, document, known, add('found'));
	return facts;
}

function trueFacts({ data, software }, { packages, versions }, add) {
	for (const { path, role, kind, cells } of data) {
		sayData(path, role, kind, cells, add);
	}
	const made = new Map(packages.map((one) => [one.name, one.version]));
	const commands = new Map();
	for (const { name, cells } of software) {
		if (name.startsWith('!')) {
			const owner = ownerOf(name.slice(1));
			if (owner !== null) commands.set(owner.name, owner.version);
			continue;
		}
		const own = name.startsWith('own ');
		const title = own ? `local ${name.slice(4)}` : `pypi ${name}`;
		add('software', title);
		add('versions', `${title} ${own ? null : (made.get(name) ?? versions[name])}`);
		for (const cell of cells) add('cells', `${title} in cell ${cell}`);
	}
	// Other programs, which a cell starts by Python alone, run them too: the cells of a command are not counted.
	for (const [name, version] of commands) {
		add('software', `deb ${name}`);
		add('versions', `deb ${name} ${version}`);
	}
	add('software', 'interpreter python');
	add('versions', `interpreter python ${versions['python']}`);
}

function foundFacts(plan, document, { packages, versions }, add) {
	const made = new Set(packages.map((one) => one.name));
	for (const { name, version, ecosystem, direct, cells } of document.software) {
		// What the real libraries and the kernel bring with them no plan can tell; whatever the code is said to name counts.
		if (!direct && !made.has(name) && ecosystem !== 'local') continue;
		// The shell itself, which no line names.
		if (ecosystem === 'deb' && (name === 'bash' || name === 'dash')) continue;
		const title = `${ecosystem} ${name}`;
		add('software', title);
		add('versions', `${title} ${version}`);
		if (ecosystem === 'pypi' || ecosystem === 'local') for (const cell of cells) add('cells', `${title} in cell ${cell}`);
	}
	void versions;
	for (const { path, relative, role, kind, cells } of document.data) {
		sayData(relative === null ? path : throughLinks(relative, plan.links), role, kind, cells, add);
	}
}

/** A file that was opened by a link is listed by the link and by what that leads to: one of them is enough, both are right. */
function throughLinks(path, links) {
	const link = links.find((one) => path === one.path || path.startsWith(`${one.path}/`));
	return link === undefined ? path : posix.join(link.target, path.slice(link.path.length));
}

function sayData(path, role, kind, cells, add) {
	if (role === 'input' || role === 'updated') add('inputs', path);
	if (role !== 'input') add('outputs', path);
	add('roles', `${path}: ${role}${kind === 'listing' ? ', listed' : ''}`);
	for (const cell of cells) add('cells', `${path} in cell ${cell}`);
}

/** @type {Map<string, { name: string, version: string } | null>} */
const owners = new Map();

/** The Debian package of a command; null on other systems, where nothing tells. */
function ownerOf(command) {
	const known = owners.get(command);
	if (known !== undefined) return known;
	let owner = null;
	for (const path of [`/bin/${command}`, `/usr/bin/${command}`]) {
		try {
			const name = execFileSync('dpkg', ['-S', path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(':', 1)[0];
			const version = execFileSync('dpkg-query', ['-W', '-f', '${Version}', name], { encoding: 'utf8' });
			owner = { name, version };
			break;
		} catch {
			continue; // the other place, or no dpkg at all
		}
	}
	owners.set(command, owner);
	return owner;
}

/** @returns {Record<string, Tally>} by the kind of fact */
export function tally(/** @type {Facts} */ facts) {
	return Object.fromEntries(
		Object.entries(facts).map(([kind, { found, truth }]) => [
			kind,
			{ right: [...found].filter((one) => truth.has(one)).length, found: found.size, truth: truth.size },
		]),
	);
}

/** @returns {Record<string, Tally>} all together */
export function pool(/** @type {readonly Record<string, Tally>[]} */ tallies) {
	return Object.fromEntries(
		kinds.map((kind) => {
			const sum = (part) => tallies.reduce((total, one) => total + (one[kind]?.[part] ?? 0), 0);
			return [kind, { right: sum('right'), found: sum('found'), truth: sum('truth') }];
		}),
	);
}

/** The share of what was found that is true, and of what is true that was found. */
export const precision = (/** @type {Tally} */ { right, found }) => (found === 0 ? 1 : right / found);
export const recall = (/** @type {Tally} */ { right, truth }) => (truth === 0 ? 1 : right / truth);

/** Each fact that only one side has, with what Cellar said of the path or the package. */
export function misses(/** @type {Facts} */ facts, /** @type {any} */ document) {
	return Object.entries(facts).flatMap(([kind, { found, truth }]) => [
		...[...truth].filter((one) => !found.has(one)).map((one) => `${kind}: not found: ${one}${saidOf(one, document)}`),
		...[...found].filter((one) => !truth.has(one)).map((one) => `${kind}: not true: ${one}${saidOf(one, document)}`),
	]);
}

function saidOf(fact, document) {
	const data = document.data.find((one) => fact.startsWith(one.relative ?? one.path));
	if (data !== undefined) return ` (${data.role}, cells ${data.cells.join(', ')}: ${data.reason})`;
	const aside = document.setAside.find((one) => fact.includes(posix.basename(one.path)));
	if (aside !== undefined) return ` (set aside as ${aside.as}: ${aside.reason})`;
	const software = document.software.find((one) => fact.startsWith(`${one.ecosystem} ${one.name}`));
	return software === undefined ? '' : ` (${software.why.join(' and ')}, cells ${software.cells.join(', ')}: ${software.reason})`;
}
