import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startProcess } from '../../core/src/kernel/index.ts';

const start = (script: string) => startProcess({ argv: ['/bin/sh', '-c', script], cwd: '/', env: { PATH: '/usr/bin:/bin' } });

test('the last words of a program are all that it wrote, from both its streams, when it is little', async () => {
	const program = start('echo one; echo two >&2; exit 3');
	expect(await program.ended).toEqual({ code: 3, signal: null });
	expect(program.lastWords().split('\n').toSorted()).toEqual(['', 'one', 'two']);
});

test('a program that writes much is never held up, and its last words are the last four kilobytes, cut between characters', async () => {
	const program = start(`i=0; while [ $i -lt 30000 ]; do echo "€ line $i"; i=$((i+1)); done`);
	expect(await program.ended).toEqual({ code: 0, signal: null });
	const words = program.lastWords();
	expect(words.endsWith('€ line 29999\n')).toBe(true);
	expect(Buffer.byteLength(words)).toBeGreaterThan(4090);
	expect(Buffer.byteLength(words)).toBeLessThanOrEqual(4096);
	expect(words).not.toContain('\uFFFD');
});

test('an interrupt reaches the program itself; a kill also what it started', async () => {
	const polite = start(`trap 'echo interrupted; exit 0' INT; echo ready; while :; do sleep 0.01; done`);
	while (!polite.lastWords().includes('ready')) await new Promise((settle) => setTimeout(settle, 5));
	polite.interrupt();
	await polite.ended;
	expect(polite.lastWords()).toContain('interrupted');

	const parent = start(`sleep 1000 & echo $!; wait`);
	while (!parent.lastWords().includes('\n')) await new Promise((settle) => setTimeout(settle, 5));
	const child = Number(parent.lastWords());
	await parent.kill();
	expect(await parent.ended).toEqual({ code: null, signal: 'SIGKILL' });
	await expect.poll(() => state(child)).toMatch(/^[ZX]?$/);
});

/** The state of a process as /proc has it; empty where it is no more. */
function state(pid: number): string {
	try {
		return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) (.).*$/s, '$1');
	} catch {
		// It is gone: that is an answer too.
		return '';
	}
}

test('a kill after the end reaches what the program left behind, and does no harm where there is nothing', async () => {
	const parent = start(`sleep 1000 >/dev/null 2>&1 & echo $!`);
	await parent.ended;
	const child = Number(parent.lastWords());
	expect(state(child)).toMatch(/^[^ZX]$/);
	await parent.kill();
	await expect.poll(() => state(child)).toMatch(/^[ZX]?$/);
	await parent.kill();
	parent.interrupt();
});

test('a program that cannot be started is an error that names it, and its folder where that is missing', () => {
	const env = {};
	expect(() => startProcess({ argv: ['/no/such/program'], cwd: '/', env })).toThrow(
		expect.objectContaining({ code: 'CELLAR_NO_KERNEL', message: expect.stringContaining('/no/such/program') }),
	);
	expect(() => startProcess({ argv: ['/bin/true'], cwd: '/no/such/folder', env })).toThrow(
		expect.objectContaining({ code: 'CELLAR_NO_KERNEL', message: expect.stringContaining('/no/such/folder') }),
	);
	expect(() => startProcess({ argv: [], cwd: '/', env })).toThrow(expect.objectContaining({ code: 'CELLAR_NO_KERNEL' }));
});

test('a program gets the environment that is given, and who its parent is', async () => {
	const program = startProcess({ argv: ['/usr/bin/env'], cwd: '/', env: { ONLY: 'this' } });
	await program.ended;
	expect(program.lastWords().trim().split('\n').toSorted()).toEqual([`JPY_PARENT_PID=${process.pid}`, 'ONLY=this']);
});
