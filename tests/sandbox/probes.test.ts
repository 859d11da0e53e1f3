import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { probeBubblewrap, probeOverlay, probeUserNamespaces, runners } from '../../core/src/sandbox/index.ts';
import { makeRoot, options, scratch } from './root.ts';
import { story } from './story.ts';

const bubblewrap = runners[0]!;

function which(program: string): string {
	return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
}

/** An environment whose PATH holds the tools, some of them replaced by a script that may call the real one. */
function tools(replaced: Readonly<Record<string, string | null>>): NodeJS.ProcessEnv {
	const folder = scratch();
	for (const name of ['unshare', 'bwrap', 'mount', 'cp', 'sh', 'rm']) {
		const script = replaced[name];
		if (script === undefined) symlinkSync(which(name), join(folder, name));
		else if (script !== null) writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
	}
	return { PATH: folder };
}

/** Every tool as it is, but started in a namespace in which the kernel allows no further ones. */
const noNamespaces = (name: string) =>
	`exec ${which('unshare')} -Ur sh -c 'echo 0 > /proc/sys/user/max_user_namespaces; exec ${which(name)} "$@"' sh "$@"`;
/** Cannot be had here: a kernel that refuses overlays in user namespaces. Its answer is given in its place. */
const oldMount = 'echo "mount: wrong fs type, bad option, bad superblock on overlay" >&2; exit 32';

test('where all is there, each probe says so with what was found', async () => {
	expect(await probeUserNamespaces()).toMatchObject({
		status: 'ok',
		found: expect.stringMatching(/^Linux \d/),
		reason: null,
		mend: null,
	});
	expect(await probeBubblewrap()).toMatchObject({
		status: 'ok',
		found: expect.stringMatching(/^bubblewrap \d/),
		reason: null,
		mend: null,
	});
	const folder = scratch();
	expect(await probeOverlay(folder)).toMatchObject({ status: 'ok', reason: null, mend: null });
	expect(readdirSync(folder)).toEqual([]);
	expect(await bubblewrap.probe()).toMatchObject({
		status: 'ok',
		found: expect.stringMatching(/^bubblewrap \d.*, overlay$/),
		mend: null,
	});
});

test('a missing tool is named with the line that installs it, by apt and without root', async () => {
	const missing = { status: 'missing', found: null, reason: 'bubblewrap is not installed' };
	const env = tools({ bwrap: null });
	for (const probe of [await probeBubblewrap(env), await bubblewrap.probe(env)]) {
		expect(probe).toMatchObject({
			...missing,
			mend: expect.stringMatching(/apt-get install bubblewrap.*conda install -c conda-forge bubblewrap/),
		});
	}
	expect(await probeUserNamespaces(tools({ unshare: null }))).toMatchObject({
		status: 'missing',
		mend: 'sudo apt-get install util-linux',
	});
});

test('where the kernel gives no user namespaces, each probe that needs them is refused, with the setting', async () => {
	const env = tools({ unshare: noNamespaces('unshare') });
	for (const probe of [
		await probeUserNamespaces(env),
		await probeOverlay(scratch(), env),
		await probeBubblewrap(env),
		await bubblewrap.probe(env),
	]) {
		expect(probe).toMatchObject({
			status: 'refused',
			reason: expect.stringContaining('user.max_user_namespaces'),
			mend: 'sudo sysctl user.max_user_namespaces=15000',
		});
	}
});

test('where bubblewrap may not mount, its own words are the reason', async () => {
	const probe = await probeBubblewrap(
		tools({ bwrap: `case $1 in --version) exec ${which('bwrap')} --version;; esac\n${noNamespaces('bwrap')}` }),
	);
	expect(probe).toMatchObject({
		status: 'refused',
		found: expect.stringMatching(/^bubblewrap \d/),
		reason: expect.stringMatching(/^bwrap: Creating new namespace failed/),
	});
	expect(probe.mend).toContain('seccomp=unconfined');
});

test('where overlays are refused, a repeat copies the root, and the probe says so', async () => {
	const env = tools({ mount: oldMount });
	expect(await probeOverlay(scratch(), env)).toMatchObject({
		status: 'refused',
		reason: expect.stringContaining('wrong fs type'),
		mend: expect.stringContaining('Linux 5.11'),
	});
	expect(await bubblewrap.probe(env)).toMatchObject({ status: 'ok', found: expect.stringMatching(/, copies of the image$/) });
	const folder = scratch();
	makeRoot(join(folder, 'root'));
	await using sandbox = await bubblewrap.start(
		options(join(folder, 'root'), join(folder, 'work'), ['sh', '-c', 'echo x > y']),
		env,
	);
	await sandbox.ended;
	expect(sandbox.layer).toBe('copy');
	expect((await sandbox.written()).map(({ path }) => path)).toEqual(['/data/y']);
	expect(existsSync(join(folder, 'root/data'))).toBe(false);
});

test('an overlay that was asked for and is refused is an error, not a copy', async () => {
	const folder = scratch();
	makeRoot(join(folder, 'root'));
	const asked = options(join(folder, 'root'), join(folder, 'work'), ['true'], { layer: 'overlay' });
	await expect(bubblewrap.start(asked, tools({ mount: oldMount }))).rejects.toMatchObject({ code: 'CELLAR_NO_SANDBOX' });
	expect(readdirSync(join(folder, 'work'))).toEqual([]);
	expect(await story(asked)).toMatchObject({ code: 0, layer: 'overlay' });
});
