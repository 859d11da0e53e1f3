import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hows } from '../../core/src/model/index.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/tracing.md'), 'utf8');

test('the page about tracing has every doubt that a log can raise, and every way to use a path', () => {
	const room = join(root, 'core/src/audit');
	const sources = ['log', 'follow'].flatMap((folder) => readdirSync(join(room, folder)).map((name) => join(room, folder, name)));
	const raised = new Set(
		sources.flatMap((source) => [...readFileSync(source, 'utf8').matchAll(/'(CELLAR_[A-Z_]+)'/g)].map(([, code]) => code)),
	);
	// What is thrown is an error, and stands on the page of errors.
	raised.delete('CELLAR_LOG_UNREADABLE');
	expect([...raised].filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
	expect(raised.size).toBeGreaterThan(8);
	expect(hows.filter((how) => !page.includes(`\`${how}\``))).toEqual([]);
});
