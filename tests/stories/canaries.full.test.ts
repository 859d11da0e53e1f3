import { randomInt } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { draw } from '../model/canaries.ts';
import { filesBelow, foundBelow, layCanaries, needlesOf } from './canaries.ts';
import { makePlace, pythonOf, type RunsDocument } from './cellar.ts';

/** Printed, so that a failure can be had again: CELLAR_TEST_SEED=… repeats it. */
const seed = Number(process.env['CELLAR_TEST_SEED'] ?? randomInt(1 << 30));
const moments = 20;

test(`of 200 canaries none is found below CELLAR_HOME, nor in an image (seed ${seed})`, async () => {
	using place = makePlace();
	const laid = layCanaries(place, seed, 200);
	expect(laid.canaries.length).toBeGreaterThanOrEqual(200);
	const needles = needlesOf(laid);
	const { env } = laid;
	const audited = await place.cellar(['audit', laid.notebook, '--python', pythonOf('stories'), ...laid.options, '--json'], {
		env,
	});
	expect(audited.code, audited.stderr).toBe(0);
	expect(foundBelow([place.home], needles)).toEqual([]);
	const image = join(place.folder, 'image.oci.tar');
	const packed = await place.cellar(['pack', '-o', image], { env });
	expect(packed.code, packed.stderr).toBe(0);
	expect(foundBelow([place.home, image], needles)).toEqual([]);
});

test(`nor after kill -9 at ${moments} random moments and the next command (seed ${seed})`, async () => {
	const d = draw(seed);
	/** How long the whole takes is what moments are drawn from: the first is killed only when it has ended. */
	let whole = 0;
	let [died, logged] = [0, 0];
	for (let moment = 0; moment <= moments; moment++) {
		using place = makePlace();
		const laid = layCanaries(place, seed + moment, 60);
		const needles = needlesOf(laid);
		const { env } = laid;
		const began = performance.now();
		const started = place.start(['audit', laid.notebook, '--python', pythonOf('stories'), ...laid.options, '--json'], { env });
		if (moment > 0) {
			const ms = d.number(Math.round(whole));
			await Promise.race([started.ended, wait(ms)]);
			if (isAlive(started.pid)) process.kill(started.pid, 'SIGKILL');
		}
		await started.ended;
		if (moment === 0) whole = performance.now() - began;
		// Until then the raw log is there for its owner alone; nothing else holds anything.
		const raw = filesBelow(place.home).filter((path) => path.endsWith('.strace'));
		for (const path of raw) expect(statSync(path).mode & 0o077, path).toBe(0);
		const others = filesBelow(place.home).filter((path) => !path.endsWith('.strace'));
		expect(foundBelow(others, needles), `kill ${moment}, before the next command`).toEqual([]);
		// What the run started ends within ten seconds; the command that comes then makes it whole.
		await waitForLogs(place.home, async () => (await place.cellar(['runs', '--json'], { env })).json<RunsDocument>());
		expect(foundBelow([place.home], needles), `kill ${moment}`).toEqual([]);
		if (raw.length > 0) logged += 1;
		const { runs } = (await place.cellar(['runs', '--json'], { env })).json<RunsDocument>();
		if (runs.some((run) => run.status === 'died')) died += 1;
	}
	expect(died, 'moments at which there was something to make whole').toBeGreaterThan(0);
	expect(logged, 'moments at which there was a raw log').toBeGreaterThan(0);
});

function isAlive(pid: number): boolean {
	return existsSync(`/proc/${pid}`);
}

/** Asks until no raw log is left, for half a minute at most. */
async function waitForLogs(home: string, ask: () => Promise<unknown>): Promise<void> {
	for (let tries = 0; tries < 30; tries++) {
		await ask();
		const runs = join(home, 'runs');
		const raw = (existsSync(runs) ? readdirSync(runs) : [])
			.flatMap((run) => filesBelow(join(runs, run, 'logs')))
			.filter((path) => path.endsWith('.strace'));
		if (raw.length === 0) return;
		await wait(1000);
	}
}
