import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makePlace, pythonOf } from './cellar.ts';
import { drawn, openedAndPacked, repeatWithout } from './left-out.ts';

for (const story of ['pandas-helper', 'matplotlib-figures'] as const) {
	test(
		`of ${story}, 20 files that the run opened, each left out: named, and no cell before it differs`,
		{ timeout: 3_600_000 },
		async () => {
			using place = makePlace();
			const notebook = place.copy(`${story}/${story}.ipynb`);
			const audited = (await place.cellar(['audit', notebook, '--python', pythonOf('stories'), '--json'])).json();
			const image = join(place.folder, 'whole');
			expect((await place.cellar(['pack', '-o', image])).code).toBe(0);
			const outcomes = new Map<string, number>();
			for (const path of drawn(await openedAndPacked(audited.directory, image), 20)) {
				const outcome = await repeatWithout(place, audited.run, path);
				outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
			}
			process.stdout.write(`${story}: ${[...outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', ')}\n`);
			// Were all of them the same, nothing was taken away.
			expect((outcomes.get('fails') ?? 0) + (outcomes.get('cannot start') ?? 0)).toBeGreaterThan(0);
		},
	);
}
