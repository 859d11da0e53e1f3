import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatNotebook, parseNotebook } from '../../core/src/notebook/index.ts';
import { askPython } from './python.ts';
import { notebookText, type NbformatSays } from './some.ts';

const root = join(import.meta.dirname, '../..');

test('any notebook is written as nbformat writes it, to the byte, whatever its metadata hold', () => {
	const seed = Date.now() % 2 ** 31;
	const texts = fc.sample(notebookText, { numRuns: 200, seed });
	const said = askPython<NbformatSays[]>(['nbformat_says.py'], texts);
	texts.forEach((text, at) => {
		const ours = formatNotebook(parseNotebook(Buffer.from(text), 'test.ipynb'));
		expect(ours, `fast-check seed ${seed}: ${text}`).toBe(said[at]!.written);
	});
});

test('every notebook of the project is written back as it is', () => {
	const notebooks = ['examples', 'bench', 'tests'].flatMap((folder) =>
		readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
			.filter((file) => file.endsWith('.ipynb') && !/\/\.|bad\/(not-json|nbformat3)/.test(file))
			.map((file) => join(root, folder, file)),
	);
	expect(notebooks.length).toBeGreaterThan(10);
	for (const file of notebooks) {
		const bytes = readFileSync(file);
		expect(formatNotebook(parseNotebook(bytes, file)), file).toBe(bytes.toString());
	}
});

test('what is written reads as the same notebook', () => {
	fc.assert(
		fc.property(notebookText, (text) => {
			const once = formatNotebook(parseNotebook(Buffer.from(text), 'test.ipynb'));
			expect(formatNotebook(parseNotebook(Buffer.from(once), 'test.ipynb'))).toBe(once);
		}),
		{ numRuns: 100 },
	);
});
