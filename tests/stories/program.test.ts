import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Explanation } from '../../core/src/flows/deps.ts';
import type { Comparison, Dependencies, ProgramEnd } from '../../core/src/model/index.ts';
import { clone, makePlace, pythonOf, type AuditDocument, type ErrorDocument, type Place, type RunsDocument } from './cellar.ts';

type Document = AuditDocument & { readonly notebook: string | null; readonly program: ProgramEnd | null };

let place: Place;
const python = pythonOf('kernel');
const script = `
import sys
import helper, traitlets
print('told', sys.argv[1:])
print('aside', file=sys.stderr)
open('out.txt', 'w').write(open(sys.argv[1]).read() + helper.name)
`;

beforeAll(() => {
	place = makePlace();
	write('script.py', script);
	write('helper.py', 'import colorsys\nname = "helped"\n');
	write('data.csv', '1,2\n');
});
afterAll(() => place[Symbol.dispose]());

function write(name: string, text: string): string {
	writeFileSync(join(place.folder, name), text);
	return join(place.folder, name);
}

async function audited(command: readonly string[], options: readonly string[] = []): Promise<Document & { code: number | null }> {
	const said = await place.cellar(['audit', '--json', ...options, '--', ...command]);
	return { ...said.json<Document>(), code: said.code };
}

const deps = async (run: string, selector = 'run') =>
	(await place.cellar(['deps', run, '--for', selector, '--json'])).json<Dependencies>();

test('a program has our streams: its stdin is ours, its words go where ours go, and Cellar speaks on stderr alone', () => {
	const text = 'echo line | "$0" "$1" audit -- sh -c \'read word; echo "heard $word"; echo aside >&2\'';
	const said = spawnSync('sh', ['-c', text, process.execPath, join(clone, 'cli/bin/cellar.js')], {
		env: { ...process.env, CELLAR_HOME: place.home },
		encoding: 'utf8',
	});
	expect(said.stdout).toBe('heard line\n');
	expect(said.stderr).toMatch(/^aside$/m);
	expect(said.stderr).toMatch(/finished, exit code 0/);
	expect(said.status).toBe(0);
}, 600_000);

test('with --json stdout holds the document alone, and what the program says there goes to stderr', async () => {
	const said = await place.cellar(['audit', '--json', '--', python, 'script.py', 'data.csv']);
	const document = said.json<Document>();
	expect(said.code).toBe(0);
	expect(document).toMatchObject({ notebook: null, status: 'finished', cells: [], program: { exitCode: 0, signal: null } });
	expect(said.stderr).toContain("told ['data.csv']");
	expect(existsSync(join(document.directory, 'notebook.ipynb'))).toBe(false);
	expect(existsSync(join(document.directory, 'executed.ipynb'))).toBe(false);
}, 600_000);

test('what the script that ran imports is direct, what its modules import is not; its data is told too', async () => {
	const { run } = await audited([python, 'script.py', 'data.csv']);
	const { software, data } = await deps(run, 'program');
	const direct = software.filter((item) => item.direct).map((item) => item.name);
	expect(direct).toEqual(['helper', 'python', 'script.py', 'traitlets']);
	expect(software.find((item) => item.name === 'traitlets')).toMatchObject({
		why: ['touched', 'named'],
		manager: true,
		cells: [],
	});
	expect(software.find((item) => item.name === 'traitlets')?.reason).toMatch(/^named by the program: import traitlets; \d+ of/);
	expect(data.map((item) => [item.relative, item.role])).toEqual([
		['data.csv', 'input'],
		['out.txt', 'output'],
	]);
	expect(await deps(run, 'program')).toEqual({ ...(await deps(run)), for: 'program' });
}, 600_000);

test('a package’s own program is none of the user’s code, but the command that names it is', async () => {
	const { run } = await audited([join(python, '../pip'), '--version']);
	const { software } = await deps(run);
	expect(software.filter((item) => item.direct).map((item) => item.name)).toEqual(['pip']);
}, 600_000);

test('code that -c gives and a module that -m names are the user’s own', async () => {
	const code = await audited([python, '-c', 'import traitlets']);
	expect((await deps(code.run)).software.find((item) => item.name === 'traitlets')?.direct).toBe(true);
	mkdirSync(join(place.folder, 'tool'), { recursive: true });
	write('tool/__main__.py', 'import traitlets\n');
	write('tool/__init__.py', '');
	const module = await audited([python, '-m', 'tool']);
	expect((await deps(module.run)).software.find((item) => item.name === 'traitlets')?.direct).toBe(true);
}, 600_000);

test('a file and a package are explained from the program, with the process and the time of each use', async () => {
	const { run } = await audited([python, 'script.py', 'data.csv']);
	const explained = async (what: string) => (await place.cellar(['explain', what, run, '--json'])).json<Explanation>();
	const file = await explained('data.csv');
	expect(file).toMatchObject({ verdict: 'input', chain: ['the program', 'this file'], requiredBy: [], cell: null });
	const [use] = file.uses;
	expect(use).toMatchObject({ cell: null, how: 'read', program: 'python' });
	expect(use?.seconds).toBeGreaterThan(0);
	expect(use?.seconds).toBeLessThan(30);
	expect(await explained('traitlets')).toMatchObject({ chain: ['the program', 'import traitlets'] });
	const cell = await place.cellar(['explain', 'cell:1', run, '--json']);
	expect(cell.json<ErrorDocument>().error.code).toBe('CELLAR_NO_SUCH_CELL');
}, 600_000);

test('a program that fails ends in 3 and is `raised`, one that a signal ends is `died`; how it ended stands in the run', async () => {
	expect(await audited(['sh', '-c', 'exit 7'])).toMatchObject({
		...{ code: 3, status: 'raised', program: { exitCode: 7, signal: null } },
	});
	expect(await audited(['sh', '-c', 'kill -9 $$'])).toMatchObject({
		...{ code: 3, status: 'died', program: { exitCode: null, signal: 'SIGKILL' } },
	});
}, 600_000);

test('a program that is not there, or may not be executed, is told before there is a run', async () => {
	const before = (await place.cellar(['runs', '--json'])).json<RunsDocument>().runs.length;
	const missing = await place.cellar(['audit', '--json', '--', 'no-such-program']);
	expect([missing.code, missing.json<ErrorDocument>().error.code]).toEqual([2, 'CELLAR_NO_SUCH_FILE']);
	const refused = await place.cellar(['audit', '--json', '--', './data.csv']);
	expect([refused.code, refused.json<ErrorDocument>().error.code]).toEqual([4, 'CELLAR_NO_PERMISSION']);
	expect((await place.cellar(['runs', '--json'])).json<RunsDocument>().runs).toHaveLength(before);
}, 600_000);

test('what is for notebooks alone is refused, and so are a notebook and a command together', async () => {
	for (const words of [
		['--timeout', '3', '--', 'true'],
		['--allow-errors', '--', 'true'],
		['a.ipynb', '--', 'true'],
		['a.ipynb', 'b.ipynb'],
	]) {
		const said = await place.cellar(['audit', '--json', ...words]);
		expect([said.code, said.json<ErrorDocument>().error.code]).toEqual([2, 'CELLAR_USAGE']);
	}
}, 600_000);

test('where ptrace is refused nothing of the program runs', async () => {
	const refusing = join(place.folder, 'no-ptrace');
	const made = spawnSync('cc', ['-o', refusing, join(clone, 'tests/programs/no-ptrace.c')], { encoding: 'utf8' });
	expect(made.status, made.stderr).toBe(0);
	const words = [join(clone, 'cli/bin/cellar.js'), 'audit', '--json', '--', 'touch', 'ran'];
	const said = spawnSync(refusing, [process.execPath, ...words], {
		cwd: place.folder,
		env: { ...process.env, CELLAR_HOME: place.home },
		encoding: 'utf8',
	});
	expect([said.status, said.stdout]).toEqual([4, expect.stringContaining('CELLAR_NO_TRACER')]);
	expect(existsSync(join(place.folder, 'ran'))).toBe(false);
}, 600_000);

test('a pool of a Python program has workers, a shell’s commands are none', async () => {
	const pool = write(
		'pool.py',
		"import multiprocessing as m\ndef f(n):\n    return open(f'part-{n}.txt', 'w').write('x')\nif __name__ == '__main__':\n    with m.get_context('fork').Pool(2) as pool:\n        pool.map(f, range(2), chunksize=1)\n",
	);
	const { run, workers } = await audited([python, pool]);
	expect(workers).toHaveLength(2);
	const parts = (await deps(run, 'workers')).data.filter((item) => item.role === 'output').map((item) => item.relative);
	expect(parts).toEqual(['part-0.txt', 'part-1.txt']);
	expect((await audited(['sh', '-c', '(cat data.csv; true); (cat data.csv; true)'])).workers).toEqual([]);
}, 600_000);

const waiting = `
import signal, sys, time
def told(number, frame):
    open('told.txt', 'a').write(f'{number}\\n')
    sys.exit(5)
signal.signal(signal.SIGTERM, told)
signal.signal(signal.SIGINT, told)
print('waiting', file=sys.stderr, flush=True)
time.sleep(600)
`;

test('a signal is handed on to the program, once; the exit code is 128 and its number, and the run is kept', async () => {
	write('waiting.py', waiting);
	for (const [signal, number] of [
		['SIGTERM', 15],
		['SIGINT', 2],
	] as const) {
		write('told.txt', '');
		const started = place.start(['audit', '--json', '--', python, 'waiting.py']);
		await started.said('waiting');
		process.kill(started.pid, signal);
		const said = await started.ended;
		expect(said.code).toBe(128 + number);
		expect(said.json<Document>()).toMatchObject({ status: 'interrupted', program: { exitCode: 5, signal: null } });
		expect(readFileSync(join(place.folder, 'told.txt'), 'utf8')).toBe(`${number}\n`);
	}
}, 600_000);

test('Ctrl-C in a terminal reaches the program once, and the program has the terminal', async () => {
	write('told.txt', '');
	write(
		'terminal.py',
		`
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
seen, sent = b'', False
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    if not piece:
        break
    seen += piece
    if b'waiting' in seen and not sent:
        sent = True
        time.sleep(0.5)
        os.write(terminal, b'\\x03')
sys.stdout.write(seen.decode(errors='replace'))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`,
	);
	write('waiting.py', waiting.replace('import signal', 'open("/dev/tty").close()\nimport signal'));
	const child = spawn(
		python,
		['terminal.py', process.execPath, join(clone, 'cli/bin/cellar.js'), 'audit', '--', python, 'waiting.py'],
		{ cwd: place.folder, env: { ...process.env, CELLAR_HOME: place.home }, stdio: ['ignore', 'pipe', 'pipe'] },
	);
	let seen = '';
	for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (seen += chunk.toString()));
	const code = await new Promise<number | null>((done) => child.on('close', done));
	expect(readFileSync(join(place.folder, 'told.txt'), 'utf8'), seen).toBe('2\n');
	expect(code, seen).toBe(130);
	expect(seen).toContain('interrupted, exit code 5');
}, 600_000);

test('where Cellar is killed the run is `died`, and the next command makes it whole', async () => {
	write('waiting.py', `print(open('data.csv').read())\n${waiting}`);
	const started = place.start(['audit', '--', python, 'waiting.py']);
	await started.said('waiting');
	await wait(500);
	process.kill(started.pid, 'SIGKILL');
	await started.ended;
	const [newest] = (await place.cellar(['runs', '--json'])).json<RunsDocument>().runs;
	expect(newest?.status).toBe('died');
	expect((await deps(newest!.run)).data.map((item) => [item.relative, item.role])).toContainEqual(['data.csv', 'input']);
}, 600_000);

test('what a program leaves running is ended with it, and told', async () => {
	const { warnings, status } = await audited(['sh', '-c', 'sleep 600 & exit 0']);
	expect(status).toBe('finished');
	expect(warnings).toMatchObject([
		{ code: 'CELLAR_LEFT_RUNNING', message: expect.stringContaining('after the program had ended') },
	]);
}, 600_000);

test('a packed program runs again without its files, and is the same; where it ends otherwise, it differs', async () => {
	const { run } = await audited([python, 'script.py', 'data.csv']);
	const image = join(place.folder, 'program.oci.tar');
	const packed = await place.cellar(['pack', run, '-o', image]);
	expect(packed.code, packed.stderr).toBe(0);
	const said = await place.cellar(['repeat', image, '--json']);
	const same = said.json<Comparison>();
	expect(same, said.stderr).toMatchObject({ verdict: 'same', program: { verdict: 'same' }, cells: [] });
	expect(same.files.map((file) => [file.path, file.verdict])).toEqual([[join(place.folder, 'out.txt'), 'same']]);
	expect((await deps((await place.cellar(['repeat', image, '--audit', '--json'])).json<Comparison>().b)).software).toContainEqual(
		expect.objectContaining({ name: 'traitlets', direct: true }),
	);
	const other = write('other.csv', '');
	chmodSync(other, 0o644);
	const differs = await place.cellar(['repeat', image, '--json', '--input', `${join(place.folder, 'data.csv')}=${other}`]);
	expect([differs.code, differs.json<Comparison>().verdict]).toEqual([1, 'differs']);
}, 600_000);

test('a word of the command that looks like a secret is not kept, and the repeat is refused', async () => {
	const { run, directory } = await audited([
		'sh',
		'-c',
		'true',
		'sh',
		'--token',
		'hunter2',
		'API_KEY=hunter2',
		'https://me:hunter2@a.b/',
	]);
	for (const name of ['run.json', 'journal.jsonl', 'dependencies.json']) {
		expect(readFileSync(join(directory, name), 'utf8')).not.toContain('hunter2');
	}
	const said = await place.cellar(['repeat', run, '--json']);
	expect([said.code, said.json<ErrorDocument>().error.code]).toEqual([5, 'CELLAR_SECRET_IN_SOURCE']);
}, 600_000);
