import { CellarError, type Run } from '../../model/index.ts';
import type { Part, Selector } from '../scopes.ts';

/**
 * Reads what `--for` says: `run`, `manager`, `workers`, `worker:ID`, `cell:N`, `program`, several joined by commas.
 *
 * @throws CellarError CELLAR_NO_SUCH_CELL with the range, CELLAR_NO_SUCH_WORKER with those there are, CELLAR_USAGE
 */
export function parseSelector(text: string, run: Run): Selector {
	const words = text.split(',').map((word) => word.trim());
	return { text: words.join(','), parts: words.map((word) => partOf(word, run)) };
}

function partOf(word: string, run: Run): Part {
	if (word === 'run' || word === 'manager' || word === 'workers' || word === 'program') return { part: word };
	const colon = word.indexOf(':');
	const kind = colon < 0 ? word : word.slice(0, colon);
	const id = colon < 0 ? '' : word.slice(colon + 1);
	if (kind === 'cell' && colon > 0) return { part: 'cell', cell: cellNamed(id, run) };
	if (kind === 'worker' && colon > 0) return { part: 'worker', worker: workerNamed(id, run) };
	throw new CellarError('CELLAR_USAGE', `--for ${word}: there is no such part of a run`, {
		hint: 'use run, manager, workers, worker:ID, cell:N or program; several are joined by commas',
	});
}

function cellNamed(id: string, run: Run): number {
	const numbers = run.cells.map((cell) => cell.number);
	const found = run.cells.find((cell) => String(cell.number) === id);
	if (found !== undefined) return found.number;
	const range = numbers.length === 0 ? 'it has no code cells' : `its code cells are ${rangeOf(numbers)}`;
	throw new CellarError('CELLAR_NO_SUCH_CELL', `run ${run.run} has no cell ${id}: ${range}`, {
		hint: 'cells are counted from 1, code cells only, from the top of the notebook',
	});
}

function workerNamed(id: string, run: Run): string {
	if (run.workers.some((worker) => worker.id === id)) return id;
	const all = run.workers.map((worker) => worker.id);
	const some = all.length > 10 ? `${all.slice(0, 9).join(', ')}, … ${all.at(-1)}` : all.join(', ');
	throw new CellarError('CELLAR_NO_SUCH_WORKER', `run ${run.run} has no worker ${id}`, {
		hint: all.length === 0 ? 'this run had no workers' : `its workers are ${some}`,
	});
}

function rangeOf(numbers: readonly number[]): string {
	const [first] = numbers;
	return numbers.length === 1 ? String(first) : `${first} to ${numbers.at(-1)}`;
}
