import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadAnalyser } from '../../core/src/notebook/index.ts';
import { takeApart } from '../../core/src/notebook/python/magics.ts';

const analyser = await loadAnalyser();

test.each([
	['import a.b.c', [{ module: 'a.b.c', names: null, bound: ['a'] }]],
	['import a.b as c', [{ module: 'a.b', names: null, bound: ['c'] }]],
	[
		'import a, b.c as d',
		[
			{ module: 'a', names: null, bound: ['a'] },
			{ module: 'b.c', names: null, bound: ['d'] },
		],
	],
	['from a.b import c, d as e', [{ module: 'a.b', names: ['c', 'd'], bound: ['c', 'e'] }]],
	['from a import (\n    b,  # why\n    c,\n)', [{ module: 'a', names: ['b', 'c'], bound: ['b', 'c'] }]],
	['from a import *', [{ module: 'a', names: ['*'], bound: [] }]],
	['from . import a', [{ module: '.', names: ['a'], bound: ['a'] }]],
	['from ..a.b import c', [{ module: '..a.b', names: ['c'], bound: ['c'] }]],
	['from __future__ import annotations', [{ module: '__future__', names: ['annotations'], bound: ['annotations'] }]],
	['def f():\n    import a', [{ module: 'a', names: null, bound: ['a'] }]],
	[
		'try:\n    import a\nexcept ImportError:\n    if b:\n        import c as a',
		[
			{ module: 'a', names: null, bound: ['a'] },
			{ module: 'c', names: null, bound: ['a'] },
		],
	],
	[
		"import importlib\nnp = importlib.import_module('numpy')",
		[
			{ module: 'importlib', names: null, bound: ['importlib'] },
			{ module: 'numpy', names: null, bound: ['np'] },
		],
	],
	["import_module('a.b').c()", [{ module: 'a.b', names: null, bound: [] }]],
	["import_module('.b', package='a')", [{ module: 'a.b', names: null, bound: [] }]],
	["x = __import__('a')", [{ module: 'a', names: null, bound: ['x'] }]],
	['import_module(name)', []],
	['%load_ext autoreload', [{ module: 'autoreload', names: null, bound: [] }]],
	['%matplotlib inline', [{ module: 'matplotlib', names: null, bound: [] }]],
	['%run -m pkg.tool --fast', [{ module: 'pkg.tool', names: null, bound: [] }]],
	['%%python3\nimport a\nb = 1', [{ module: 'a', names: null, bound: [] }]],
	['# import a\n"""\nimport b\n"""', []],
])('the imports of %j', (source, imports) => {
	expect(analyser.cell(source).imports).toEqual(imports);
});

test.each([
	['%matplotlib inline\nx = 1', ['x'], []],
	['x = 1\n  ', ['x'], []],
	['!ls\nx = 1', ['x'], []],
	['files = !ls data\nfirst = files[0]', ['files', 'first'], ['files']],
	['a.b, c[d] = %who_ls', [], ['a', 'c', 'd']],
	['time = %timeit -n 3 -o f(x)', ['time'], ['f', 'x']],
	['%time y = f(x)', ['y'], ['f', 'x']],
	['for i in a:\n    %time f(i)\n    !touch {i}.txt\nb', ['i'], ['a', 'b', 'f', 'i']],
	['if a:\n    %cd ..\nelse:\n    !w\nb = 1', ['b'], ['a']],
	['%%time\nx = y', ['x'], ['y']],
	['\n%%timeit z = 1\nx = z', ['x', 'z'], ['z']],
	['%%capture out\nx = 1', ['out', 'x'], []],
	['%%capture --no-stderr out\n%%time\nx = 1', ['out', 'x'], []],
	['%%bash --out listing\nls $HOME', ['listing'], []],
	['%%html\n<b>x</b>', [], []],
	['%%writefile a.py\nimport numpy\nx = 1', [], []],
	['%%some_timer --flag\nx = y', ['x'], ['y']],
	['numpy.array?\nx = 1', ['x'], []],
	['?numpy\n??numpy\n%timeit?\nx = 1', ['x'], []],
	['x = """\n!ls\n%cd\n"""\ny = 1', ['x', 'y'], []],
	['x = [\n%s\n]'.replace('%s', '1'), ['x'], []],
	['x = (a\n%b\n)', ['x'], ['a', 'b']],
	['x = a \\\n%b', ['x'], ['a', 'b']],
	["s = 'it''s' # don't\n%cd x\ny = 1", ['s', 'y'], []],
	['!echo one \\\n  two\nx = 1', ['x'], []],
	['!echo {name.upper()} $count {{no}} $$no', [], ['count', 'name']],
	['def f():\n    return "=%s" % x', ['f'], ['x']],
	['x = a if a != b else c\ny = a == !b'.split('\n')[0]!, ['x'], ['a', 'b', 'c']],
	['ls data', [], []],
	['pip install numpy', [], []],
	['ls', [], []],
	['ls = 1', ['ls'], []],
	['cat.meow()', [], ['cat']],
	['time - start', [], ['start', 'time']],
])('magics are no Python: the names of %j', (source, defines, uses) => {
	const found = analyser.cell(source);
	expect({ defines: found.defines, uses: found.uses, broken: found.broken }).toEqual({ defines, uses, broken: false });
});

test('what is left after the magics are masked stands where it stood', () => {
	const piece = fc.constantFrom(
		'%time',
		'!ls',
		'%%bash',
		'x = ',
		'!',
		'?',
		'"',
		"'",
		'"""',
		'(',
		')',
		'\\',
		'\n',
		'    ',
		'#',
		'a',
		'=',
		' ',
		'😀',
		'%',
		'if a:',
		'$b',
		'{c}',
		'\r',
	);
	fc.assert(
		fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
			const source = pieces.join('');
			const { python } = takeApart(source);
			expect(python.length).toBe(source.length);
			expect(python.replace(/[^\n]/g, '')).toBe(source.replace(/[^\n]/g, ''));
			for (let at = 0; at < source.length; at++) expect([source[at], ' ', '0']).toContain(python[at]);
			expect(() => analyser.cell(source)).not.toThrow();
		}),
		{ numRuns: 500 },
	);
});

test('whatever stands in a cell, the analyser does not throw', () => {
	fc.assert(
		fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (source) => {
			expect(() => analyser.cell(source)).not.toThrow();
		}),
		{ numRuns: 300 },
	);
	for (const deep of ['(', '[', '{', 'f(', '-', 'not ', 'lambda: ', 'f"{', '[a for a in ', 'case ', 'x = ', '!$(']) {
		expect(() => analyser.cell(deep.repeat(6_000))).not.toThrow();
	}
});

test.each([
	["pd.read_csv('data/a.csv')", ['data/a.csv']],
	['open("notes")', ['notes']],
	["Path('data') / 'raw' / 'a.csv'", ['a.csv', 'data', 'data/raw', 'data/raw/a.csv']],
	["os.path.join('data', 'a.csv')", ['a.csv', 'data/a.csv']],
	["Path('data').joinpath('a.csv')", ['a.csv', 'data', 'data/a.csv']],
	["'data/' + 'a.csv'", ['a.csv', 'data/', 'data/a.csv']],
	['"~/x" "/y"', ['/y', '~/x', '~/x/y']],
	["r'C:\\data', b'data/bytes', f'data/{x}.csv', f'data/y.csv'", ['data/y.csv']],
	["'https://a.org/b.csv', 'a b', 'Hello.', '3.5', '/', 'x', '-o'", []],
	["'na\\u00efve.txt'", ['naïve.txt']],
	['!head -n 3 data/a.csv', ['data/a.csv']],
	['!cat LICENSE "with space.txt" --file=b/c.txt', ['LICENSE', 'b/c.txt', 'with space.txt']],
	['!sort < in > out 2>&1', ['in', 'out']],
	['%%bash\ncut -d, -f1 data/a.csv | sort > out/a.txt\n# not/this\necho "$HOME/x"', ['data/a.csv', 'out/a.txt']],
	['%cd data', ['data']],
	['%run tools/a.py data/b.csv', ['data/b.csv', 'tools/a.py']],
	['%%writefile a.py\nopen("b.csv")', ['a.py']],
])('the paths that %s names', (source, paths) => {
	expect(analyser.cell(source).paths).toEqual(paths);
});

test.each([
	['!ls -l', ['ls']],
	['x = !git log --oneline | head -1', ['git', 'head']],
	['!cd data && A=1 make all; echo done', ['make']],
	['%pip install numpy', ['pip']],
	['!sudo -E apt-get install x', ['apt-get', 'sudo']],
	['!find . -name "*.py" | xargs -n 1 wc -l', ['find', 'wc', 'xargs']],
	['%%bash\nset -e\nfor f in *.csv; do\n  wc -l "$f"\ndone\nif test -r x; then gzip x; fi', ['gzip', 'wc']],
	['%%sh\nn=$(grep -c a b.txt)\ncat <<END\nrm -rf everything\nEND\n', ['cat', 'grep']],
	['%%script perl -w\nprint 1', ['perl']],
	['%%python3\nimport a', ['python3']],
	['%%bash\n./count.sh a.txt\n$PROGRAM x\n', ['./count.sh']],
	["import os\nos.system('ls')", []],
])('the commands that %j starts', (source, commands) => {
	expect(analyser.cell(source).commands).toEqual(commands);
});

test.each([
	["glob.glob('x')", true],
	['os.listdir(d)', true],
	['for p in Path(d).iterdir(): pass', true],
	['from os import walk', true],
	["load('data/*.csv')", true],
	['!ls data', true],
	['!wc -l *.csv', true],
	['!wc -l data.csv', false],
	['a * b', false],
	["print('*' * 10)", false],
	['f(*args)', false],
])('whether %j lists a folder: %j', (source, lists) => {
	expect(analyser.cell(source).lists).toBe(lists);
});

test.each([
	["glob.glob('data/*.csv')", ['data/']],
	["import glob\nglob.glob(os.path.join('data', '*'))\nos.listdir()", ['.', 'data/']],
	["list(pathlib.Path('a/b').rglob('*.txt'))", ['', 'a/b']],
	["os.walk(os.path.abspath('data'))", ['data']],
	['from os import walk', []],
	['os.listdir(d)', undefined],
	["os.listdir('a')\nd.iterdir()", undefined],
	['map(os.listdir, folders)', undefined],
	['!ls data', undefined],
])('the folders that %j lists: %j', (source, listed) => {
	expect(analyser.cell(source).listed).toEqual(listed);
});

test.each([
	['task = asyncio.create_task(f())', true],
	['asyncio.ensure_future(f())', true],
	['loop.call_later(1, f)', true],
	['asyncio.gather(f(), g())', true],
	['await asyncio.gather(f(), g())', false],
	['await asyncio.wait([asyncio.create_task(f())])', false],
	['task = asyncio.create_task(f())\nprint(1)\nawait task', false],
	['tasks = [asyncio.create_task(f(i)) for i in range(3)]\nawait asyncio.gather(*tasks)', false],
	['async with asyncio.TaskGroup() as group:\n    group.create_task(f())', false],
	['async with asyncio.TaskGroup() as group:\n    other.create_task(f())', true],
	['def later():\n    asyncio.create_task(f())', true],
	['client.gather(futures)', false],
	['await f()', false],
])('whether %j leaves something to the event loop: %j', (source, starts) => {
	expect(analyser.cell(source).startsCoroutine).toBe(starts);
});

test.each([
	['%run setup.py', ['setup.py']],
	['%run -i -t ./a.py x y', ['./a.py']],
	["%run 'other notebook.ipynb'", ['other notebook.ipynb']],
	['run setup.py', ['setup.py']],
	['%run -m a', []],
])('the files that %j runs', (source, runs) => {
	expect(analyser.cell(source).runs).toEqual(runs);
});

test('a cell of a language that is not Python names nothing, and is broken', () => {
	expect(analyser.cell('%%unknown_magic\nSELECT * FROM data WHERE x = 1')).toEqual({
		imports: [],
		defines: [],
		uses: [],
		paths: [],
		commands: [],
		startsCoroutine: false,
		lists: false,
		runs: [],
		broken: true,
	});
});
