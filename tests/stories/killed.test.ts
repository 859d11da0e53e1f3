import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readTables } from '../../core/src/store/index.ts';
import { makePlace, pythonOf, type ErrorDocument, type Place, type RunsDocument, type Started } from './cellar.ts';
import { inlineNotebook } from './inline.ts';
import { processesOf, runFolder, stillThere, tracerOf, untilGone } from './processes.ts';

/** Its second cell starts processes that do not want to end; the third waits for `go`; what the fourth writes takes a while to keep. */
const cells = [
	`print('before')\nopen('first.txt', 'w').write('first')\n'shown'`,
	`
import os, subprocess, time

stubborn = ['sh', '-c', 'trap "" TERM INT HUP; while :; do sleep 1; done']
child = subprocess.Popen(stubborn, env={}, cwd='/', start_new_session=True)
forked = os.fork()
if forked == 0:
    time.sleep(600)
    os._exit(0)
print('started', child.pid, forked)`,
	`
while not os.path.exists('go'):
    time.sleep(0.02)
child.kill(), child.wait(), os.kill(forked, 9), os.waitpid(forked, 0)
print('gone on')`,
	`
with open('large.bin', 'wb') as file:
    file.truncate(120_000_000)
for _ in range(6_000):
    os.close(os.open('first.txt', os.O_RDONLY))
print('after')`,
];

/** A moment, by what the run's folder shows; null where there is none yet. */
interface Moment {
	readonly what: string;
	readonly when: (directory: string | null) => boolean;
	/** Cell 3 may end. */
	readonly go?: true;
}

const moments: readonly Moment[] = [
	{ what: 'before there is a run', when: () => true },
	{ what: 'when the run has just begun', when: (directory) => directory !== null },
	{ what: 'while the kernel starts', when: (directory) => has(directory, '"tracer"') },
	{ what: 'in the first cell', when: (directory) => has(directory, '"cell begin"') },
	{ what: 'in the third cell', when: (directory) => has(directory, '"cell begin","execution":3') },
	{ what: 'after the last cell', when: (directory) => has(directory, '"result":{"execution":4'), go: true },
	{ what: 'after the end was journalled', when: (directory) => has(directory, '{"event":"end"'), go: true },
	{ what: 'while outputs are kept', when: (directory) => holds(directory, 'executed.ipynb'), go: true },
	{ what: 'while tables are written', when: (directory) => holds(directory, 'files.parquet'), go: true },
	{ what: 'before the log is compressed', when: (directory) => holds(directory, 'run.json'), go: true },
];

function holds(directory: string | null, name: string): boolean {
	return directory !== null && existsSync(join(directory, name));
}

function has(directory: string | null, text: string): boolean {
	return holds(directory, 'journal.jsonl') && readFileSync(join(directory!, 'journal.jsonl'), 'utf8').includes(text);
}

/** Starts an audit and waits for a moment of it. */
async function auditUntil(place: Place, moment: Moment): Promise<Started> {
	const notebook = inlineNotebook(place, 'killed.ipynb', cells);
	if (moment.go) writeFileSync(join(dirname(notebook), 'go'), '');
	const started = place.start(['audit', notebook, '--python', pythonOf('stories'), '--progress', 'plain']);
	const over = started.ended.then(() => true);
	while (!moment.when(runFolder(place.home))) {
		if (await Promise.race([over, wait(3, false)])) break;
	}
	return started;
}

for (const moment of moments) {
	test(`kill -9 ${moment.what}: nothing that had ended is lost, and nothing runs on`, { timeout: 300_000 }, async () => {
		using place = makePlace();
		const started = await auditUntil(place, moment);
		// Stopped first, so that what is looked at is what the kill leaves.
		process.kill(started.pid, 'SIGSTOP');
		const directory = runFolder(place.home);
		const tracer = tracerOf(directory);
		const seen = processesOf(place, tracer);
		const wasWhole = holds(directory, 'run.json');
		process.kill(started.pid, 'SIGKILL');
		const said = await started.ended;
		expect(said.code, said.stderr).toBe(null);
		expect(await untilGone(seen, place, tracer, 10_000)).toEqual([]);

		const { runs } = (await place.cellar(['runs', '--json'])).json<RunsDocument>();
		if (directory === null) {
			expect(runs).toEqual([]);
			return;
		}
		const journal = readFileSync(join(directory, 'journal.jsonl'), 'utf8').trimEnd().split('\n');
		const ended = journal.filter((line) => line.startsWith('{"event":"cell end"'));
		const status = journal.some((line) => line.startsWith('{"event":"end"')) || wasWhole ? 'finished' : 'died';
		expect(runs).toMatchObject([{ status, cells: { total: cells.length, finished: ended.length } }]);

		const files = readdirSync(directory).toSorted();
		expect(files.filter((name) => name.startsWith('.') || name.startsWith('lock'))).toEqual([]);
		expect(files).toContain('run.json');
		if (tracer === null) return;
		expect(readdirSync(join(directory, 'logs'))).toEqual(['manager.strace.gz']);
		const deps = await place.cellar(['deps', '--json']);
		expect(deps.code, deps.stderr).toBe(0);
		const executed = readFileSync(join(directory, 'executed.ipynb'), 'utf8');
		const { outputs, facts } = await readTables(directory);
		for (const [at, text] of ['before', 'started', 'gone on', 'after'].entries()) {
			expect(new RegExp(`"${text}[ \\d]*\\\\n"`).test(executed), text).toBe(at < ended.length);
			expect(outputs.some((output) => output.cell === at + 1)).toBe(at < ended.length);
		}
		if (ended.length > 0) {
			expect(facts.accesses.find((access) => access.path.endsWith('/first.txt'))).toMatchObject({ cell: 1, how: 'truncate' });
		}
		expect(facts.doubts.filter((doubt) => doubt.code === 'CELLAR_LOG_INCOMPLETE')).toEqual([]);
	});
}

test(
	'where the process that ends the rest was killed too, the next command names what is left, and cellar runs prune ends it',
	{ timeout: 300_000 },
	async () => {
		using place = makePlace();
		const started = await auditUntil(
			place,
			moments.find((one) => one.what === 'in the third cell')!,
		);
		const directory = runFolder(place.home)!;
		const id = directory.split('/').at(-1)!;
		const tracer = tracerOf(directory);
		const seen = processesOf(place, tracer).filter((one) => one.pid !== started.pid);
		const marker = seen.find((one) => one.words.trimEnd().endsWith(' marker'))!;
		for (const pid of [marker.pid, started.pid]) process.kill(pid, 'SIGSTOP');
		for (const pid of [marker.pid, started.pid]) process.kill(pid, 'SIGKILL');
		await started.ended;
		// The kernel ends by itself when its parent is gone; these two do not.
		const stubborn = /started (\d+) (\d+)/
			.exec(readFileSync(join(directory, 'journal.jsonl'), 'utf8'))!
			.slice(1, 3)
			.map(Number);

		const listed = await place.cellar(['runs', '--json', '--progress', 'plain']);
		expect(listed.json<RunsDocument>().runs).toMatchObject([{ run: id, status: 'died', cells: { finished: 2 } }]);
		expect(listed.stderr).toContain('CELLAR_LEFT_RUNNING');
		for (const pid of stubborn) expect(listed.stderr).toContain(`(process ${pid}) running; cellar runs prune ends it`);
		const refused = await place.cellar(['runs', 'remove', id, '--json']);
		expect(refused.code).toBe(2);
		expect(refused.json<ErrorDocument>().error).toMatchObject({
			code: 'CELLAR_RUN_IN_USE',
			hint: expect.stringContaining('prune'),
		});

		// A pid comes again: where it started at another time, or in another boot, it is somebody else's.
		for (const [part, other] of [
			[/("tracer","pid":\d+,"startTime":)\d+/, '$17'],
			[/("bootId":")[^"]+/, '$100000000-0000-0000-0000-000000000000'],
		] as const) {
			const home = join(place.folder, 'another-home');
			cpSync(place.home, home, { recursive: true });
			const journal = join(home, 'runs', id, 'journal.jsonl');
			writeFileSync(journal, readFileSync(journal, 'utf8').replace(part, other));
			const pruned = await place.cellar(['runs', 'prune', '--json', '--progress', 'plain'], { env: { CELLAR_HOME: home } });
			expect(pruned.stderr).not.toContain('CELLAR_LEFT_RUNNING');
			expect(pruned.json<{ ended: unknown[] }>().ended).toEqual([]);
			expect(stillThere(seen, place, tracer).map((one) => one.pid)).toEqual(expect.arrayContaining(stubborn));
			rmSync(home, { recursive: true });
		}

		const pruned = (await place.cellar(['runs', 'prune', '--json'])).json<{ ended: { run: string; pid: number }[] }>();
		expect(pruned.ended.map((one) => one.run)).toEqual(pruned.ended.map(() => id));
		expect(pruned.ended.map((one) => one.pid)).toEqual(expect.arrayContaining(stubborn));
		expect(await untilGone(seen, place, tracer, 5000)).toEqual([]);
		const deps = await place.cellar(['deps', id, '--json', '--progress', 'plain']);
		expect(deps.code, deps.stderr).toBe(0);
		expect(deps.stderr).not.toContain('CELLAR_LEFT_RUNNING');
	},
);
