import { expect, test } from 'vitest';
import { loadAnalyser } from '../../core/src/notebook/index.ts';
import { askPython } from './python.ts';

/** The global names of a source, by CPython's own symbol table (symbols.py). */
interface Symbols {
	readonly source: string;
	readonly defines: readonly string[];
	readonly uses: readonly string[];
}

const analyser = await loadAnalyser();

test('of the names in the files of the standard library, 99.9 in 100 are found as CPython finds them', () => {
	const library = askPython<Record<string, Symbols>>(['symbols.py', '--library', '50'], null);
	let facts = 0;
	const wrong: string[] = [];
	for (const [file, { source, ...truth }] of Object.entries(library)) {
		const found = analyser.cell(source);
		for (const kind of ['defines', 'uses'] as const) {
			const [theirs, ours] = [new Set(truth[kind]), new Set(found[kind])];
			facts += theirs.size;
			for (const name of theirs) if (!ours.has(name)) wrong.push(`${file}: ${name} is missing in ${kind}`);
			for (const name of ours) if (!theirs.has(name)) wrong.push(`${file}: ${name} is too much in ${kind}`);
		}
	}
	expect(facts).toBeGreaterThan(3000);
	expect(wrong.length / facts, wrong.join('\n')).toBeLessThan(0.001);
});

const cells: Readonly<Record<string, string>> = {
	'plain assignments': 'a = b\nc, (d, *e) = f\n[g, h.i, j[k]] = l\nm = n = o\np: int = q\nr: s',
	'augmented assignments read': 'a += b\nc.d += e\nf[g] += h',
	deletions: 'del a, b.c, (d, e[f]), [g]',
	loops: 'for a, (b, *c) in d:\n    e\nelse:\n    f\nwhile g:\n    h = 1',
	'with and except':
		'with a as b, c() as (d, e), f as g.h: pass\ntry: pass\nexcept A as i: pass\nexcept (B, C): pass\nfinally: j = 1',
	'exception groups': 'try: pass\nexcept* A as b: pass',
	'a function keeps what it binds':
		'def f(a, b=c, *d, e: g = h, **i) -> j:\n    k = a + l\n    def m(): return k, n\n    return m',
	'positional and keyword only': 'def f(a, /, b, *, c=d): return a, b, c, e',
	lambdas: 'f = lambda a, *b, c=d, **e: a + g',
	'global and nonlocal':
		'def f():\n    global a, z\n    a = 1\n    b = 2\n    def g():\n        nonlocal b\n        b = c\n    return a, b, z',
	'a global of a function is one for those within': 'def f():\n    global a\n    a = 1\n    def g(): return a',
	'a class body is seen by nobody within it':
		'class A(B, metaclass=M):\n    x = 1\n    y = x\n    def f(self): return x, y\n    z = [x for x in y]',
	'a class that binds a global': 'class A:\n    global g\n    g = 1',
	'private names':
		'class _A:\n    __p = 1\n    def f(self): return __q, __r__\nclass B:\n    def f(self): __s = 1\n    def g(self): global __t; __t = 1',
	decorators: '@a(b)\n@c.d\ndef f(): pass\n@e\nclass G: pass',
	comprehensions: '[a for a in b if c]\n{d: e for d, f in g}\n{h for h in i for j in h if k}\nsum(l for l in m)',
	'the first iterable of a comprehension is read outside': 'class A:\n    x = [1]\n    y = [a for a in x for b in x]',
	'nested comprehensions': '[[a for a in b] for b in c]\n[(lambda: d)() for d in e]',
	'walrus in a comprehension': '[b := a for a in c if (d := a)]\ndef f():\n    [e := g for g in h]\n    return e',
	walrus: 'if (a := b) > (c := 1): pass\nprint(f(x := 2))',
	match:
		'match a:\n    case B.C(d, e=f) | [f, *d] | {"k": d, E.K: f, **d}: pass\n    case (g, h) if i: pass\n    case str() as j: pass\n    case -1 | 1+2j | None | "s": pass\n    case Point(x=0, y=P.z): pass\n    case [Q(r), *_]: pass\n    case k: pass\n    case _: pass',
	'soft keywords as names': 'match = 1\ncase = match\ntype = case\n_ = type\nprint(match, case, type(x))\ntype(a).b = c',
	imports:
		'import a.b.c, d.e as f\nfrom g import h, i as j\nfrom . import k\nfrom .l.m import n\nfrom o import *\ndef p():\n    import q',
	'f-strings': 'f"{a!r:>{b}} {c.d[e]} {f(g)=} {{h}}"\nf"""{i:{j}.{k}f}"""\nrf"{l}\\d"',
	'f-strings within f-strings': 'f\'{a + f"{b}"}\'',
	annotations: 'def f(a: "B", c: D[E], *f: G) -> H[I, "J"]:\n    k: L = m\n    return k\nn: O.P | Q = r',
	async:
		'async def f(a):\n    async with b as c:\n        async for d in e:\n            await g\n    return [h async for h in i]\nawait j',
	'calls and slices': 'a(b, *c, d=e, **f)[g:h:i, ..., j]',
	'conditions and comparisons': 'a if b else c\nd < e <= f is not g not in h\nnot i and j or k\n-l @ m',
	'strings, numbers, constants': '"a" b"c" r"d" 1 2.0 3j'.split(' ').join('\n') + '\nTrue\nNone\n...',
	'yield and return':
		'def f():\n    yield a\n    yield from b\n    x = yield\n    return x, c\n    raise d from e\n    assert g, h',
	'names that look alike': 'ﬁ = 1\nprint(fi)',
	'lines that go on': 'a = (b +\n     c)\nd = e + \\\n    f',
	'a method called top': 'class A:\n    def top(self, a): return self, a, b',
};

test('the names of cells are found as CPython finds them', () => {
	const truth = askPython<Record<string, Symbols>>(['symbols.py'], cells);
	for (const [what, { source, ...names }] of Object.entries(truth)) {
		const { defines, uses, broken } = analyser.cell(source);
		expect({ defines, uses, broken }, what).toEqual({ ...names, broken: false });
	}
	expect(Object.keys(cells).filter((what) => truth[what] === undefined)).toEqual([]);
});

test('a cell may wait at its top, which a module may not', () => {
	const { defines, uses, broken } = analyser.cell('import a\nb = await a.c(d)\nasync with e as f: pass\nasync for g in h: pass');
	expect({ defines, uses, broken }).toEqual({ defines: ['a', 'b', 'f', 'g'], uses: ['a', 'd', 'e', 'h'], broken: false });
});

test('type parameters belong to what they stand on', () => {
	const source = 'def f[T: A, *U, **P](a: T, *b: U) -> V: return T\nclass C[X](D[X]):\n    y: X\ntype L[W] = list[W] | Z';
	const { defines, uses } = analyser.cell(source);
	expect({ defines, uses }).toEqual({ defines: ['C', 'L', 'f'], uses: ['A', 'D', 'V', 'Z', 'list'] });
});

test('an expression of ten thousand terms is read like any other', () => {
	const { uses, broken } = analyser.cell(Array.from({ length: 10_000 }, (_, at) => `a${at % 7}`).join(' + '));
	expect({ uses, broken }).toEqual({ uses: ['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6'], broken: false });
});

test.each([
	['a syntax error', 'import os\nx = = 1\n', true],
	['a try without an except', 'try:\n    x\n', true],
	['a block that is not there', 'if x:\n', true],
	['Python 2: a print statement', 'import os\nprint "a"', true],
	['Python 2: print to a file', 'import os\nprint >>f, "a"', true],
	['Python 2: exec', 'import os\nexec "a = 1"', true],
	['Python 2: an old comparison', 'import os\na <> b', true],
	['Python 2: an octal number', 'import os\nos.chmod(f, 0644)', true],
	['Python 2: a long number', 'import os\na = 10L', true],
	['Python 2: raise with a comma', 'import os\nraise E, "a"', true],
	['Python 2: backquotes', 'import os\na = `b`', true],
	['Python 3', 'import os\nprint("a", file=f)\nprint (x), 0o644, 00, 1_0, 0x1F\nraise E("a")', false],
])('%s: what can be read is read, and broken tells it', (_, source, broken) => {
	const found = analyser.cell(source);
	expect(found.broken).toBe(broken);
	if (source.includes('import os')) expect(found.imports).toEqual([{ module: 'os', names: null, bound: ['os'] }]);
});
