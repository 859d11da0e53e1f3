import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { auditNotebook, dependenciesOf, explainIn } from '../../core/src/index.ts';
import { folder } from './facts.ts';
import { ask, pythonOf } from './venv.ts';

const cells = [
	'import os, json, sys\nimport pandas as pd\nimport helper',
	"table = pd.read_csv('data/stations.csv')\nhelper.save(table, 'out.csv')",
	"import tempfile\nwith tempfile.NamedTemporaryFile() as f: f.write(b'x')\nopen(os.path.expanduser('~/.netrc')).read()",
	'!head -n 1 data/stations.csv\n!printf x >> log.txt',
	"from concurrent.futures import ProcessPoolExecutor\nimport multiprocessing\nwith ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('fork')) as pool: list(pool.map(helper.count, ['data/a.txt', 'data/b.txt']))",
	"print(sorted(os.listdir('data')))\nprint(open('out.csv').read())",
	"json.dump({n: m.__file__ for n, m in list(sys.modules.items()) if getattr(m, '__file__', None)}, open('modules.json', 'w'))",
];

/** Audits a notebook with a helper module, data, a secret and a pool, once for all questions. */
async function audited() {
	const place = folder();
	const home = join(place, 'user');
	for (const [path, text] of Object.entries({
		'nb/data/stations.csv': 'name,height\nOne,12\n',
		'nb/data/a.txt': 'a',
		'nb/data/b.txt': 'bb',
		'nb/log.txt': 'old',
		'nb/helper.py':
			"import os\ndef save(table, path):\n    table.to_csv(path + '.part')\n    os.replace(path + '.part', path)\ndef count(path):\n    return len(open(path).read())\n",
		'user/.netrc': 'machine example.org login a password b',
	})) {
		mkdirSync(join(place, path, '..'), { recursive: true });
		writeFileSync(join(place, path), text);
	}
	const notebook = join(place, 'nb/analysis.ipynb');
	const code = cells.map((source, at) => ({
		cell_type: 'code',
		id: `c${at + 1}`,
		metadata: {},
		source,
		outputs: [],
		execution_count: null,
	}));
	writeFileSync(notebook, JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: code }));
	const never = new AbortController().signal;
	const { run } = await auditNotebook(
		{
			notebook,
			home: join(place, 'cellar'),
			env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: home, LANG: 'C.UTF-8' },
			kernel: null,
			python: pythonOf('stories'),
			setEnv: new Map(),
			parameters: new Map(),
			allowErrors: false,
			workers: null,
			timeoutSeconds: 120,
			checks: false,
			keepInputs: 1 << 30,
			keepOutputs: 1 << 30,
			out: null,
			cellar: null,
		},
		{ stop: never, kill: never },
		() => undefined,
	);
	const of = (selector: string) => dependenciesOf({ home: join(place, 'cellar'), run: run.run, selector });
	const why = (what: string) => explainIn({ home: join(place, 'cellar'), run: run.run, what, cwd: join(place, 'nb') });
	return { place, run, of, why };
}

test(
	'of a real traced notebook every package, file and cell is told, as the kernel itself knows them',
	{ timeout: 600_000 },
	async () => {
		const { place, run, of, why } = await audited();
		expect([run.status, run.cells.map((cell) => cell.status)]).toEqual(['finished', cells.map(() => 'finished')]);
		const document = await of('run');

		// What the kernel had loaded in the end, and whose these files are by what pip wrote.
		const loaded = Object.values(JSON.parse(readFileSync(join(place, 'nb/modules.json'), 'utf8')) as Record<string, string>); // written by the last cell
		const owners = ask<Record<string, string>>(
			pythonOf('stories'),
			`import importlib.metadata as m, json, os
print(json.dumps({os.path.normpath(f.locate()): title for d in m.distributions() for title in [d.metadata['Name'] + ' ' + d.version] for f in d.files or []}))`,
		);
		const truth = new Set(loaded.flatMap((path) => owners[path] ?? []));
		const touched = document.software.filter((one) => one.ecosystem === 'pypi').map((one) => `${one.name} ${one.version}`);
		expect(truth.size).toBeGreaterThan(15);
		expect(touched.filter((name) => !truth.has(name))).toEqual([]);
		expect([...truth].filter((name) => !touched.includes(name))).toEqual([]);

		const direct = document.software.filter((one) => one.direct).map((one) => [one.name, one.ecosystem, one.cells]);
		expect(direct).toEqual([
			['coreutils', 'deb', [4]],
			['helper', 'local', [1, 2, 5]],
			['pandas', 'pypi', expect.arrayContaining([1, 2])],
			['python', 'interpreter', expect.arrayContaining([1, 3, 5, 6, 7])],
		]);
		expect(document.data.map((one) => [one.relative ?? one.path, one.role, one.kind, one.cells, one.workers])).toEqual([
			['data', 'input', 'listing', [6], []],
			['data/a.txt', 'input', 'file', [5], [expect.stringMatching(/^w[12]$/)]],
			['data/b.txt', 'input', 'file', [5], [expect.stringMatching(/^w[12]$/)]],
			['data/stations.csv', 'input', 'file', [2, 4], ['w1', 'w2']],
			['log.txt', 'updated', 'file', [4], []],
			['modules.json', 'output', 'file', [7], []],
			['out.csv', 'intermediate', 'file', [2, 6], []],
		]);
		expect([document.unknown, document.missing, document.network]).toEqual([[], null, []]);
		const aside = new Map(document.setAside.map((one) => [one.path, one.as]));
		expect(aside.get(join(place, 'user/.netrc'))).toBe('secret');
		expect(aside.get(join(place, 'nb/out.csv.part'))).toBe('temporary');
		expect(document.setAside.every((one) => one.reason !== '')).toBe(true);

		const six = await of('cell:6');
		expect(six.data.map((one) => one.relative)).toEqual(['data', 'out.csv']);
		expect(six.software.map((one) => one.name)).toEqual(['python']);
		const workers = await of('workers');
		expect(workers.software.map((one) => one.name)).toContain('pandas');
		expect(workers.data.map((one) => one.relative)).toEqual(['data/a.txt', 'data/b.txt', 'data/stations.csv']);

		expect((await why('numpy')).chain).toEqual(['cell 1', 'import pandas', 'numpy']);
		expect((await why('out.csv')).uses.map((use) => [use.cell, use.how])).toEqual([
			[2, 'truncate'],
			[2, 'create'],
			[6, 'read'],
		]);
		expect((await why('helper.py')).chain).toEqual(['cell 1', 'import helper', 'this file']);
	},
);
