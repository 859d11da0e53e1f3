import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Execution } from '../../core/src/kernel/index.ts';
import { live, textOf, type Live } from './live.ts';

/** Runs a cell whose code touches the file `there` when it is where the test wants it, and then does something to it. */
async function midway(
	kernel: Live,
	code: string,
	then: () => Promise<void>,
	timeoutSeconds: number | null = null,
): Promise<Execution> {
	const running = kernel.session.execute(code, { timeoutSeconds });
	while (!existsSync(join(kernel.folder, 'there'))) await sleep(10);
	await then();
	return running;
}

const forever = `print('on my way', flush=True)\nopen('there', 'w').close()\nimport time\nwhile True: time.sleep(1)`;
const deaf = `
import time
begun = False
while True:
    try:
        if not begun:
            begun = True
            print('cannot be stopped', flush=True)
            open('there', 'w').close()
        time.sleep(1)
    except KeyboardInterrupt:
        print('not me', flush=True)
`;

test('an interrupt ends the cell as interrupted, with its outputs, and the kernel lives on', async () => {
	await using kernel = await live();
	const { status, outputs } = await midway(kernel, forever, () => kernel.session.interrupt());
	expect(status).toBe('interrupted');
	expect(outputs).toMatchObject([{ text: 'on my way\n' }, { output_type: 'error', ename: 'KeyboardInterrupt' }]);
	expect(await kernel.run('1 + 1')).toMatchObject({ status: 'ok' });
});

test('an interrupt that comes before the kernel has begun is not lost', async () => {
	await using kernel = await live();
	const running = kernel.run(`import time; time.sleep(1000)`);
	await kernel.session.interrupt();
	expect(await running).toMatchObject({ status: 'interrupted' });
});

test('an interrupt when nothing runs does nothing, now and to the next cell', async () => {
	await using kernel = await live();
	await kernel.session.interrupt();
	expect(await kernel.run(`print('fine')`)).toMatchObject({ status: 'ok', outputs: [{ text: 'fine\n' }] });
});

test('a cell that takes too long is interrupted and timed out; the next one runs', async () => {
	await using kernel = await live();
	const { status, outputs } = await kernel.session.execute(forever, { timeoutSeconds: 2 });
	expect(status).toBe('timed out');
	expect(textOf(outputs)).toBe('on my way\n');
	expect(await kernel.run('1 + 1')).toMatchObject({ status: 'ok' });
});

test('a cell that swallows the interrupt of its timeout is killed with its kernel, and what it said is kept', async () => {
	await using kernel = await live({ interruptGraceMs: 2000 });
	const { status, outputs } = await kernel.session.execute(deaf, { timeoutSeconds: 2 });
	expect(status).toBe('timed out');
	expect(textOf(outputs)).toBe('cannot be stopped\nnot me\n');
	expect(await kernel.process.ended).toMatchObject({ signal: 'SIGKILL' });
	expect(await kernel.run('1')).toEqual({ status: 'died', outputs: [], executionCount: null });
});

test('a cell that writes without end is stopped by its timeout all the same', async () => {
	await using kernel = await live();
	const { status, outputs } = await kernel.session.execute(`while True: print('and on' * 1000)`, { timeoutSeconds: 2 });
	expect(status).toBe('timed out');
	expect(new Set(outputs.map(({ output_type }) => output_type))).toEqual(new Set(['stream', 'error']));
});

test('a cell that swallows the interrupt of the user goes on until its timeout', async () => {
	await using kernel = await live({ interruptGraceMs: 200 });
	const { status, outputs } = await midway(kernel, deaf, () => kernel.session.interrupt(), 3);
	expect(status).toBe('interrupted');
	expect(textOf(outputs)).toContain('not me\n');
	expect(await kernel.process.ended).toMatchObject({ signal: 'SIGKILL' });
});

const deaths = [
	['os._exit', `import os; os._exit(7)`, { code: 7, signal: null }],
	['a segmentation fault', `import ctypes; ctypes.string_at(0)`, { code: null, signal: 'SIGSEGV' }],
	['a kill', `import os; os.kill(os.getpid(), 9)`, { code: null, signal: 'SIGKILL' }],
] as const;

test.each(deaths)(
	'a kernel that dies of %s in a cell ends the cell as died, with what was said until then',
	async (_, code, end) => {
		await using kernel = await live();
		const { status, outputs } = await kernel.run(`import time\nprint('last words', flush=True)\ntime.sleep(0.1)\n${code}`);
		expect(status).toBe('died');
		expect(textOf(outputs)).toBe('last words\n');
		expect(await kernel.process.ended).toEqual(end);
		expect(await kernel.run('1')).toMatchObject({ status: 'died', outputs: [] });
	},
);

test('a kernel that is killed by another does not leave its cell waiting', async () => {
	await using kernel = await live();
	const { status } = await midway(kernel, forever, async () => void process.kill(kernel.process.pid, 'SIGKILL'));
	expect(status).toBe('died');
});

test('a child that outlives its kernel and holds its pipes does not keep the death from being seen', async () => {
	await using kernel = await live();
	const code = `import os, subprocess\nsubprocess.Popen(['sleep', '1000'], stdout=2)\nos._exit(1)`;
	expect(await kernel.run(code)).toMatchObject({ status: 'died' });
});

test('a cell that ends its kernel in order is ok; the next one finds no kernel', async () => {
	await using kernel = await live();
	expect(await kernel.run(`quit()`)).toMatchObject({ status: 'ok' });
	await kernel.process.ended;
	expect(await kernel.run('1')).toMatchObject({ status: 'died' });
});

test('a shutdown during a cell interrupts it, so that its clean-up runs, and the kernel ends by itself', async () => {
	await using kernel = await live();
	const code = `import time\ntry:\n    open('there', 'w').close()\n    time.sleep(1000)\nfinally: print('tidied')`;
	const { status, outputs } = await midway(kernel, code, () => kernel.session.shutdown(60_000));
	expect(status).toBe('interrupted');
	expect(textOf(outputs)).toBe('tidied\n');
	expect(await kernel.process.ended).toEqual({ code: 0, signal: null });
});

test('a shutdown that a cell does not let happen ends in a kill after its time, or at once when nobody waits any longer', async () => {
	await using slow = await live();
	expect(await midway(slow, deaf, () => slow.session.shutdown(300))).toMatchObject({ status: 'interrupted' });
	expect(await slow.process.ended).toMatchObject({ signal: 'SIGKILL' });

	await using hasty = await live();
	const ended = midway(hasty, deaf, async () => {
		const patient = hasty.session.shutdown(1_000_000);
		await hasty.session.shutdown(0);
		await patient;
	});
	expect(await ended).toMatchObject({ status: 'interrupted' });
});

test('with the session its kernel ends, and with the kernel its workers', async () => {
	const kernel = await live();
	await kernel.run(
		`import multiprocessing as m\nworker = m.get_context('fork').Process(target=__import__('time').sleep, args=(1000,))\nworker.start()\nopen('worker', 'w').write(str(worker.pid))`,
	);
	const worker = Number(readFileSync(join(kernel.folder, 'worker'), 'utf8'));
	await kernel[Symbol.asyncDispose]();
	expect(() => process.kill(worker, 0)).toThrow('ESRCH');
});

test('a listener that throws ends the execution with its error', async () => {
	await using kernel = await live();
	const onOutput = (): void => {
		throw new Error('the disk is full');
	};
	await expect(kernel.session.execute('print(1)', { timeoutSeconds: null, onOutput })).rejects.toThrow('the disk is full');
});

test('a kernel leads a session and a group of its own, so that a Ctrl-C in our terminal does not reach it', async () => {
	await using kernel = await live();
	const { outputs } = await kernel.run(`import os; print(os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid())`);
	expect(textOf(outputs)).toBe('True True\n');
});
