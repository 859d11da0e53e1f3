import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { clone, pythonOf, type Place } from './cellar.ts';
import { inlineNotebook } from './inline.ts';
import { taskvine } from './taskvine.ts';

/**
 * A notebook in a place, with data, that starts a manager of TaskVine and no workers: each task reads a file of its own and writes one.
 * The words and the environment to audit it by, with workers that Cellar starts.
 */
export function vineNotebook(place: Place, tasks: number, workers: number): { words: string[]; env: Record<string, string> } {
	mkdirSync(join(place.folder, 'data'));
	for (let n = 0; n < tasks; n++) writeFileSync(join(place.folder, 'data', `${n}.txt`), `${n}\n`);
	const notebook = inlineNotebook(place, 'vine.ipynb', [
		`
import os
import ndcctools.taskvine as vine
m = vine.Manager(port=0)
for n in range(${tasks}):
    t = vine.Task('cat data.txt; cat data.txt data.txt > twice.txt')
    t.add_input(m.declare_file(f'data/{n}.txt'), 'data.txt')
    t.add_output(m.declare_file(f'twice-{n}.txt'), 'twice.txt')
    t.set_cores(1)
    m.submit(t)`,
		`
said = []
while not m.empty():
    t = m.wait(5)
    if t is not None:
        assert t.successful(), (t.id, t.exit_code, t.std_output)
        said.append(int(t.output))
print(sorted(said))`,
		'm.close()',
	]);
	const python = pythonOf('engines');
	return {
		words: ['audit', notebook, '--python', python, '--engine', 'taskvine', '--workers', String(workers), '--json'],
		env: {
			CELLAR_TASKVINE: taskvine,
			PYTHONPATH: join(clone, 'tests/fixtures/taskvine'),
			PATH: `${join(taskvine, 'bin')}:${dirname(python)}:${process.env['PATH']}`,
		},
	};
}

/** The stand-in for TaskVine's Python package asks where TaskVine is: `--env` keeps that for the repeat. */
export const keepsTaskVine = ['--env', `CELLAR_TASKVINE=${taskvine}`];
