import { execFileSync } from 'node:child_process';
import {
	chmodSync,
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	realpathSync,
	rmSync,
	statSync,
	symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { SandboxOptions } from '../../core/src/sandbox/index.ts';

/** A folder that is gone after the test, also where the test closed parts of it. */
export function scratch(): string {
	const folder = mkdtempSync(join(tmpdir(), 'cellar-sandbox-test-'));
	chmodSync(folder, 0o755);
	onTestFinished(() => {
		rmSync(folder, { recursive: true, force: true });
	});
	return folder;
}

const tools = [
	'sh',
	'cat',
	'chmod',
	'echo',
	'env',
	'id',
	'ln',
	'ls',
	'mkdir',
	'mv',
	'readlink',
	'rm',
	'rmdir',
	'sleep',
	'stat',
	'touch',
	'true',
];

/** Makes `root` a small tree that can run a shell: real programs of this machine with the libraries that `ldd` names. */
export function makeRoot(root: string): void {
	mkdirSync(join(root, 'usr/bin'), { recursive: true });
	symlinkSync('usr/bin', join(root, 'bin'));
	const paths = tools.map(found);
	tools.forEach((tool, at) => copy(paths[at] ?? tool, join(root, 'usr/bin', tool)));
	addLibraries(root, paths);
}

/** Adds this machine's `python3` with its own library whole, at its own path. @returns that path */
export function addPython(root: string): string {
	const ask = 'import sys, sysconfig; print(sys.executable, sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))';
	const [program = '', ...libraries] = execFileSync('python3', ['-I', '-c', ask], { encoding: 'utf8' }).trim().split(' ');
	const executable = realpathSync(program);
	copy(executable, join(root, executable));
	addLibraries(root, [executable]);
	const unneeded = new Set(['test', 'tests', 'idlelib', 'lib2to3', 'ensurepip', 'turtledemo', 'site-packages', 'dist-packages']);
	for (const library of new Set(libraries)) {
		cpSync(library, join(root, library), {
			recursive: true,
			preserveTimestamps: true,
			dereference: true,
			filter: (path) => !unneeded.has(basename(path)) && !basename(path).startsWith('config-') && existsSync(path),
		});
		const extensions = join(library, 'lib-dynload');
		if (existsSync(extensions))
			addLibraries(
				root,
				readdirSync(extensions).map((name) => join(extensions, name)),
			);
	}
	return executable;
}

function addLibraries(root: string, programs: readonly string[]): void {
	const listed = execFileSync(
		'ldd',
		programs.filter((path) => statSync(path).isFile()),
		{ encoding: 'utf8' },
	);
	for (const [, path = ''] of listed.matchAll(/(?:=> |^\s+)(\/\S+) \(/gm)) copy(path, join(root, path));
}

function copy(from: string, to: string): void {
	if (existsSync(to)) return;
	mkdirSync(dirname(to), { recursive: true });
	cpSync(realpathSync(from), to, { preserveTimestamps: true });
}

function found(tool: string): string {
	return execFileSync('sh', ['-c', `command -v "$1" | grep / || echo /bin/"$1"`, 'sh', tool], { encoding: 'utf8' }).trim();
}

/** Options for a program in `root`, run by nobody in particular. */
export function options(root: string, work: string, argv: readonly string[], more: Partial<SandboxOptions> = {}): SandboxOptions {
	return {
		root,
		work,
		argv,
		env: { PATH: '/usr/bin:/bin', HOME: '/home/vera' },
		cwd: '/data',
		home: '/home/vera',
		uid: 4321,
		gid: 4322,
		user: 'vera',
		hostname: 'vineyard',
		network: false,
		binds: [],
		...more,
	};
}
