import { CellarError } from '../model/index.ts';
import { pythonFloat } from './json.ts';
import { tagsOf, type Notebook, type NotebookCell } from './parse.ts';

/**
 * The notebook with parameters set, in papermill's way: a cell tagged `injected-parameters` takes the place of one that is there,
 * or comes after the cell tagged `parameters`, or, without either, first. Values are text; what reads as a Python boolean,
 * None, or number is one, everything else a string.
 *
 * @throws CellarError CELLAR_USAGE for a name that is no Python identifier, or a notebook of another language
 * @see https://papermill.readthedocs.io/en/latest/usage-parameterize.html
 */
export function withParameters(notebook: Notebook, parameters: ReadonlyMap<string, string>): Notebook {
	if (parameters.size === 0) return notebook;
	const language = notebook.metadata.kernelspec?.language ?? notebook.metadata.language_info?.name ?? 'python';
	if (language.toLowerCase() !== 'python') {
		throw new CellarError('CELLAR_USAGE', `parameters can be set in Python notebooks, and this one is in ${language}`);
	}
	const { cells } = notebook;
	const earlier = indexOfTag(cells, 'injected-parameters');
	const declared = indexOfTag(cells, 'parameters');
	const before = earlier >= 0 ? earlier : declared + 1;
	const after = earlier >= 0 ? earlier + 1 : before;
	return { ...notebook, cells: [...cells.slice(0, before), injectedCell(notebook, parameters), ...cells.slice(after)] };
}

function injectedCell({ nbformat_minor, cells }: Notebook, parameters: ReadonlyMap<string, string>): NotebookCell {
	const lines = [...parameters].map(([name, value]) => {
		if (!/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name)) {
			throw new CellarError('CELLAR_USAGE', `a parameter cannot be called "${name}": it is no Python name`);
		}
		return `${name} = ${pythonLiteral(value)}\n`;
	});
	const cell: NotebookCell = {
		cell_type: 'code',
		metadata: { tags: ['injected-parameters'] },
		source: `# Parameters\n${lines.join('')}`,
		outputs: [],
		execution_count: null,
	};
	const taken = cells.some(({ id }) => id === injected.id);
	return nbformat_minor < 5 || taken ? cell : { ...cell, ...injected };
}

const injected = { id: 'injected-parameters' };

/** What papermill makes of a word on its command line. */
function pythonLiteral(value: string): string {
	if (value === 'True' || value === 'False' || value === 'None') return value;
	const text = value.trim();
	if (/^[+-]?\d+(_\d+)*$/.test(text)) {
		const digits = text.replaceAll('_', '');
		return String(BigInt(digits.startsWith('+') ? digits.slice(1) : digits));
	}
	const isFloat = /^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?$|^[+-]?(nan|inf|infinity)$/i.test(text);
	if (isFloat) {
		const number = Number(text.replaceAll('_', '').replace(/inf.*/i, 'Infinity'));
		return Number.isFinite(number)
			? pythonFloat(number)
			: `float('${Number.isNaN(number) ? 'nan' : number > 0 ? 'inf' : '-inf'}')`;
	}
	return pythonString(value);
}

/** A string in double quotes, with everything escaped that is not plain ASCII. */
function pythonString(value: string): string {
	const escaped = [...value].map((letter) => {
		if (letter === '\\' || letter === '"') return `\\${letter}`;
		const code = letter.codePointAt(0)!;
		if (code >= 0x20 && code < 0x7f) return letter;
		const named = { 9: '\\t', 10: '\\n', 13: '\\r' }[code];
		if (named !== undefined) return named;
		const hex = code.toString(16);
		return code < 0x100
			? `\\x${hex.padStart(2, '0')}`
			: code < 0x10000
				? `\\u${hex.padStart(4, '0')}`
				: `\\U${hex.padStart(8, '0')}`;
	});
	return `"${escaped.join('')}"`;
}

function indexOfTag(cells: readonly NotebookCell[], tag: string): number {
	return cells.findIndex((cell) => tagsOf(cell).includes(tag));
}
