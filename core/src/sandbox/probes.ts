import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { CellarError } from '../model/index.ts';
import { makeLayer } from './layer.ts';
import { findProgram, run } from './process.ts';
import type { Probe, Sandboxed, SandboxOptions } from './runner.ts';

const installBubblewrap = 'sudo apt-get install bubblewrap, or without root: conda install -c conda-forge bubblewrap';
const openContainer = 'in a container: start it with --security-opt seccomp=unconfined --security-opt systempaths=unconfined';

/** Whether this user may make a user namespace, in which mounting is allowed. Really makes one. */
export async function probeUserNamespaces(env: NodeJS.ProcessEnv = process.env): Promise<Probe> {
	const unshare = findProgram('unshare', env);
	const found = `Linux ${release()}`;
	if (unshare === null) {
		return { status: 'missing', found: null, reason: 'unshare is not installed', mend: 'sudo apt-get install util-linux' };
	}
	const made = await run([unshare, '-Urm', '/bin/sh', '-c', 'true'], env);
	if (made.code === 0) return { status: 'ok', found, reason: null, mend: null };
	return { status: 'refused', found, ...whyNoNamespace(made.stderr.trim()) };
}

/** The settings that forbid user namespaces, in the order in which the kernel asks them. */
function whyNoNamespace(words: string): { reason: string; mend: string } {
	if (setting('kernel/unprivileged_userns_clone') === '0') {
		return {
			reason: `user namespaces are kept for root (kernel.unprivileged_userns_clone=0): ${words}`,
			mend: 'sudo sysctl kernel.unprivileged_userns_clone=1',
		};
	}
	// The kernel answers "no space" where the number of namespaces is used up or 0, also that of an outer namespace.
	if (setting('user/max_user_namespaces') === '0' || words.includes('No space left on device')) {
		return {
			reason: `no more user namespaces are allowed (user.max_user_namespaces): ${words}`,
			mend: 'sudo sysctl user.max_user_namespaces=15000',
		};
	}
	if (setting('kernel/apparmor_restrict_unprivileged_userns') === '1') {
		return {
			reason: `AppArmor keeps user namespaces for programs with a profile (kernel.apparmor_restrict_unprivileged_userns=1): ${words}`,
			mend: 'sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0',
		};
	}
	return { reason: `user namespaces are refused: ${words}`, mend: openContainer };
}

function setting(name: string): string | null {
	const path = `/proc/sys/${name}`;
	return existsSync(path) ? readFileSync(path, 'utf8').trim() : null;
}

/** Whether an overlay can be written to `folder` in a user namespace. Really mounts one. Where it is refused, the root is copied instead. */
export async function probeOverlay(folder: string = tmpdir(), env: NodeJS.ProcessEnv = process.env): Promise<Probe> {
	const namespaces = await probeUserNamespaces(env);
	if (namespaces.status !== 'ok') return namespaces;
	mkdirSync(folder, { recursive: true });
	const lower = mkdtempSync(`${folder}/probe-`);
	try {
		const layer = await makeLayer({ root: lower, work: folder, wanted: 'overlay', folders: [], env });
		layer.remove();
		return { status: 'ok', found: `overlay, Linux ${release()}`, reason: null, mend: null };
	} catch (error) {
		if (!(error instanceof CellarError)) throw error;
		return {
			status: 'refused',
			found: `Linux ${release()}`,
			reason: `${folder}: ${error.message}`,
			mend: 'needs Linux 5.11 or later and a local disk (ext4, xfs, btrfs); until then a repeat copies the image, which takes time and space',
		};
	} finally {
		rmSync(lower, { recursive: true, force: true });
	}
}

/** Whether bubblewrap is there and may set a sandbox up. Really runs `true` in one that shows this machine. */
export async function probeBubblewrap(env: NodeJS.ProcessEnv = process.env): Promise<Probe> {
	const bwrap = findProgram('bwrap', env);
	if (bwrap === null) return { status: 'missing', found: null, reason: 'bubblewrap is not installed', mend: installBubblewrap };
	const version = (await run([bwrap, '--version'], env)).stdout.trim() || bwrap;
	const namespaces = await probeUserNamespaces(env);
	if (namespaces.status !== 'ok') return { ...namespaces, found: version };
	const outer = [
		'unshare',
		'-Urm',
		bwrap,
		'--unshare-all',
		'--unshare-user',
		'--ro-bind',
		'/',
		'/',
		'--proc',
		'/proc',
		'--dev',
		'/dev',
	];
	const tried = await run([...outer, '--', '/bin/sh', '-c', 'true'], env);
	if (tried.code === 0) return { status: 'ok', found: version, reason: null, mend: null };
	return {
		status: 'refused',
		found: version,
		reason: tried.stderr.trim() || `bubblewrap ended with ${tried.code}`,
		mend: openContainer,
	};
}

/** Where programs and libraries are on this machine: all that `true` needs. */
const systemFolders = ['/usr', '/bin', '/lib', '/lib32', '/lib64', '/nix', '/gnu'];

/** Runs `true` through the runner's own way, on an empty root that is shown this machine's programs. */
export async function probeRunner(
	env: NodeJS.ProcessEnv,
	start: (options: SandboxOptions, env: NodeJS.ProcessEnv) => Promise<Sandboxed>,
): Promise<Probe> {
	const parts = await probeBubblewrap(env);
	if (parts.status !== 'ok') return parts;
	const folder = mkdtempSync(`${tmpdir()}/cellar-probe-`);
	mkdirSync(`${folder}/root`);
	try {
		const binds = systemFolders.filter((path) => existsSync(path)).map((path) => ({ from: path, to: path, writable: false }));
		const who = { uid: 0, gid: 0, user: 'root', hostname: 'probe', home: '/root', cwd: '/' };
		const what = { root: `${folder}/root`, work: folder, argv: ['/bin/sh', '-c', 'true'], env: {}, network: false, binds };
		await using sandbox = await start({ ...who, ...what }, env);
		const { code } = await sandbox.ended;
		if (code === 0)
			return { ...parts, found: `${parts.found}, ${sandbox.layer === 'overlay' ? 'overlay' : 'copies of the image'}` };
		return {
			status: 'refused',
			found: parts.found,
			reason: sandbox.lastWords().trim() || `it ended with ${code}`,
			mend: openContainer,
		};
	} catch (error) {
		if (!(error instanceof CellarError)) throw error;
		return { status: 'refused', found: parts.found, reason: error.message, mend: error.hint ?? openContainer };
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}
