import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makePlace, type Place } from './cellar.ts';
import { inlineNotebook } from './inline.ts';
import { auditVine, startWorker, type VineRun } from './taskvine.ts';

/** What all cells use: tasks that each read a file of their own, and workers that the notebook starts itself, if it does. */
const first = (ownWorkers: number) => `
import os, subprocess, time
import ndcctools.taskvine as vine
def made(port=0):
    m = vine.Manager(port=port)
    with open('port.new', 'w') as file: file.write(str(m.port))
    os.rename('port.new', 'port')
    return m
def workers(m):
    words = ['vine_worker', '127.0.0.1', str(m.port), '--cores', '1', '--memory', '100', '--disk', '100', '-t', '60', '--single-shot']
    return [subprocess.Popen([*words, '-s', f'worker-{m.port}-{time.time()}']) for n in range(${ownWorkers})]
def give(m, name, count):
    for n in range(1, count + 1):
        t = vine.Task('cat data')
        t.add_input(m.declare_file(f'data/{name}-{n}.txt'), 'data')
        t.set_cores(1); m.submit(t)
def done(m):
    while not m.empty():
        t = m.wait(5)
        assert t is None or t.successful(), (t.id, t.exit_code, t.std_output)`;

function notebookOf(place: Place, cells: readonly string[]): string {
	mkdirSync(join(place.folder, 'data'));
	for (const name of ['a', 'b', 'c']) {
		for (let n = 1; n <= 40; n++) writeFileSync(join(place.folder, `data/${name}-${n}.txt`), `${name}${n}`);
	}
	return inlineNotebook(place, 'vine.ipynb', cells);
}

/** Of each task the engine's id, its cell, how often it ran, and what it read. */
function told({ tables: { facts }, folder }: Pick<VineRun, 'tables' | 'folder'>): string[] {
	const read = new Map<string, string[]>();
	for (const { task, path, how } of facts.accesses) {
		if (task === null || how !== 'read' || !path.startsWith(join(folder, 'data/'))) continue;
		const number = task.split('.', 1)[0]!;
		read.set(number, [...(read.get(number) ?? []), path.slice(folder.length + 6, -4)]);
	}
	return facts.tasks.map(({ engineId, submitted, attempts, task }) => {
		const id = engineId.split('.').slice(1).join('.');
		return `${id} of cell ${submitted?.cell}, ${attempts.length} time, ${(read.get(String(task)) ?? []).join(' ')}`;
	});
}

const expected = (manager: string, cell: number, name: string, count: number) =>
	Array.from({ length: count }, (_, n) => `${manager}.${n + 1} of cell ${cell}, 1 time, ${name}-${n + 1}`);

const inTurn = (own: number) => [
	first(own),
	`m = made(); port = m.port; own = workers(m); give(m, 'a', 40); done(m); m.close()\nfor one in own: one.wait(20)`,
	// More than the first had, and one that has none.
	`m = made(port); m.close()\nm = made(port); own = workers(m); give(m, 'b', 5); done(m); m.close()\nfor one in own: one.wait(20)`,
	`m = made(port); own = workers(m); give(m, 'c', 40); done(m); m.close()\nfor one in own: one.wait(20)`,
];

test.each(['the notebook’s own', 'Cellar’s', 'one that goes from manager to manager'])(
	'managers one after the other on one port, workers: %s. Each task has its own id, cell and file, and ran once',
	async (whose) => {
		using place = makePlace();
		const notebook = notebookOf(place, inTurn(whose === 'the notebook’s own' ? 2 : 0));
		const options = whose === 'Cellar’s' ? ['--engine', 'taskvine', '--workers', '2'] : [];
		const beside = whose.startsWith('one') ? () => startWorker(place) : null;
		const run = await auditVine(place, notebook, options, beside);
		const port = /^taskvine\.(\d+)\.1$/.exec(run.tables.facts.tasks[0]!.engineId)![1]!;
		expect(told(run)).toEqual([
			...expected(port, 2, 'a', 40),
			...expected(`${port}-3`, 3, 'b', 5),
			...expected(`${port}-4`, 4, 'c', 40),
		]);
		expect(run.document.warnings).toEqual([]);
	},
);

test('two managers at once on two ports: each has its tasks', async () => {
	using place = makePlace();
	const notebook = notebookOf(place, [
		first(0),
		`m, n = made(), made()\ngive(m, 'a', 40)`,
		`give(n, 'b', 40)`,
		`done(m); done(n); m.close(); n.close()`,
	]);
	const run = await auditVine(place, notebook, ['--engine', 'taskvine', '--workers', '2']);
	const [one = '', other = ''] = [...new Set(run.tables.facts.tasks.map(({ engineId }) => engineId.split('.')[1]!))];
	expect(one).not.toBe(other);
	expect(told(run)).toEqual([...expected(one, 2, 'a', 40), ...expected(other, 3, 'b', 40)]);
	expect(run.document.warnings).toEqual([]);
});
