import {
	CellarError,
	type CellUse,
	type Dependencies,
	type FileFact,
	type How,
	type Name,
	type RunCell,
} from '../../model/index.ts';
import type { Judgement } from '../judge.ts';
import { describe } from './describe.ts';
import type { CellProcess, Explanation } from './explanation.ts';
import { createPrograms } from './programs.ts';
import { parseSelector } from './selector.ts';

/** The number in `cell:N`; null for every other word. */
export function cellMeant(what: string): string | null {
	return /^cell:(.*)$/.exec(what)?.[1]?.trim() ?? null;
}

/**
 * What a cell names, used, made and started.
 *
 * @param uses what the source of each cell names
 * @throws CellarError CELLAR_NO_SUCH_CELL
 */
export function explainCell(
	j: Judgement,
	files: ReadonlyMap<Name, FileFact>,
	uses: readonly CellUse[],
	what: string,
): Explanation {
	const selector = parseSelector(what, j.run);
	const [part] = selector.parts;
	const cell = part?.part === 'cell' ? j.run.cells.find((one) => one.number === part.cell) : undefined;
	if (cell === undefined || selector.parts.length > 1) {
		throw new CellarError('CELLAR_USAGE', `${what} is not one cell`, { hint: 'cellar explain cell:3' });
	}
	const dependencies = describe(j, files, selector);
	const names = uses.find((use) => use.number === cell.number)?.names ?? null;
	const processes = processesOf(j, cell);
	const did = (hows: ReadonlySet<How>) =>
		dependencies.data
			.map((item) => item.path)
			.filter((path) => j.world.uses.of(path).some((one) => hows.has(one.how) && j.world.scopes.selects(selector, one)));
	const [reads, writes] = [did(reading), did(writing)];
	return {
		what,
		verdict: 'cell',
		rule: 'cell',
		reason: reasonOf({ cell, software: dependencies.software, reads, writes, processes }),
		owner: null,
		chain: [],
		uses: [],
		store: null,
		requiredBy: [],
		cell: {
			...{ number: cell.number, id: cell.id, status: cell.status, seconds: cell.seconds },
			names:
				names === null
					? null
					: {
							imports: [...new Set(names.imports.map((one) => one.module))],
							...{ commands: names.commands, runs: names.runs, paths: names.paths },
						},
			...{ reads, writes, dependencies, processes },
		},
	};
}

function processesOf({ world, run }: Judgement, cell: RunCell): CellProcess[] {
	const programs = createPrograms(world.facts);
	const executions = new Set(run.cells.find((one) => one.number === cell.number)?.executions);
	return world.facts.processes
		.filter((one) => one.kind === 'process' && one.parent !== null && one.cell !== null && executions.has(one.cell))
		.toSorted((a, b) => a.born - b.born)
		.map((one) => {
			const exec = programs.at(one.ordinal, one.ended ?? Infinity);
			const { pid, worker, exitCode, signal } = one;
			return { pid, program: exec?.path ?? null, argv: exec?.argv ?? [], worker, exitCode, signal };
		});
}

const reading: ReadonlySet<How> = new Set(['read', 'readwrite', 'list', 'execute']);
const writing: ReadonlySet<How> = new Set(['write', 'readwrite', 'append', 'truncate', 'create']);

function reasonOf(o: {
	readonly cell: RunCell;
	readonly software: Dependencies['software'];
	readonly reads: readonly Name[];
	readonly writes: readonly Name[];
	readonly processes: readonly CellProcess[];
}): string {
	const { cell, software } = o;
	const took = cell.seconds === null ? '' : ` after ${cell.seconds.toFixed(1)} s`;
	const named = software.filter((item) => item.why.includes('named')).length;
	const counts = [
		`it used or named ${count(software.length, 'package', 'packages')}, ${named} by name`,
		`read ${count(o.reads.length, 'file', 'files')}, wrote ${o.writes.length}`,
		`started ${count(o.processes.length, 'process', 'processes')}`,
	];
	return `${cell.status}${took}: ${counts.join(', ')}`;
}

function count(number: number, one: string, more: string): string {
	return `${number} ${number === 1 ? one : more}`;
}
