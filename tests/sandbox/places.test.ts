import { lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CellarError } from '../../core/src/model/index.ts';
import { kindOf, placeIn, type Place } from '../../core/src/sandbox/places.ts';
import { scratch } from './root.ts';

test('links are followed inside the root: an absolute one starts there again, dots stop at it', () => {
	const root = scratch();
	mkdirSync(join(root, 'usr/lib'), { recursive: true });
	symlinkSync('/usr/lib', join(root, 'lib'));
	symlinkSync('../../../../../../usr', join(root, 'up'));
	expect(placeIn(root, '/lib/x/y')).toEqual({ path: '/usr/lib/x/y', kind: null, missing: ['/usr/lib/x', '/usr/lib/x/y'] });
	expect(placeIn(root, '/up/lib')).toEqual({ path: '/usr/lib', kind: 'directory', missing: [] });
	expect(placeIn(root, '/')).toEqual({ path: '/', kind: 'directory', missing: [] });
});

test('a link that leads to itself, or a path through a file, is a broken image', () => {
	const root = scratch();
	symlinkSync('b', join(root, 'a'));
	symlinkSync('a', join(root, 'b'));
	writeFileSync(join(root, 'file'), '');
	for (const path of ['/a', '/file/below']) {
		expect(() => placeIn(root, path)).toThrow(expect.objectContaining({ code: 'CELLAR_IMAGE_BROKEN' }));
	}
});

test('wherever links lead, a place has no link and no dots on its way: it is inside', () => {
	const word = fc.constantFrom('a', 'b', 'c', '..', '.');
	const way = fc
		.tuple(fc.constantFrom('', '/'), fc.array(word, { minLength: 1, maxLength: 5 }))
		.map(([start, words]) => start + words.join('/'));
	const name = fc.constantFrom('a', 'b', 'c');
	const entry = fc.record({ at: fc.array(name, { minLength: 1, maxLength: 3 }), target: way });
	fc.assert(
		fc.property(fc.array(entry, { maxLength: 6 }), way, (entries, asked) => {
			const root = scratch();
			for (const { at, target } of entries) {
				const parents = at.slice(0, -1).map((_, depth) => join(root, ...at.slice(0, depth + 1)));
				// Through a link it would be made outside; where the path is taken there is one entry less.
				if (parents.some((path) => kindOf(path) === 'link') || kindOf(join(root, ...at)) !== null) continue;
				mkdirSync(dirname(join(root, ...at)), { recursive: true });
				symlinkSync(target, join(root, ...at));
			}
			const place = placeOrBroken(root, `/${asked}`);
			if (place === null) return;
			const words = place.path.split('/').filter(Boolean);
			expect(words).not.toContain('..');
			words.forEach((_, at) => {
				const path = `/${words.slice(0, at + 1).join('/')}`;
				const stats = lstatSync(join(root, path), { throwIfNoEntry: false });
				expect(stats?.isSymbolicLink() ?? false).toBe(false);
				expect(place.missing.includes(path)).toBe(stats === undefined);
			});
		}),
		{ numRuns: 200 },
	);
});

/** Null for a path that the root cannot have; any other error is one of ours and fails the test. */
function placeOrBroken(root: string, path: string): Place | null {
	try {
		return placeIn(root, path);
	} catch (error) {
		if (error instanceof CellarError && error.code === 'CELLAR_IMAGE_BROKEN') return null;
		throw error;
	}
}
