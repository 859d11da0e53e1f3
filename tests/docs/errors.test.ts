import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { errorCodes } from '../../core/src/model/index.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8');

test('the page of errors lists every code with its exit code, and no other', () => {
	const listed = [...page.matchAll(/^\| `(CELLAR_\w+)` \| (\d+) \|/gm)].map(([, code, exit]) => [code, Number(exit)]);
	expect(Object.fromEntries(listed)).toEqual(errorCodes);
	expect(listed).toHaveLength(Object.keys(errorCodes).length);
});
