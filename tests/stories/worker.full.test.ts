import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readTables } from '../../core/src/store/index.ts';
import { makePlace } from './cellar.ts';
import { letGo, openRun, startHeld } from './open-run.ts';

test('ten workers that begin at once have ten names, and nothing of their words that is secret is kept', async () => {
	using place = makePlace();
	await using opened = await openRun(place);
	const { run, end } = opened;
	const secret = ['ghp', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join('_');
	const start = (_: unknown, at: number) =>
		place.cellar(['worker', '--run', run, '--', '/bin/echo', `worker ${at}`, secret], { env: { SOME_TOKEN: secret } });
	const said = await Promise.all(Array.from({ length: 10 }, start));
	expect(said.map(({ code }) => code)).toEqual(Array(10).fill(0));
	const document = await end();
	expect(new Set(document.workers.map(({ log }) => log)).size).toBe(10);
	const names = readdirSync(join(run, 'workers'));
	expect(names.toSorted()).toEqual(document.workers.map(({ log }) => log).toSorted());
	for (const name of names) {
		const texts = [
			gunzipSync(readFileSync(join(run, 'logs', `${name}.strace.gz`))),
			readFileSync(join(run, 'workers', name, 'worker.json')),
		];
		for (const text of texts) expect(text.toString('latin1')).not.toContain(secret);
	}
	expect(JSON.stringify((await readTables(run)).facts)).not.toContain(secret);
});

test('a worker whose run is removed meanwhile ends as it ends, and says that it could not report', async () => {
	using place = makePlace();
	await using opened = await openRun(place);
	const { run, end } = opened;
	const worker = await startHeld(place, run, 'exit 4');
	await end();
	rmSync(run, { recursive: true });
	letGo(place);
	const { code, stderr } = await worker.ended;
	expect(code).toBe(4);
	expect(stderr).toMatch(/CELLAR_[A-Z_]+/);
});

test('SIGTERM reaches a worker once, whether it was sent to cellar alone or to each process of a job', async () => {
	using place = makePlace();
	await using opened = await openRun(place);
	const count = `import os, signal, sys, time
got = []
signal.signal(signal.SIGTERM, lambda *_: got.append(1))
with open('pid', 'w') as file: file.write(str(os.getpid()))
print('ready', file=sys.stderr, flush=True)
while not got: time.sleep(0.01)
time.sleep(2)
sys.exit(len(got))`;
	for (const toBoth of [false, true]) {
		const worker = place.start(['worker', '--run', opened.run, '--', 'python3', '-c', count]);
		await worker.said('ready');
		if (toBoth) process.kill(Number(readFileSync(join(place.folder, 'pid'), 'utf8')), 'SIGTERM');
		process.kill(worker.pid, 'SIGTERM');
		const { code, stderr } = await worker.ended;
		expect(code, stderr).toBe(1);
	}
	await opened.end();
});

test('a worker that cannot be audited is started all the same where that is asked for, and the run says why it knows nothing of it', async () => {
	using place = makePlace();
	await using opened = await openRun(place);
	const broken = join(place.folder, 'bin', 'strace');
	mkdirSync(dirname(broken));
	writeFileSync(broken, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
	const env = { PATH: `${dirname(broken)}:${process.env['PATH'] ?? ''}` };
	const start = (...words: readonly string[]) =>
		place.cellar(['worker', '--run', opened.run, ...words, '--', 'sh', '-c', 'echo works; exit 7'], { env });
	expect(await start()).toMatchObject({ code: 4, stdout: '' });
	expect(await start('--or-unaudited')).toMatchObject({
		code: 7,
		stdout: 'works\n',
		stderr: expect.stringContaining('CELLAR_NO_TRACER'),
	});
	expect((await opened.end()).warnings).toMatchObject([
		{ code: 'CELLAR_WORKER_SILENT', message: expect.stringContaining('is not a strace that runs') },
	]);
	// Without a run to be told.
	const elsewhere = await place.cellar(['worker', '--run', join(place.folder, 'none'), '--or-unaudited', '--', 'echo', 'works']);
	expect(elsewhere).toMatchObject({ code: 0, stdout: 'works\n', stderr: expect.stringContaining('CELLAR_NO_SUCH_RUN') });
});

test('a worker of a job that has no PATH is audited all the same', async () => {
	using place = makePlace();
	await using opened = await openRun(place);
	const said = await place.cellar(['worker', '--run', opened.run, '--', '/bin/echo', 'works'], { env: { PATH: '' } });
	expect(said).toMatchObject({ code: 0, stdout: 'works\n', stderr: '' });
	expect((await opened.end()).workers).toHaveLength(1);
});
