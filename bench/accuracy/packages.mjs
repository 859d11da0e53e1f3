/**
 * Distributions made up for a seed. What each module loads is known, so what a cell touches is known too; the real ones load what they like.
 *
 * @typedef {object} Made
 * @property {string} name as its METADATA says
 * @property {string} version
 * @property {string} module what is imported, dotted where it lies in a namespace that several share
 * @property {'package' | 'module' | 'namespace'} shape
 * @property {Made[]} loads what its import imports
 * @property {Made | null} later what its function `work` imports when it is called
 * @property {boolean} data it has a file of data, which `work` reads
 */

const first = [
	'geo',
	'sky',
	'gene',
	'ocean',
	'quake',
	'soil',
	'cell',
	'proto',
	'spectra',
	'flora',
	'tide',
	'glacier',
	'market',
	'vote',
];
const second = ['grid', 'kit', 'tools', 'stats', 'flow', 'view', 'fit', 'scan', 'wave', 'map', 'index', 'core', 'lab', 'model'];

/**
 * @param {import('./chance.mjs').Chance} chance
 * @param {number} count
 * @returns {Made[]} each loads only those before it
 */
export function makePackages(chance, count) {
	const pairs = chance.shuffled(first.flatMap((a) => second.map((b) => [a, b]))).slice(0, count);
	/** @type {Made[]} */
	const made = [];
	for (const [a, b] of pairs) {
		const shape = chance.one(/** @type {const} */ (['package', 'package', 'module', 'namespace']));
		// Names as people give them: the module seldom spells the distribution.
		const name = chance.one([`${a}-${b}`, `${a}_${b}`, `${a.toUpperCase()}${b}`, `scikit-${a}-${b}`, `${a}.${b}-next`]);
		const plain = chance.one([`${a}${b}`, `${a}_${b}`, `sk${a}${b}`]);
		const version = `${chance.below(9)}.${chance.below(30)}.${chance.below(9)}${chance.one(['', '', 'rc1', '.post2', '+local.1'])}`;
		made.push({
			name,
			version,
			module: shape === 'namespace' ? `field_ns.${plain}` : plain,
			shape,
			loads: made.length > 4 && chance.happens(0.4) ? chance.shuffled(made).slice(0, chance.between(1, 2)) : [],
			later: made.length > 4 && chance.happens(0.25) ? chance.one(made) : null,
			data: shape === 'package' && chance.happens(0.4),
		});
	}
	return made;
}

/** The files of a distribution, below the folder that Python looks in. */
export function filesOf({ name, module, shape, loads, later, data, version }) {
	const path = module.replaceAll('.', '/');
	const text = [
		...(data ? ['import os'] : []),
		...loads.map((one) => `import ${one.module}`),
		`version = ${JSON.stringify(version)}`,
		'',
		'def work():',
		...(data ? ["    open(os.path.join(os.path.dirname(__file__), 'data', 'table.csv')).read()"] : []),
		...(later === null ? [] : [`    import ${later.module}`]),
		`    return len(${JSON.stringify(name)})`,
		'',
	].join('\n');
	/** @type {Record<string, string>} */
	const files = shape === 'module' ? { [`${path}.py`]: text } : { [`${path}/__init__.py`]: text };
	if (data) files[`${path}/data/table.csv`] = 'a,b\n1,2\n';
	return files;
}

/** Every module that an import of one loads, itself first. */
export function loadedBy(one) {
	return [one, ...one.loads.flatMap(loadedBy)];
}
