import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { takeLock } from '../../scripts/setup/lock.mjs';
import { packagesFit } from '../../scripts/setup/packages.mjs';
import type * as Pythons from '../../scripts/setup/python.mjs';
import { root } from './clone.ts';

let folder = '';
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'cellar-setup-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the set-up on a machine that has these programs and no others; each of them does nothing, and succeeds. */
function setUpWith(programs: readonly string[], args: readonly string[], node: readonly string[] = []) {
	for (const program of programs) writeFileSync(join(folder, program), '#!/bin/sh\n', { mode: 0o755 });
	const { status, stdout, stderr } = spawnSync(process.execPath, [...node, join(root, 'scripts/setup.mjs'), ...args], {
		env: { PATH: folder },
		encoding: 'utf8',
	});
	return { status, stdout, stderr };
}

describe('what is missing', () => {
	test('is named, with the line to type on this distribution and the one that needs no rights', () => {
		const { status, stderr } = setUpWith(['strace', 'dnf'], ['--dry-run']);
		expect(status).toBe(4);
		expect(stderr).toContain('bubblewrap must be installed first');
		expect(stderr).toMatch(/^ {2}(sudo )?dnf install bubblewrap$/m);
		expect(stderr).toMatch(/^ {2}conda install -c conda-forge bubblewrap$/m);
	});

	test('is called as the package manager calls it', () => {
		const { status, stderr } = setUpWith(['strace', 'bwrap', 'skopeo', 'umoci', 'apk', 'python3'], ['--tests', '--dry-run']);
		expect(status).toBe(4);
		expect(stderr).toMatch(/^ {2}(sudo )?apk add gcc musl-dev$/m);
	});

	test('is not asked for where only the tests need it', () => {
		const { status, stderr } = setUpWith(['strace', 'bwrap'], ['--dry-run']);
		expect(stderr).not.toContain('must be installed first');
		expect(status).toBe(0);
	});

	test('is an example that there is not', () => {
		const { status, stderr } = setUpWith(['strace', 'bwrap'], ['--example', 'nowhere', '--dry-run']);
		expect(stderr).toContain('examples/nowhere');
		expect(status).toBe(2);
	});

	test('is a word that it knows: others are refused', () => {
		expect(setUpWith([], ['--test']).status).toBe(2);
	});

	test('is a Node that is new enough', () => {
		const old = join(folder, 'old.cjs');
		writeFileSync(old, `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.18.3' } });`);
		const { status, stderr } = setUpWith(['strace', 'bwrap'], ['--dry-run'], ['--require', old]);
		expect(stderr).toContain('this is Node 20.18.3; Cellar needs Node 20.19 or later');
		expect(status).toBe(4);
	});
});

test('packages that fit the lock are not installed again', () => {
	expect(packagesFit()).toBe(true);
});

describe('a Python environment', () => {
	/** The set-up's own code in a clone that has one requirements file, without a requirement in it. */
	async function inClone() {
		cpSync(join(root, 'scripts'), join(folder, 'scripts'), { recursive: true });
		mkdirSync(join(folder, 'tests/requirements'), { recursive: true });
		const list = join(folder, 'tests/requirements/empty.txt');
		writeFileSync(list, '# nothing\n');
		// The copy has the types of what it is a copy of.
		const python = (await import(pathToFileURL(join(folder, 'scripts/setup/python.mjs')).href)) as typeof Pythons;
		const [environment] = python.environments();
		if (environment === undefined) throw new Error('the requirements file was not found');
		return { python, environment, list };
	}

	test('is made once, and again only when its list changes, it is half made, or another Python is asked for', async () => {
		const { python, environment, list } = await inClone();
		expect(environment.folder).toBe(join(folder, '.cache/venv/empty'));
		const found = await python.findPython(process.env.CELLAR_PYTHON ?? null);
		if (found === null) throw new Error('the set-up should have brought a Python');
		expect(python.isReady(environment, null)).toBe(false);

		mkdirSync(join(environment.folder, 'lib'), { recursive: true });
		writeFileSync(join(environment.folder, 'lib/left-over'), 'of a set-up that was interrupted');
		await python.makeEnvironment(environment, found);
		expect(python.isReady(environment, null)).toBe(true);
		expect(python.isReady(environment, found)).toBe(true);
		expect(existsSync(join(environment.folder, 'lib/left-over'))).toBe(false);
		expect(python.isReady(environment, { executable: '/elsewhere/python3.13', version: '3.13.0' })).toBe(false);

		writeFileSync(list, '# nothing, still\n');
		expect(python.isReady(environment, null)).toBe(false);
		writeFileSync(list, '# nothing\n');
		expect(python.isReady(environment, null)).toBe(true);
		rmSync(join(environment.folder, '.complete.json'));
		expect(python.isReady(environment, null)).toBe(false);
	});

	test('is not ready once its interpreter is gone', async () => {
		const { python, environment } = await inClone();
		const found = await python.findPython(process.env.CELLAR_PYTHON ?? null);
		if (found === null) throw new Error('the set-up should have brought a Python');
		await python.makeEnvironment(environment, found);
		const inside = join(environment.folder, 'bin/python');
		rmSync(inside);
		symlinkSync('/gone/python3', inside);
		expect(python.isReady(environment, null)).toBe(false);
	});

	test('is not made with a Python that was asked for and does not fit', async () => {
		const { python } = await inClone();
		const old = join(folder, 'python');
		writeFileSync(old, '#!/bin/sh\necho 3 10 13 /usr/bin/python3.10\n', { mode: 0o755 });
		await expect(python.findPython(old)).rejects.toThrow('is not Python 3.11 to 3.14 with venv and ensurepip');
	});
});

describe('two set-ups in one clone', () => {
	test('the second waits for the first, and says for whom', async () => {
		const file = join(folder, 'cache/lock');
		// This process stands for the first set-up: a lock is its holder's until it is given back.
		const release = await takeLock(file, () => expect.unreachable());
		const waitedFor: number[] = [];
		const second = takeLock(file, (holder: number) => {
			waitedFor.push(holder);
			release();
		});
		(await second)();
		expect(waitedFor).toEqual([process.pid]);
		expect(existsSync(dirname(file))).toBe(true);
	});

	test('a lock that a dead process left behind holds nobody up', async () => {
		const dead = spawn('true');
		await new Promise((resolve) => dead.once('exit', resolve));
		const file = join(folder, 'lock');
		symlinkSync(String(dead.pid), file);
		(await takeLock(file, () => expect.unreachable()))();
	});
});
