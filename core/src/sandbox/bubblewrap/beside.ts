import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { Duplex } from 'node:stream';
import { CellarError } from '../../model/index.ts';
import { script, type Layer } from '../layer.ts';
import { findProgram, run, startProcess } from '../process.ts';
import type { Command, Sandboxed, SandboxedProcess, SandboxOptions } from '../runner.ts';
import { bubblewrapOptions, writeArguments, type Places } from './arguments.ts';
import { cannotStart, follow, type Followed } from './follow.ts';

/** A sandbox that others may join. */
interface Joined {
	readonly options: SandboxOptions;
	readonly places: Places;
	readonly program: Followed;
	readonly layer: Layer;
	readonly bwrap: string;
	/** Where the tools are looked for. */
	readonly env: NodeJS.ProcessEnv;
	/** Those that have joined, and run. */
	readonly others: Set<SandboxedProcess>;
}

/** Joins a sandbox from outside: the mounts of its layer and its network are those of the first program, all else is new. */
export function besideOf(o: Joined): Pick<Sandboxed, 'beside' | 'connect' | 'pids'> {
	let joined = 0;
	/** What begins a command in the namespaces that hold the layer, in the network of the program, and where a process counts pids. */
	const joining = (mounts: boolean, counting?: number): readonly string[] | null => {
		const nsenter = findProgram('nsenter', o.env);
		const holders = o.program.holders();
		if (nsenter === null || holders === null) return null;
		const { inner, outer } = holders;
		return [
			...[nsenter, '--preserve-credentials', `--user=/proc/${outer}/ns/user`],
			...(mounts ? [`--mount=/proc/${outer}/ns/mnt`] : []),
			...(counting === undefined ? [] : [`--pid=/proc/${counting}/ns/pid`]),
			...(o.options.network ? [] : [`--net=/proc/${inner}/ns/net`]),
			'--',
		];
	};
	return {
		async beside({ argv, launch }) {
			const join = joining(true);
			if (join === null) throw await cannotStart(o.env, 'the sandbox that is to be joined has ended, or nsenter is missing');
			const folder = mkdtempSync(`${o.layer.folder}/beside-`);
			// The network is the one that was joined.
			const { words } = bubblewrapOptions({ ...o.options, network: true }, o.layer.merged, o.places);
			writeArguments(folder, words);
			const command: Command = {
				argv: [...join, '/bin/sh', script, folder, 'beside', String(launch ? 0 : process.pid), o.bwrap, ...argv],
				cwd: folder,
				env: { PATH: o.env['PATH'] ?? '', LC_ALL: 'C' },
			};
			const started = await (launch ?? startProcess)(command);
			const begin = (init: number) => beginAt(folder, firstPid(++joined), joining(false, init) ?? [], o.env);
			const program = await follow(started, { folder, program: argv[0] ?? '', env: o.env, begin });
			o.others.add(program);
			void program.ended.finally(() => o.others.delete(program));
			return program;
		},
		pids: () => (o.program.programPid === null ? [] : inNamespaceOf(o.program.programPid)),
		connect(host, port) {
			const join = joining(false);
			if (join === null) throw new CellarError('CELLAR_NO_SANDBOX', 'the sandbox has ended, or nsenter is missing');
			const [nsenter = '', ...words] = join;
			const child = spawn(nsenter, [...words, process.execPath, '-e', pipe, host, String(port)], {
				stdio: ['pipe', 'pipe', 'ignore'],
			});
			const both = Duplex.from({ readable: child.stdout, writable: child.stdin });
			both.once('close', () => void child.kill());
			child.once('error', (error) => both.destroy(error));
			return both;
		},
	};
}

/** Programs that share folders name files by their pids: those of each that joins begin elsewhere. */
function firstPid(joined: number): number {
	const most = Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8'));
	return Math.floor((most / mostJoined) * (joined % mostJoined));
}

/** Of more than so many, two may begin at the same pid. */
const mostJoined = 32;

/**
 * Lets a program that waits in its sandbox begin, with a pid of its own. Where the kernel does not let us choose, it begins as it is.
 *
 * @see proc_sys_kernel(5): `ns_last_pid`
 */
async function beginAt(folder: string, pid: number, join: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
	await run([...join, '/bin/sh', '-c', `echo ${pid} > /proc/sys/kernel/ns_last_pid`], env);
	writeFileSync(`${folder}/go`, 'x');
}

/** The processes that count their pids as one of them does. @see pid_namespaces(7) */
function inNamespaceOf(pid: number): number[] {
	const namespace = linkOr(`/proc/${pid}/ns/pid`);
	if (namespace === null) return [];
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name) && linkOr(`/proc/${name}/ns/pid`) === namespace)
		.map(Number);
}

/** Where a link leads; null where it is gone, or another user's. */
function linkOr(path: string): string | null {
	try {
		return readlinkSync(path);
	} catch {
		return null;
	}
}

/** What Node runs in the network inside: its own streams are the connection's. */
const pipe = `
const [host, port] = process.argv.slice(1);
const socket = require('node:net').connect({ host, port: Number(port) });
socket.on('error', () => process.exit(1)).on('close', () => process.exit(0));
process.stdin.on('error', () => {}).pipe(socket).pipe(process.stdout);
`;
