import { createHash } from 'node:crypto';
import type { CellResult, JsonObject } from '../model/index.ts';
import type { Notebook, NotebookCell } from './parse.ts';

/** The kernel that ran a notebook, as its metadata names it. */
export interface KernelName {
	readonly name: string;
	readonly displayName: string;
	readonly language: string;
}

/**
 * The executed notebook: each code cell with the outputs and count of its last execution, a cell that did not run with none.
 *
 * It is valid nbformat 4.5 if the metadata given were: ids are kept, and made from the cell's place and source where they are missing
 * or not allowed, so that the same notebook gets the same ones; fields that nbformat does not know are left out; the times that an earlier
 * execution left in a cell's metadata go, because they are not this one's. Everything else in the metadata stays as it was.
 *
 * @param kernel null where it is not known: then the metadata go on naming the one they named
 */
export function withResults(notebook: Notebook, results: readonly CellResult[], kernel: KernelName | null): Notebook {
	const last = new Map(results.map((result) => [result.number, result]));
	const ids = idsFor(notebook.cells);
	let number = 0;
	const cells = notebook.cells.map((cell, index) => {
		const result = cell.cell_type === 'code' ? last.get(++number) : undefined;
		return executed(cell, ids[index]!, result);
	});
	return {
		nbformat: 4,
		nbformat_minor: Math.max(notebook.nbformat_minor, 5),
		metadata: kernel === null ? notebook.metadata : withKernel(notebook.metadata, kernel),
		cells,
	};
}

function executed(cell: NotebookCell, id: string, result: CellResult | undefined): NotebookCell {
	const { cell_type, source, attachments } = cell;
	if (cell_type === 'code') {
		const { execution: _, ...metadata } = cell.metadata;
		const outputs = (result?.outputs ?? []).map((output): JsonObject => ({ ...output }));
		return { cell_type, id, metadata, source, outputs, execution_count: result?.executionCount ?? null };
	}
	if (cell_type !== 'markdown' && cell_type !== 'raw') return { ...cell, id };
	return { cell_type, id, metadata: cell.metadata, source, ...(attachments === undefined ? {} : { attachments }) };
}

function withKernel(metadata: Notebook['metadata'], { name, displayName, language }: KernelName): Notebook['metadata'] {
	const described = metadata.language_info?.name?.toLowerCase() === language.toLowerCase() ? metadata.language_info : {};
	return {
		...metadata,
		kernelspec: { ...metadata.kernelspec, name, display_name: displayName, language },
		language_info: { ...described, name: language },
	};
}

const allowedId = /^[a-zA-Z0-9\-_]{1,64}$/;

/** An id for each cell, in order: its own where it is allowed and not taken by a cell above, otherwise one made from what it is. */
function idsFor(cells: readonly NotebookCell[]): readonly string[] {
	const kept = cells.map(({ id }, index) => {
		const allowed = typeof id === 'string' && allowedId.test(id);
		return allowed && cells.findIndex((other) => other.id === id) === index ? id : null;
	});
	const taken = new Set(kept);
	return cells.map((cell, index) => {
		let id = kept[index] ?? null;
		for (let attempt = 0; id === null; attempt++) {
			const made = createHash('sha256').update(`${index}.${attempt}\n${cell.source}`).digest('hex').slice(0, 8);
			if (!taken.has(made)) id = made;
		}
		taken.add(id);
		return id;
	});
}
