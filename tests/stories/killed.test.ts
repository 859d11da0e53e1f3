import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { makePlace, pythonOf } from './cellar.ts';

/** Processes that a tracer follows: what an audit has running. */
function traced(folder: string): number[] {
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.filter((pid) => {
			try {
				return (
					readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(folder) ||
					readFileSync(`/proc/${pid}/environ`, 'latin1').includes(folder)
				);
			} catch {
				return false;
			}
		})
		.map(Number)
		.filter((pid) => pid !== process.pid);
}

test(
	'kill -9 at any moment leaves a run that is listed as died, with every cell that had ended, and nothing running',
	{ timeout: 240_000 },
	async () => {
		for (const moment of [300, 1500, 3000, 4500]) {
			using place = makePlace();
			const notebook = place.copy('bad/endless.ipynb');
			const started = place.start(['audit', notebook, '--python', pythonOf('stories'), '--progress', 'plain']);
			const ended = started.ended;
			await wait(moment);
			process.kill(started.pid, 'SIGKILL');
			const said = await ended;
			const finished = said.stderr.match(/cell \d+ of \d+ {2}finished/g)?.length ?? 0;

			const runs = (await place.cellar(['runs', '--json'])).json()['runs'];
			if (runs.length > 0) {
				expect(runs, said.stderr).toMatchObject([{ status: 'died' }]);
				expect(runs[0].cells.finished).toBeGreaterThanOrEqual(finished);
			} else expect(said.stderr).not.toContain('run ');
			await wait(10_000);
			expect(traced(place.folder), `${moment} ms`).toEqual([]);
			if (runs.length > 0) expect((await place.cellar(['deps', '--json'])).code).toBe(0);
		}
	},
);
