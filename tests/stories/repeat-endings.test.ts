import { appendFileSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Comparison } from '../../core/src/model/index.ts';
import { isFull, makePlace, pythonOf, type Place, type RunsDocument, type Started } from './cellar.ts';
import { inlineNotebook } from './inline.ts';

/** Its second cell does what a file tells it: in the recorded run nothing, in a repeat what stands in the place of that file. */
const cells = [
	"print('one')",
	`
import os, time
word = open('word.txt').read().strip()
if word == 'exits':
    os._exit(3)
while word in ('waits', 'ignores'):
    try:
        time.sleep(0.05)
    except KeyboardInterrupt:
        if word == 'waits':
            raise
`,
	"print('three')",
];

let place: Place;
let image: string;

beforeAll(async () => {
	place = makePlace();
	writeFileSync(join(place.folder, 'word.txt'), 'nothing\n');
	for (const word of ['exits', 'waits', 'ignores']) writeFileSync(join(place.folder, `${word}.txt`), `${word}\n`);
	image = await packed(inlineNotebook(place, 'told.ipynb', cells), [], 0);
}, 600_000);
/** What was started and has not ended. */
const running = new Set<number>();
afterAll(() => {
	for (const pid of running) process.kill(pid, 'SIGKILL');
	place[Symbol.dispose]();
});

/** Audits a notebook and packs it. */
async function packed(notebook: string, options: readonly string[], exit: number): Promise<string> {
	const audited = await place.cellar(['audit', notebook, '--python', pythonOf('stories'), '--json', ...options]);
	expect(audited.code, audited.stderr).toBe(exit);
	const target = join(place.folder, `${audited.json().run}.oci.tar`);
	const said = await place.cellar(['pack', audited.json().run, '-o', target, '--json']);
	expect(said.code, said.stderr).toBe(0);
	return target;
}

const runsFolder = () => join(place.home, 'runs');
const told = (word: string) => ['repeat', image, '--json', '--progress', 'plain', '--input', `word.txt=${word}.txt`];
const verdicts = (comparison: Comparison) => comparison.cells.map((cell) => cell.verdict);
const listed = async (run: string) =>
	(await place.cellar(['runs', '--json'])).json<RunsDocument>().runs.find((one) => one.run === run);

/** Starts a repeat whose second cell goes on until it is ended, and waits until it has begun. */
async function inSecondCell(word: string, options: readonly string[]): Promise<Started & { readonly run: string }> {
	const before = new Set(readdirSync(runsFolder()));
	const started = place.start([...told(word), ...options]);
	running.add(started.pid);
	void started.ended.then(() => running.delete(started.pid));
	while (running.has(started.pid)) {
		const run = readdirSync(runsFolder()).find((name) => !before.has(name) && !name.startsWith('.'));
		const journal = run === undefined ? '' : join(runsFolder(), run, 'journal.jsonl');
		if (run !== undefined && /"cell begin".*"number":2/.test(existsSync(journal) ? readFileSync(journal, 'utf8') : ''))
			return { ...started, run };
		await wait(50);
	}
	throw new Error(`the repeat ended before its second cell: ${(await started.ended).stderr}`);
}

/** Processes whose words or surroundings name this place: what a repeat has running. */
function left(): number[] {
	const names = (pid: string, file: string) => {
		try {
			return readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(place.folder);
		} catch {
			// Gone meanwhile, or nobody's to look at.
			return false;
		}
	};
	const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
	return pids.filter((pid) => names(pid, 'cmdline') || names(pid, 'environ')).map(Number);
}

for (const options of isFull ? [[], ['--audit']] : [[]]) {
	const traced = options.length === 0 ? '' : ', traced';

	test(`a kernel that ends in the repeat is a verdict${traced}`, async () => {
		const said = await place.cellar([...told('exits'), ...options]);
		expect(said.code, said.stderr).toBe(1);
		const comparison = said.json<Comparison>();
		expect(comparison.verdict).toBe('differs');
		expect(verdicts(comparison)).toEqual(['same', 'raised', 'not compared']);
		expect(await listed(comparison.b)).toMatchObject({ status: 'died', cells: { finished: 1 } });
	}, 600_000);

	test(`Ctrl-C interrupts the cell and keeps the repeat, which is incomplete${traced}`, async () => {
		const repeat = await inSecondCell('waits', options);
		process.kill(repeat.pid, 'SIGINT');
		const said = await repeat.ended;
		expect(said.code, said.stderr).toBe(130);
		const comparison = said.json<Comparison>();
		expect(comparison).toMatchObject({ b: repeat.run, verdict: 'incomplete' });
		expect(verdicts(comparison)).toEqual(['same', 'not compared', 'not compared']);
		expect(await listed(repeat.run)).toMatchObject({ status: 'interrupted', cells: { finished: 1 } });
	}, 600_000);

	test(`a second Ctrl-C ends what does not heed the first${traced}`, async () => {
		const repeat = await inSecondCell('ignores', options);
		process.kill(repeat.pid, 'SIGINT');
		await repeat.said('interrupting');
		process.kill(repeat.pid, 'SIGINT');
		const said = await repeat.ended;
		expect(said.code, said.stderr).toBe(130);
		expect(said.json<Comparison>().verdict).toBe('incomplete');
		expect(await listed(repeat.run)).toMatchObject({ status: 'interrupted', cells: { finished: 1 } });
		expect(left()).toEqual([]);
	}, 600_000);
}

test('a cell that takes longer than --timeout is told as such', async () => {
	const said = await place.cellar([...told('waits'), '--timeout', '1']);
	expect(said.code, said.stderr).toBe(1);
	expect(verdicts(said.json<Comparison>())).toEqual(['same', 'raised', 'not compared']);
	expect(said.json<Comparison>().cells[1]!.outputs[0]!.reason).toContain('ran out of time');
}, 600_000);

test('a repeat that is killed leaves a run of what had ended, and nothing else once there is another', async () => {
	const repeat = await inSecondCell('waits', ['--audit']);
	process.kill(repeat.pid, 'SIGKILL');
	await repeat.ended;
	expect(readdirSync(join(place.home, 'work'))).toHaveLength(1);
	const [work] = readdirSync(join(place.home, 'work'));
	const sockets = readFileSync(join(place.home, 'work', work!, 'sockets'), 'utf8');
	expect(existsSync(sockets)).toBe(true);
	const again = await place.cellar(['repeat', image, '--json']);
	expect(again.code, again.stderr).toBe(0);
	expect(await listed(repeat.run)).toMatchObject({ status: 'died', cells: { finished: 1 } });
	expect(readdirSync(join(place.home, 'work'))).toEqual([]);
	expect(existsSync(sockets)).toBe(false);
	expect(left()).toEqual([]);
}, 600_000);

// Half a minute long.
for (const several of isFull ? ['two'] : []) {
	test(`${several} repeats that unpack the same image at once do not hinder each other, and what was changed since is unpacked again`, async () => {
		rmSync(join(place.home, 'roots'), { recursive: true });
		const repeat = () => place.cellar(['repeat', image, '--json']);
		const both = await Promise.all([repeat(), repeat()]);
		expect(both.map((said) => [said.code, said.json<Comparison>().verdict])).toEqual([
			[0, 'same'],
			[0, 'same'],
		]);
		const [digest, ...others] = readdirSync(join(place.home, 'roots'));
		expect(others).toEqual([]);
		const root = join(place.home, 'roots', digest!, 'root');
		appendFileSync(join(root, place.folder, 'word.txt'), 'changed\n');
		rmSync(join(root, 'usr', 'lib'), { recursive: true });
		writeFileSync(join(root, 'added'), '');
		expect((await repeat()).code).toBe(0);
		expect(readFileSync(join(root, place.folder, 'word.txt'), 'utf8')).toBe('nothing\n');
		expect([existsSync(join(root, 'usr', 'lib')), existsSync(join(root, 'added'))]).toEqual([true, false]);
		expect(readdirSync(join(place.home, 'work'))).toEqual([]);
	}, 600_000);
}

test('a run that raised and ran out of time is repeated as it was: the same error is the same', async () => {
	const sources = ["print('one')", "raise ValueError('on purpose')", 'while True:\n    pass', "print('four')"];
	const notebook = inlineNotebook(place, 'fails.ipynb', sources);
	const other = await packed(notebook, ['--allow-errors', '--timeout', '1'], 3);
	const said = await place.cellar(['repeat', other, '--json']);
	expect(said.code, said.stderr).toBe(0);
	expect(verdicts(said.json<Comparison>())).toEqual(['same', 'same', 'same', 'not compared']);
}, 600_000);
