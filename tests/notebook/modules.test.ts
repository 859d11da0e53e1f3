import { expect, test } from 'vitest';
import { loadAnalyser, modulesByCell } from '../../core/src/notebook/index.ts';

const analyser = await loadAnalyser();

/** The modules of each cell: `numpy` imported here, `(numpy)` used by a name that an earlier cell bound. */
function modules(...sources: readonly string[]): readonly string[] {
	return modulesByCell(sources.map((source) => analyser.cell(source))).map((cell) =>
		cell.map(({ module, bound }) => (bound === 'here' ? module : `(${module})`)).join(' '),
	);
}

test('a cell that uses what an earlier cell imported names the module too', () => {
	expect(modules('import numpy as np', 'x = np.zeros(3)', 'print(x)')).toEqual(['numpy', '(numpy)', '']);
});

test('a name of a from-import leads to the module, and to what may be a module in it', () => {
	expect(modules('from scipy import ndimage as nd', 'nd.convolve(a, b)')).toEqual([
		'scipy scipy.ndimage',
		'(scipy) (scipy.ndimage)',
	]);
});

test('a dotted import without an alias is used by its first name', () => {
	expect(modules('import google.cloud.storage\nimport google.auth', 'google.cloud.storage.Client()')).toEqual([
		'google.auth google.cloud.storage',
		'(google.auth) (google.cloud.storage)',
	]);
});

test('an alias ends where a later cell gives its name to something else', () => {
	expect(modules('import numpy as np', 'np = 3', 'np + 1')).toEqual(['numpy', '', '']);
});

test('a cell that uses an alias before it gives the name away still used it', () => {
	expect(modules('import style', 'style = style.load()', 'style')).toEqual(['style', '(style)', '']);
});

test('a later import takes a name over', () => {
	expect(modules('import numpy as xp', 'import cupy as xp', 'xp.zeros(3)')).toEqual(['numpy', 'cupy', '(cupy)']);
});

test('either branch of an import may be the one', () => {
	expect(modules('try:\n    import ujson as json\nexcept ImportError:\n    import json', 'json.dumps(x)')).toEqual([
		'json ujson',
		'(json) (ujson)',
	]);
});

test('what a function imports for itself is no name for later cells', () => {
	expect(modules('def f():\n    import scipy\n    return scipy', 'scipy = f()\nscipy.fft')).toEqual(['scipy', '']);
});

test('what a function of this cell reads is used here', () => {
	expect(modules('import numpy as np', 'def f(a): return np.sum(a)\nnp_ = 1', 'f(2)')).toEqual(['numpy', '(numpy)', '']);
});

test('a parameter that is called like a module is not the module', () => {
	expect(modules('import random', 'def f(random): return random.x', '[random for random in y]')).toEqual(['random', '', '']);
});

test('a module that was imported by its name in a string is followed too', () => {
	expect(modules("import importlib\nnp = importlib.import_module('numpy')", 'np.zeros(3)')).toEqual([
		'importlib numpy',
		'(numpy)',
	]);
});

test('a name that nobody bound may come from a star', () => {
	expect(modules('from pylab import *', 'x = linspace(0, 1)', 'print(x)', 'plot(x)')).toEqual([
		'pylab',
		'(pylab)',
		'',
		'(pylab)',
	]);
});

test('builtins and what IPython puts beside them come from no star', () => {
	expect(modules('from pylab import *', 'print(len(In), _, __, _i1, _3, display(Out), get_ipython())')).toEqual(['pylab', '']);
});

test('%pylab binds two libraries and everything in them', () => {
	expect(modules('%pylab inline', 'plt.plot(np.arange(3))', 'arange(3)')).toEqual([
		'matplotlib.pylab matplotlib.pyplot numpy',
		'(matplotlib.pyplot) (numpy)',
		'(matplotlib.pylab)',
	]);
});

test('a shell line that fills in a name uses it', () => {
	expect(modules('import os.path as path', '!ls {path.join("a", "b")}')).toEqual(['os.path', '(os.path)']);
});
