import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { probeTracer, type TracerProbe } from '../../core/src/audit/index.ts';
import { bundle } from './bundle.ts';
import { compiled, scratch, strace } from './audited.ts';

/** What a Cellar of its own finds, started by way of another program. */
async function probedBy(folder: string, ...before: readonly string[]): Promise<TracerProbe> {
	const [first, ...rest] = [...before, process.execPath, join(await bundle(folder), 'tell.mjs'), 'probe'];
	// What tell.ts prints.
	return JSON.parse(execFileSync(first, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) as TracerProbe;
}

test('where strace may trace, its path and version are found', async () => {
	const probe = await probeTracer();
	expect(probe).toMatchObject({ status: 'ok', path: await strace() });
	expect(probe.status === 'ok' && probe.version).toMatch(/^\d+\.\d+/);
});

test('where there is no strace, both ways to install it are told', async () => {
	const probe = await probeTracer({ PATH: scratch() });
	expect(probe).toMatchObject({ status: 'missing', found: null });
	expect(probe.status !== 'ok' && probe.mend).toBe(
		'sudo apt-get install strace, or without root: conda install -c conda-forge strace',
	);
});

test('a Cellar that is traced itself says so, and by whom', async () => {
	const probe = await probedBy(scratch(), await strace(), '-f', '-o', '/dev/null', '-e', 'trace=none');
	expect(probe).toMatchObject({ status: 'refused' });
	expect(probe.status !== 'ok' && probe.reason).toMatch(/Cellar itself is being traced, by .*strace/);
});

test('a seccomp filter that refuses ptrace is told from other reasons', async () => {
	const folder = scratch();
	const probe = await probedBy(folder, compiled('no-ptrace.c', folder));
	expect(probe).toMatchObject({ status: 'refused' });
	expect(probe.status !== 'ok' && probe.reason).toContain('seccomp');
	expect(probe.status !== 'ok' && probe.mend).toContain('--cap-add=SYS_PTRACE');
});

test('a strace that does not know an option is too old', async () => {
	// Stands for a strace of before 2021, which no package registry of today has.
	const folder = scratch();
	const script = `#!/bin/sh\n[ "$1" = -V ] && echo 'strace -- version 5.5' && exit\necho "strace: unrecognized option '--decode-pids=pidns'" >&2\nexit 1\n`;
	writeFileSync(join(folder, 'strace'), script, { mode: 0o755 });
	const probe = await probeTracer({ PATH: `${folder}:${process.env['PATH']}` });
	expect(probe).toMatchObject({ status: 'refused', found: `strace 5.5 at ${join(folder, 'strace')}` });
	expect(probe.status !== 'ok' && probe.reason).toContain('too old');
});

test('what calls itself strace and does not run is as good as none', async () => {
	const folder = scratch();
	writeFileSync(join(folder, 'strace'), '#!/no/such/interpreter\n', { mode: 0o755 });
	expect(await probeTracer({ PATH: folder })).toMatchObject({ status: 'missing', found: join(folder, 'strace') });
});
