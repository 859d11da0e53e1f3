import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Dependencies } from '../../core/src/model/index.ts';
import { clone, makePlace, pythonOf, type ErrorDocument, type RunsDocument } from './cellar.ts';

const python = pythonOf('stories');

test('a notebook that is not JSON is refused with exit 5, and no run is made', async () => {
	using place = makePlace();
	const said = await place.cellar(['audit', place.copy('bad/not-json.ipynb'), '--json']);
	expect(said.code).toBe(5);
	expect(said.json<ErrorDocument>().error.code).toBe('CELLAR_NOT_A_NOTEBOOK');
	expect((await place.cellar(['runs', '--json'])).json<RunsDocument>().runs).toEqual([]);
});

test('a notebook of nbformat 3 is refused with the line that converts it', async () => {
	using place = makePlace();
	const said = await place.cellar(['audit', place.copy('bad/nbformat3.ipynb'), '--json']);
	expect(said.code).toBe(5);
	expect(said.json<ErrorDocument>().error).toMatchObject({
		code: 'CELLAR_NOTEBOOK_TOO_OLD',
		hint: expect.stringContaining('nbconvert'),
	});
});

test('a kernel that is not installed is named, with those that are, and exit 4', async () => {
	using place = makePlace();
	const said = await place.cellar(['audit', place.copy('bad/missing-kernel.ipynb'), '--json']);
	expect(said.code).toBe(4);
	expect(said.json<ErrorDocument>().error).toMatchObject({ code: 'CELLAR_NO_KERNEL', hint: expect.stringContaining('--python') });
});

test('a Python without ipykernel is named with the line that installs it', async () => {
	using place = makePlace();
	const bare = join(place.folder, 'bare');
	mkdirSync(bare);
	const program = join(bare, 'python');
	writeFileSync(program, `#!/bin/sh\nexec ${python} -I -S "$@"\n`);
	chmodSync(program, 0o755);
	const said = await place.cellar(['audit', place.copy('bad/hello.ipynb'), '--python', program, '--json']);
	expect(said.code).toBe(4);
	expect(said.json<ErrorDocument>().error).toMatchObject({
		code: 'CELLAR_NO_IPYKERNEL',
		hint: expect.stringContaining('pip install ipykernel'),
	});
});

test('under a limit of address space, as batch systems set it, code is read as without one', async () => {
	using place = makePlace();
	const notebook = place.copy('bad/hello.ipynb');
	writeFileSync(notebook, readFileSync(notebook, 'utf8').replace("greeting = '", "import json\\ngreeting = '"));
	const limited = (...words: string[]) =>
		spawnSync('bash', ['-c', 'ulimit -v 4000000 && exec "$0" "$@"', process.execPath, ...words], {
			cwd: place.folder,
			env: { ...process.env, CELLAR_HOME: place.home },
			encoding: 'utf8',
		});
	const audited = limited(join(clone, 'cli/bin/cellar.js'), 'audit', notebook, '--python', python);
	expect(audited.status, audited.stderr).toBe(0);
	const under = (await place.cellar(['deps', '--json'])).json<Dependencies>();
	expect((await place.cellar(['audit', notebook, '--python', python])).code).toBe(0);
	const without = (await place.cellar(['deps', '--json'])).json<Dependencies>();
	const named = ({ software }: Dependencies) => software.filter((one) => one.direct).map(({ name, cells }) => [name, cells]);
	expect(named(under)).toEqual([['python', [1]]]);
	expect(named(without)).toEqual(named(under));

	// Where no second Node can be had for it either.
	const module = JSON.stringify(join(clone, 'core/dist/flows/run/uses.js'));
	const asked = `process.execPath = '/bin/false'; await (await import(${module})).usesOf([{ number: 1, source: 'import os' }], 'python')`;
	const { status, stderr } = limited('--input-type=module', '-e', asked);
	expect(status).toBe(1);
	expect(stderr).toContain("code: 'CELLAR_NO_ADDRESS_SPACE'");
});

test('a notebook that is not there is a plain error, on stderr for a person', async () => {
	using place = makePlace();
	const said = await place.cellar(['audit', 'absent.ipynb']);
	expect(said.code).toBe(2);
	expect(said.stdout).toBe('');
	expect(said.stderr).toContain('CELLAR_NO_SUCH_FILE');
});

test('a cell that raises ends with exit 3, and the run keeps every cell up to it', async () => {
	using place = makePlace();
	const said = await place.cellar(['audit', place.copy('bad/raises.ipynb'), '--python', python, '--json']);
	expect(said.code).toBe(3);
	const run = said.json();
	expect(run.status).toBe('raised');
	expect(run.cells.some((cell) => cell.status === 'raised')).toBe(true);
	expect(existsSync(join(run.directory, 'executed.ipynb'))).toBe(true);
});

test('a cell that ends its process is told as died, with exit 3, and what ended before it is kept', async () => {
	using place = makePlace();
	const said = await place.cellar(['audit', place.copy('bad/exits.ipynb'), '--python', python, '--json']);
	expect(said.code).toBe(3);
	const run = said.json();
	const statuses = run.cells.map((cell) => cell.status);
	expect(statuses).toContain('died');
	expect(statuses[0]).toBe('finished');
	expect((await place.cellar(['deps', '--json'])).code).toBe(0);
});

test('a cell that never ends is interrupted after --timeout, and says so', async () => {
	using place = makePlace();
	const said = await place.cellar(['audit', place.copy('bad/endless.ipynb'), '--python', python, '--timeout', '2', '--json']);
	expect(said.code).toBe(3);
	expect(said.json().cells.map((cell) => cell.status)).toContain('timed out');
});

test('Ctrl-C in a cell interrupts it, keeps the run, and exits 130', async () => {
	using place = makePlace();
	const started = place.start(['audit', place.copy('bad/endless.ipynb'), '--python', python, '--json', '--progress', 'plain']);
	await started.said('cell 1');
	await new Promise((go) => setTimeout(go, 1500));
	process.kill(started.pid, 'SIGINT');
	const said = await started.ended;
	expect(said.code).toBe(130);
	expect(said.json().status).toBe('interrupted');
	const listed = (await place.cellar(['runs', '--json'])).json<RunsDocument>().runs;
	expect(listed).toMatchObject([{ status: 'interrupted', cells: { finished: 1 } }]);
});

test('a run id that is not there is answered with the nearest one', async () => {
	using place = makePlace();
	const run = (await place.cellar(['audit', place.copy('bad/hello.ipynb'), '--python', python, '--json'])).json().run;
	const wrong = `${run.slice(0, -1)}${run.endsWith('0') ? '1' : '0'}`;
	const said = await place.cellar(['deps', wrong, '--json']);
	expect(said.code).toBe(2);
	expect(said.json<ErrorDocument>().error).toMatchObject({ code: 'CELLAR_NO_SUCH_RUN', hint: expect.stringContaining(run) });
});

test('an unknown command, option or value is a usage error: exit 2, and a document with --json', async () => {
	using place = makePlace();
	for (const words of [
		['audti', 'x.ipynb'],
		['audit', 'x.ipynb', '--chekcs', 'on'],
		['audit', 'x.ipynb', '--checks', 'maybe'],
		['audit'],
	]) {
		const said = await place.cellar([...words, '--json']);
		expect(said.code, words.join(' ')).toBe(2);
		expect(said.json<ErrorDocument>().error.code).toBe('CELLAR_USAGE');
	}
});

test('every command has help that starts with an example', async () => {
	using place = makePlace();
	for (const command of ['audit', 'deps', 'explain', 'pack', 'repeat', 'verify', 'runs', 'doctor']) {
		const said = await place.cellar([command, '--help']);
		expect(said.code).toBe(0);
		expect(said.stdout.split('\n').slice(0, 3).join('\n')).toContain(`cellar ${command}`);
	}
	expect(readdirSync(place.folder)).toEqual([]);
});

test('what is piped has no colours, in CI too, unless it is asked for them', async () => {
	using place = makePlace();
	const said = async (env: Record<string, string>) =>
		(await place.cellar(['deps', 'no-such-run'], { env: { NO_COLOR: '', FORCE_COLOR: '', CI: 'true', ...env } })).stderr;
	expect(await said({})).not.toContain('\u001B');
	expect(await said({ FORCE_COLOR: '1' })).toContain('\u001B[');
	expect(await said({ FORCE_COLOR: '1', NO_COLOR: '1' })).not.toContain('\u001B');
});
