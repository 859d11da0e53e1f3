import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { makePlace } from './cellar.ts';
import { auditTaskVine, faultsOf } from './taskvine.ts';

interface Item {
	readonly relative: string | null;
	readonly role: string;
	readonly tasks: readonly string[];
	readonly as: readonly string[];
	/** Of a folder with many files, those that were used. */
	readonly members: readonly { readonly paths: readonly string[] }[] | null;
}

test('every command that TaskVine runs has its own files, by the manager’s names, its worker and the cell that submitted it', async () => {
	using place = makePlace();
	const run = await auditTaskVine(place, { kind: 'command', tasks: 40, workers: 5 });
	expect(faultsOf(run)).toEqual([]);
	const { document, tables } = run;
	expect(document.warnings).toEqual([]);
	expect(new Set(document.workers.map(({ engine }) => engine))).toEqual(new Set(['taskvine']));
	expect(document.workers).toHaveLength(5);
	expect(document.workers.reduce((sum, { tasks }) => sum + (tasks ?? 0), 0)).toBe(40);

	// A task's data are the manager's files, and what the task called them.
	const one = tables.facts.names.find(({ path }) => path === join(place.folder, 'data/data-10.txt'))!;
	const said = await place.cellar(['deps', '--for', `task:${one.task}`, '--json']);
	const data = said.json<{ readonly data: readonly Item[] }>().data.filter(({ relative }) => relative !== 'work.py');
	const paths = (item: Item) => item.members?.flatMap((one) => one.paths.map((path) => relative(place.folder, path)));
	expect(data.map((item) => ({ role: item.role, paths: paths(item), tasks: item.tasks, as: item.as }))).toEqual([
		{ role: 'input', paths: ['data/child-10.txt', 'data/data-10.txt'], tasks: [one.task], as: ['child.txt', 'data.txt'] },
		{ role: 'output', paths: ['out/10.txt'], tasks: [one.task], as: ['out.txt'] },
	]);
	const page = await place.cellar(['deps', '--for', `task:${one.task}`]);
	expect(page.stdout).toMatch(new RegExp(`output +out +1 file, \\d+ B +cells 2–3, w\\d, task ${one.task}, as out.txt$`, 'm'));
});
