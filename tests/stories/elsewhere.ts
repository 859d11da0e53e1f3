import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { addPython, makeRoot } from '../sandbox/root.ts';
import type { Place } from './cellar.ts';

/** Another host: a name, processes and files of its own; neither Node nor strace, but a shell and Debian's Python. */
export interface Host {
	readonly name: string;
	/** Its root, from here. */
	readonly root: string;
	/** Its `/job`, from here, which is where its programs run. */
	readonly work: string;
	/** Its Python. */
	readonly python: string;
	/** Runs a program there to its end, with `PATH=/usr/bin` and what is given. */
	run(command: readonly string[], options?: HostOptions): HostSaid;
	/** Starts one. Killed, all of the host's processes are gone with it, as at a power cut. */
	start(command: readonly string[], options?: HostOptions): { readonly ended: Promise<HostSaid>; powerOff(): void };
}

interface HostOptions {
	/** Folders of this machine by their paths there. */
	readonly binds?: Readonly<Record<string, string>>;
	readonly env?: Readonly<Record<string, string>>;
	/** The working folder there; `/job` where none is given. */
	readonly cwd?: string;
	/** Who runs it there. */
	readonly uid?: number;
}

interface HostSaid {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

/** Where the bundle lies there, in a folder whose name has blanks. */
export const bundleThere = "/opt/a bundle's";
export const workerThere = `${bundleThere}/cellar-worker`;

export function makeHost(place: Place, name: string): Host {
	const root = join(place.folder, name);
	const work = join(root, 'job');
	makeRoot(root);
	const python = addPython(root);
	for (const folder of ['job', 'tmp', 'proc', 'dev', 'opt']) mkdirSync(join(root, folder), { recursive: true });
	const words = (command: readonly string[], { binds = {}, env = {}, cwd = '/job', uid = 0 }: HostOptions) => [
		...['--unshare-user', '--unshare-pid', '--unshare-uts', '--unshare-ipc', '--hostname', name, '--die-with-parent'],
		...['--uid', String(uid), '--gid', String(uid), '--bind', root, '/', '--proc', '/proc', '--dev', '/dev'],
		...Object.entries(binds).flatMap(([there, here]) => ['--bind', here, there]),
		...['--chdir', cwd, '--clearenv', '--setenv', 'PATH', '/usr/bin'],
		...Object.entries(env).flatMap(([key, value]) => ['--setenv', key, value]),
		...command,
	];
	return {
		...{ name, root, work, python },
		run(command, options = {}) {
			const { status, stdout, stderr } = spawnSync('bwrap', words(command, options), { encoding: 'utf8' });
			return { code: status, stdout, stderr };
		},
		start(command, options = {}) {
			const child = spawn('bwrap', words(command, options), { stdio: ['ignore', 'pipe', 'pipe'] });
			let [stdout, stderr] = ['', ''];
			child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
			child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
			return {
				ended: new Promise((done) => child.on('close', (code) => done({ code, stdout, stderr }))),
				powerOff: () => void child.kill('SIGKILL'),
			};
		},
	};
}

/** A program of Python's that reads `0.txt` and `1.txt` in two tasks of a pool. */
export const poolOfTwo = `
from multiprocessing import Pool
def task(name): return open(name).read()
if __name__ == '__main__':
    with Pool(2) as pool: print(*pool.map(task, ['0.txt', '1.txt'], chunksize=1))
`;
