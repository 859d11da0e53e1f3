import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { readTables, type Tables } from '../../core/src/store/index.ts';
import { makePlace, pythonOf } from './cellar.ts';

/** What a cell did to a file below the notebook's folder; `NAME.truth.json` was written by witnesses that are no tracer. */
interface TrueAccess {
	readonly path: string;
	readonly how: 'read' | 'write' | 'readwrite' | 'list' | 'remove';
	readonly during: number | null;
	readonly ambiguous: boolean;
}
interface Truth {
	readonly cells: readonly { readonly number: number; readonly status: string; readonly accesses: readonly TrueAccess[] }[];
}

const stories = ['pandas-helper', 'matplotlib-figures', 'shell-cells', 'late-work', 'raises-third'] as const;

for (const story of stories) {
	test(`every access of ${story} lies in the cell that made it, as in an unaudited run`, { timeout: 600_000 }, async () => {
		using place = makePlace();
		const notebook = place.copy(`${story}/${story}.ipynb`);
		const said = await place.cellar(['audit', notebook, '--python', pythonOf('stories'), '--json']);
		const run = said.json();
		const truth = JSON.parse(readFileSync(join(import.meta.dirname, `${story}.truth.json`), 'utf8')) as Truth; // our own file

		expect(said.code, said.stderr).toBe(truth.cells.some((cell) => cell.status === 'raised') ? 3 : 0);
		expect(run.cells.map((cell) => cell.status)).toEqual(truth.cells.map((cell) => cell.status));

		const found = accessesBelow(dirname(notebook), await readTables(run.directory));
		// `open(…, 'w+')` reads and writes for the truth's witnesses; here it is `truncate`, since nothing of the old file can be read.
		const claimed = truth.cells.flatMap((cell) =>
			cell.accesses.map((access) => ({ ...access, how: access.how === 'readwrite' ? 'write' : access.how, cell: cell.number })),
		);
		const certain = claimed.filter((access) => !access.ambiguous).map(line);
		const late = claimed.filter((access) => access.ambiguous);

		for (const access of late) {
			const seen = found.filter((other) => other.path === access.path && other.how === access.how);
			expect(seen, `${access.path} by a coroutine`).toSatisfy(
				(all: typeof seen) => all.length > 0 && all.every((one) => one.ambiguous),
			);
		}
		const rest = found.filter((one) => !late.some((access) => access.path === one.path && access.how === one.how)).map(line);
		expect([...new Set(rest)].sort()).toEqual([...new Set(certain)].sort());
	});
}

interface FoundAccess {
	readonly cell: number | null;
	readonly during: number | null;
	readonly path: string;
	readonly how: string;
	readonly ambiguous: boolean;
}

/** The run's accesses to files below a folder, in the words of the truth. Here each cell ran once, so executions are numbers. */
function accessesBelow(folder: string, { facts, files }: Tables): FoundAccess[] {
	const folders = new Set(files.filter((file) => file.kind === 'directory').map((file) => file.path));
	const renamed = new Map(facts.changes.filter((change) => change.kind === 'rename').map((change) => [change.from, change.to]));
	const words: Readonly<Record<string, string>> = {
		read: 'read',
		execute: 'read',
		write: 'write',
		append: 'write',
		truncate: 'write',
		create: 'write',
		readwrite: 'write',
		list: 'list',
	};
	const uses = facts.accesses
		.filter((access) => words[access.how] !== undefined)
		.filter((access) => !folders.has(access.path) || access.how === 'list')
		.map((access) => ({
			cell: access.cell,
			during: access.during,
			path: renamed.get(access.path) ?? access.path,
			how: words[access.how]!,
			ambiguous: access.ambiguous,
		}));
	const removals = facts.changes
		.filter((change) => change.kind === 'remove' && !folders.has(change.to))
		.map((change) => ({ cell: change.cell, during: null, path: change.to, how: 'remove', ambiguous: false }));
	return [...uses, ...removals]
		.filter((access) => access.path.startsWith(`${folder}/`))
		.map((access) => ({ ...access, path: access.path.slice(folder.length + 1).replace(/\.cpython-\d+/, '.TAG') }));
}

function line(access: { cell: number | null; during: number | null; path: string; how: string }): string {
	return `cell ${access.cell} ${access.how} ${access.path}${access.during === null ? '' : ` during ${access.during}`}`;
}
