import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runners, type Sandboxed, type SandboxOptions } from '../../core/src/sandbox/index.ts';
import { addPython, makeRoot, options, scratch } from './root.ts';
import { story } from './story.ts';
import { untilSaid } from './wait.ts';

const bubblewrap = runners[0]!;
let root = '';
let python = '';

beforeAll(() => {
	root = mkdtempSync(join(tmpdir(), 'cellar-sandbox-python-'));
	makeRoot(root);
	python = addPython(root);
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Options for a Python program of these lines. */
function program(work: string, lines: readonly string[], more: Partial<SandboxOptions> = {}): SandboxOptions {
	return options(root, work, [python, '-I', '-u', '-c', lines.join('\n')], more);
}

const reach = [
	'import errno, socket, sys',
	'try: socket.create_connection(("192.0.2.1", 80), 3); print("connected")',
	'except OSError as error: print(errno.errorcode.get(error.errno, error))',
	'try: print(socket.getaddrinfo("example.org", 80))',
	'except socket.gaierror as error: print("no name", error.errno)',
	'try: socket.create_connection(("127.0.0.1", int(sys.argv[1])), 3); print("the server of this machine")',
	'except OSError as error: print(errno.errorcode.get(error.errno, error))',
	'print(socket.gethostbyname(socket.gethostname()))',
];

test('there is no network: no address, no name, and no server of this machine', async () => {
	const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
	try {
		await new Promise((resolve) => server.once('listening', resolve));
		// It listens on TCP.
		const { port } = server.address() as AddressInfo;
		const closed = program(scratch(), reach);
		const told = await story({ ...closed, argv: [...closed.argv, String(port)] });
		expect(told.words.trim().split('\n')).toEqual(['ENETUNREACH', 'no name -3', 'ECONNREFUSED', '127.0.1.1']);
		const open = await story({ ...closed, argv: [...closed.argv, String(port)], network: true });
		expect(open.words).toContain('the server of this machine');
	} finally {
		server.close();
	}
});

test('a socket that the program opens in /run/cellar is reached from outside', async () => {
	const folder = scratch();
	mkdirSync(join(folder, 'sockets'));
	const lines = [
		'import socket',
		'server = socket.socket(socket.AF_UNIX); server.bind("/run/cellar/k-1"); server.listen(); print("listening")',
		'client, _ = server.accept(); client.sendall(b"heard " + client.recv(100)); client.close()',
	];
	const binds = [{ from: join(folder, 'sockets'), to: '/run/cellar', writable: true }];
	await using sandbox = await bubblewrap.start(program(join(folder, 'work'), lines, { binds }));
	await untilSaid(sandbox, 'listening');
	const answer = await new Promise<string>((resolve, reject) => {
		const client = connect(join(folder, 'sockets/k-1'), () => client.write('outside'));
		client.on('data', (data) => resolve(data.toString())).on('error', reject);
	});
	expect(answer).toBe('heard outside');
	expect(await sandbox.ended).toEqual({ code: 0, signal: null });
});

test('an interrupt reaches the program alone, as KeyboardInterrupt, and it may go on', async () => {
	const lines = [
		'import time',
		'try:',
		'    print("ready"); time.sleep(600)',
		'except KeyboardInterrupt: print("interrupted")',
		'open("after", "w").write("went on"); raise SystemExit(9)',
	];
	await using sandbox = await bubblewrap.start(program(scratch(), lines));
	await untilSaid(sandbox, 'ready');
	sandbox.interrupt();
	expect(await sandbox.ended).toEqual({ code: 9, signal: null });
	expect(sandbox.lastWords()).toBe('ready\ninterrupted\n');
	const written = await sandbox.written();
	expect(written.map(({ path }) => path)).toEqual(['/data/after']);
	expect(readFileSync(written[0]?.hostPath ?? '', 'utf8')).toBe('went on');
	// Nobody is left to hear it.
	sandbox.interrupt();
});

test('a pool of processes, its semaphores and its shared memory work', async () => {
	const folder = scratch();
	const lines = [
		'import multiprocessing as m, os',
		'from multiprocessing import shared_memory',
		'm.set_start_method("fork")',
		'block = shared_memory.SharedMemory(create=True, size=8)',
		'with m.Pool(3) as pool: print(sum(pool.map(abs, range(-50, 50))))',
		'block.close(); block.unlink(); print(os.cpu_count())',
	];
	const told = await story(program(folder, lines));
	expect(told.words).toMatch(/^2500\n[1-9]\d*\n$/);
	expect(told.written).toEqual([]);
});

test('what the program prints is always read, and its last words are kept', async () => {
	const told = await story(
		program(scratch(), ['for n in range(400_000): print(n)', 'import sys; print("the end", file=sys.stderr)']),
	);
	expect(told.code).toBe(0);
	expect(told.words.length).toBeLessThan(20_000);
	expect(told.words).toMatch(/399999\nthe end\n$/);
});

test('another Python beside the root is not found: what the root lacks is missing', async () => {
	const folder = scratch();
	writeFileSync(join(folder, 'secret_module.py'), 'value = 1');
	const told = await story(
		program(join(folder, 'work'), ['import sys', `sys.path.insert(0, ${JSON.stringify(folder)})`, 'import secret_module']),
	);
	expect(told.code).toBe(1);
	expect(told.words).toContain("ModuleNotFoundError: No module named 'secret_module'");
});

test('under a tracer outside, the program keeps its exit code, hears an interrupt, and the log has its paths as inside', async () => {
	const folder = scratch();
	const log = join(folder, 'log.strace');
	const { startProcess } = await import('../../core/src/sandbox/process.ts');
	const strace = [
		'strace',
		'-D',
		'-f',
		'-y',
		'--decode-pids=pidns',
		'--seccomp-bpf',
		'-e',
		'trace=%file,%process',
		'-e',
		'signal=none',
		'-o',
		log,
	];
	const lines = [
		'import os, time',
		'os.mkdir("made"); os.chdir("made"); open("result.txt", "w").write("x")',
		'try: print("ready"); time.sleep(600)',
		'except KeyboardInterrupt: os._exit(11)',
	];
	const launch: NonNullable<SandboxOptions['launch']> = (command) =>
		Promise.resolve(startProcess({ ...command, argv: [...strace, ...command.argv] }));
	const traced: Sandboxed = await bubblewrap.start(program(join(folder, 'work'), lines, { launch }));
	await untilSaid(traced, 'ready');
	traced.interrupt();
	expect(await traced.ended).toEqual({ code: 11, signal: null });
	expect((await traced.written()).map(({ path }) => path)).toEqual(['/data/made', '/data/made/result.txt']);
	await traced[Symbol.asyncDispose]();
	const calls = readFileSync(log, 'utf8');
	expect(calls).toMatch(/execve\("[^"]*\/bwrap"/);
	expect(calls).toContain(`execve("${python}"`);
	expect(calls).toContain('openat(AT_FDCWD</data/made>, "result.txt", O_WRONLY|O_CREAT');
});
