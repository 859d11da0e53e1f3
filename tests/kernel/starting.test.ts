import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createConnection, openSession, startProcess } from '../../core/src/kernel/index.ts';
import { bareEnv, python, scratch } from './live.ts';

/** Opens a session with whatever this command starts; `{connection_file}` stands for that. */
async function opened(argv: readonly string[], startTimeoutMs = 60_000): Promise<unknown> {
	using folder = scratch();
	const { file, connection } = await createConnection({ transport: 'tcp', folder: join(folder.path, 'c') });
	const words = argv.map((word) => word.replace('{connection_file}', file));
	const process = startProcess({ argv: words, cwd: folder.path, env: bareEnv(folder.path) });
	try {
		return await openSession({ connection, process, spec: { interruptMode: 'signal' }, startTimeoutMs });
	} finally {
		await process.ended;
	}
}

test('a kernel that ends at its start is an error with its exit code and its last words', async () => {
	await expect(opened([python, '-c', 'raise SystemExit("no licence found")'])).rejects.toMatchObject({
		code: 'CELLAR_KERNEL_DIED',
		message: expect.stringMatching(/exit code 1 .*no licence found/s),
	});
});

test('a kernel that is killed at its start is an error with the signal and its last words', async () => {
	const code = `import os; print('almost there', flush=True); os.kill(os.getpid(), 9)`;
	await expect(opened([python, '-c', code])).rejects.toMatchObject({
		code: 'CELLAR_KERNEL_DIED',
		message: expect.stringMatching(/SIGKILL .*almost there/s),
	});
});

test('a kernel that never answers is given up after its time, and killed', async () => {
	const silent = `import time; print('thinking', flush=True); time.sleep(1000)`;
	await expect(opened([python, '-c', silent], 1000)).rejects.toMatchObject({
		code: 'CELLAR_KERNEL_DIED',
		message: expect.stringMatching(/within 1 s.*thinking/s),
	});
});

test('a Python without ipykernel is told by what it says, with the line that mends it', async () => {
	const isolated = ['/usr/bin/python3', '-I', '-S', '-m', 'ipykernel_launcher', '-f', '{connection_file}'];
	await expect(opened(isolated)).rejects.toMatchObject({
		code: 'CELLAR_NO_IPYKERNEL',
		hint: '/usr/bin/python3 -m pip install ipykernel',
	});
});
