import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { lineageOf } from '../../core/src/audit/index.ts';
import { makePlace, pythonOf, type Place } from './cellar.ts';
import { ipyparallel, parsl, ray } from './clusters.ts';
import { inlineNotebook } from './inline.ts';

const used = {
	parsl: { kind: parsl, ask: `parsl.python_app(work.returns)(1).result()` },
	ipyparallel: { kind: ipyparallel, ask: `balanced.apply_sync(work.returns, 1)` },
	ray: { kind: ray, ask: `ray.get(ray.remote(work.returns).remote(1))` },
} as const;

const ends = {
	'ends without closing it': 'assert cluster_was_used',
	'kills its kernel': 'os.kill(os.getpid(), 9)',
} as const;

test.each(Object.keys(used).flatMap((engine) => Object.keys(ends).map((end) => [engine, end] as const)))(
	'a notebook that starts %s and %s: all of it is gone 10 s after the kernel, and the run says what was ended',
	async (engine, end) => {
		using place = makePlace();
		const { kind, ask } = used[engine as keyof typeof used]; // of its own keys
		const folder = dirname(place.copy('engines/engines.ipynb'));
		const first = `import functools, os, work\nopen('kernel', 'w').write(str(os.getpid()))\nTASKS, WORKERS = 1, 3${kind.first([])}`;
		const last = ends[end as keyof typeof ends]; // of its own keys
		const notebook = inlineNotebook({ folder }, 'engines.ipynb', [first, `cluster_was_used = [${ask}]`, last]);
		const python = pythonOf(kind.environment);
		const env = { PATH: `${dirname(python)}:${process.env['PATH'] ?? ''}`, PYTHONPATH: folder };
		const started = place.start(['audit', notebook, '--python', python, '--json'], { env });
		const watched = await watch(place, folder, started.ended);
		const said = await started.ended;
		expect([said.code, watched.most > 4], said.stderr).toEqual([end.startsWith('kills') ? 3 : 0, true]);
		expect(watched.seconds).toBeLessThan(10);
		expect(await lineageOf(watched.tracer)).toEqual([]);
		const { warnings } = said.json();
		const left = warnings.filter((warning) => warning.code === 'CELLAR_LEFT_RUNNING');
		// Ray ends by itself when its driver does, and ipyparallel where its kernel ends in good order: in a hurry some of it is ended.
		if (engine === 'parsl' || (engine === 'ipyparallel' && end.startsWith('kills'))) expect(left.length).toBeGreaterThan(0);
		expect(left.every(({ message }) => message.includes('after the kernel had ended'))).toBe(true);
	},
);

/** Looks who of the run is alive, again and again until it has ended: how long after its kernel the last of them was. */
async function watch(place: Place, folder: string, ended: Promise<unknown>) {
	const over = ended.then(() => true);
	let [tracer, most, kernelSeen, seen] = [0, 0, 0, 0];
	while (!(await Promise.race([over, wait(50, false)]))) {
		tracer ||= tracerOf(place);
		const kernel = existsSync(join(folder, 'kernel')) ? Number(readFileSync(join(folder, 'kernel'), 'utf8')) : 0;
		if (tracer === 0 || kernel === 0) continue;
		const alive = await lineageOf(tracer);
		const now = performance.now();
		if (alive.length > 0) seen = now;
		if (alive.some(({ pid }) => pid === kernel)) kernelSeen = now;
		most = Math.max(most, alive.length);
	}
	return { tracer, most, seconds: (seen - kernelSeen) / 1000 };
}

function tracerOf(place: Place): number {
	const runs = join(place.home, 'runs');
	const [run] = existsSync(runs) ? readdirSync(runs).filter((name) => /^\d{8}-/.test(name)) : [];
	const journal = run === undefined ? '' : join(runs, run, 'journal.jsonl');
	const told = existsSync(journal) ? /"event":"tracer","pid":(\d+)/.exec(readFileSync(journal, 'utf8')) : null;
	return told === null ? 0 : Number(told[1]);
}
