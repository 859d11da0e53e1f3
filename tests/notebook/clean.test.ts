import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatNotebook, loadAnalyser, codeCells, parseNotebook } from '../../core/src/notebook/index.ts';

const root = join(import.meta.dirname, '../..');

function filesBelow(folder: string, end: string): string[] {
	return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
		.filter((file) => file.endsWith(end) && !/(^|\/)\./.test(file))
		.map((file) => join(folder, file));
}

test('the notebooks that people read are committed as they were written: no output, an id for every cell, Python 3', async () => {
	const analyser = await loadAnalyser();
	const notebooks = [...filesBelow('examples', '.ipynb'), ...filesBelow('bench', '.ipynb')];
	expect(notebooks.length).toBeGreaterThanOrEqual(4);
	for (const file of notebooks) {
		const notebook = parseNotebook(readFileSync(join(root, file)), file);
		expect(formatNotebook(notebook), file).not.toMatch(/"output_type"|"execution_count": \d/);
		expect(new Set(notebook.cells.map(({ id }) => id)).size, file).toBe(notebook.cells.length);
		for (const { number, source } of codeCells(notebook)) {
			expect(analyser.cell(source).broken, `${file} cell ${number}`).toBe(false);
		}
	}
});

test('every environment names each distribution with its exact version', () => {
	const files = [...filesBelow('examples', 'requirements.txt'), ...filesBelow('tests/requirements', '.txt')];
	expect(files.length).toBeGreaterThanOrEqual(3);
	for (const file of files) {
		const lines = readFileSync(join(root, file), 'utf8')
			.split('\n')
			.map((line) => line.replace(/#.*/, '').trim())
			.filter((line) => line !== '');
		for (const line of lines) expect(line, file).toMatch(/^[A-Za-z0-9][\w.-]*==\d[\w.]*$/);
	}
});
