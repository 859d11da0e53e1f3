import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './cellar.ts';

/** Writes a notebook of these code cells into a place, for a story that is told in a few lines; its path. */
export function inlineNotebook(place: Pick<Place, 'folder'>, name: string, cells: readonly string[]): string {
	const path = join(place.folder, name);
	writeFileSync(
		path,
		JSON.stringify({
			cells: cells.map((source, at) => ({
				cell_type: 'code',
				id: `cell-${at + 1}`,
				execution_count: null,
				metadata: {},
				outputs: [],
				source: source.replace(/^\n/, ''),
			})),
			metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } },
			nbformat: 4,
			nbformat_minor: 5,
		}),
	);
	return path;
}
