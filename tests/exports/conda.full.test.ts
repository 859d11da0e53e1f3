import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Comparison, Dependencies } from '../../core/src/model/index.ts';
import { channel, goOn, makePrefix, type Prefix } from '../conda/prefix.ts';
import { makePlace } from '../stories/cellar.ts';
import { inlineNotebook } from '../stories/inline.ts';
import { read } from './some.ts';

// What pip is to install it gets from the package index that this machine's pip is set to, as the set-up does.

test('an environment that is made of environment.yml alone gives the same outputs with the same packages', async () => {
	using place = makePlace();
	const work = join(place.folder, 'conda');
	const first = makePrefix(work, { kernel: true });
	const notebook = inlineNotebook(place, 'conda.ipynb', [
		'import tinymod, loose, tinyext, traitlets\nprint(tinymod.__version__, loose.value, traitlets.__version__)',
		"print(open(__import__('sys').prefix + '/share/tiny/table.csv').read())",
	]);
	const audit = async (python: string) => {
		const said = await place.cellar(['audit', notebook, '--python', python, '--json']);
		expect(said.code, said.stderr).toBe(0);
		return said.json().run;
	};
	const software = async (run: string) =>
		(await place.cellar(['deps', run, '--json']))
			.json<Dependencies>()
			.software.filter(({ ecosystem }) => ecosystem === 'conda' || ecosystem === 'pypi')
			.map(({ name, version, ecosystem, origin }) => `${ecosystem} ${name} ${version} ${String(origin?.['build'])}`);
	const recorded = await audit(first.python);
	const { stdout } = await place.cellar(['deps', recorded, '--format', 'conda']);

	goOn(work);
	const { channels, dependencies } = read<{ channels: string[]; dependencies: (string | { pip: string[] })[] }>(
		'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))',
		stdout,
	);
	const specs = dependencies.filter((one) => typeof one === 'string');
	const made = channel<Prefix>('install', ...channels, join(place.folder, 'made'), ...specs);
	const file = join(place.folder, 'pip.txt');
	writeFileSync(file, dependencies.flatMap((one) => (typeof one === 'string' ? [] : one.pip)).join('\n'));
	// As conda does: the pip that it has just installed.
	execFileSync(made.python, ['-m', 'pip', 'install', '--no-input', '--root-user-action=ignore', '-q', '-r', file]);

	const again = await audit(made.python);
	const verified = await place.cellar(['verify', recorded, again, '--json']);
	expect(verified.json<Comparison>().verdict, verified.stdout).toBe('same');
	const had = await software(recorded);
	expect(had).toContainEqual(expect.stringMatching(/^conda tinyext 0\.3 py_7$/));
	const has = await software(again);
	// pip also brings what they require and the run never opened, and IPython uses some of that where it is there.
	expect(had.filter((one) => !has.includes(one))).toEqual([]);
}, 600_000);
