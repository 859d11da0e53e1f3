import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { makePlace, pythonOf } from './cellar.ts';
import { taskvine } from './taskvine.ts';

interface Checks {
	readonly checks: readonly {
		readonly name: string;
		readonly status: string;
		readonly found: string | null;
		readonly mend: string | null;
	}[];
}

test('doctor tries what this machine can do, names the kernels and the engines that they have, and how to mend what is missing', async () => {
	using place = makePlace();
	const kernels = join(place.folder, 'kernels/engines');
	mkdirSync(kernels, { recursive: true });
	const argv = [pythonOf('engines'), '-m', 'ipykernel_launcher', '-f', '{connection_file}'];
	writeFileSync(join(kernels, 'kernel.json'), JSON.stringify({ argv, display_name: 'with engines', language: 'python' }));
	const path = `${join(taskvine, 'bin')}:${process.env['PATH']}`;
	const said = await place.cellar(['doctor', '--json'], { env: { JUPYTER_PATH: place.folder, PATH: path } });
	expect(said.code, said.stdout).toBe(0);
	const found = new Map(said.json<Checks>().checks.map((check) => [check.name, check.found]));
	expect([...found.keys()]).toEqual(['strace', 'ptrace', 'user namespaces', 'overlay', 'bubblewrap', 'kernels', 'engines']);
	expect(found.get('kernels')).toContain('engines (with engines)');
	expect(found.get('engines')).toMatch(/^Python’s own pools; .*dask 2026\.8\.0.* \(engines\).*; taskvine \(\/.*\/vine_worker\)$/);

	const without = await place.cellar(['doctor', '--json'], {
		env: { PATH: dirname(process.execPath), JUPYTER_PATH: place.folder },
	});
	const missing = without.json<Checks>().checks.filter(({ status }) => status !== 'ok');
	for (const { mend } of missing) expect(mend).toMatch(/\S/);
	expect(without.code).toBe(missing.length === 0 ? 0 : 4);
});
