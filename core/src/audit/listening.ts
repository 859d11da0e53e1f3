import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { errnoOf } from '../model/index.ts';

/** Where a process accepts connections by TCP. */
export interface Listening {
	readonly pid: number;
	/** As a number of its kind is written: `127.0.0.1`, `::1`; `0.0.0.0` and `::` for every address of the machine. */
	readonly address: string;
	readonly port: number;
	/** By which one that listens there later is told from it. */
	readonly socket: string;
}

/**
 * Where processes accept connections now, by their sockets in /proc: what a program binds need not name the
 * port that it gets.
 *
 * @see proc_pid_net(5): `/proc/PID/net/tcp`
 */
export function listeningOf(pids: readonly number[]): readonly Listening[] {
	return pids.flatMap((pid) => {
		const own = new Set(linksIn(`/proc/${pid}/fd`).flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
		if (own.size === 0) return [];
		return ['tcp', 'tcp6'].flatMap((kind) =>
			textOf(`/proc/${pid}/net/${kind}`)
				.split('\n')
				.map((line) => line.trim().split(/\s+/))
				.flatMap((fields) => {
					const [address = '', port = ''] = (fields[1] ?? '').split(':');
					// State 0A is LISTEN; the tenth field is the socket's inode.
					const socket = fields[9] ?? '';
					if (fields[3] !== '0A' || !own.has(socket)) return [];
					return [{ pid, address: addressOf(address), port: Number.parseInt(port, 16), socket }];
				}),
		);
	});
}

/** The kernel writes an address as 32-bit words of the machine's own order. */
function addressOf(hex: string): string {
	const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex')].toReversed());
	if (bytes.length === 4) return bytes.join('.');
	if (bytes.every((byte) => byte === 0)) return '::';
	const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
	if (mapped) return bytes.slice(12).join('.');
	const words = Array.from({ length: 8 }, (_, n) => ((bytes[2 * n]! << 8) | bytes[2 * n + 1]!).toString(16));
	return words.slice(0, 7).every((word) => word === '0') ? `::${words[7]}` : words.join(':');
}

function linksIn(folder: string): string[] {
	return unlessGone([], () => readdirSync(folder).map((name) => unlessGone('', () => readlinkSync(`${folder}/${name}`))));
}

function textOf(path: string): string {
	return unlessGone('', () => readFileSync(path, 'latin1'));
}

/** Processes and descriptors come and go between two looks. */
function unlessGone<T>(nothing: T, look: () => T): T {
	try {
		return look();
	} catch (error) {
		if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'EINVAL'].includes(errnoOf(error) ?? '')) return nothing;
		throw error;
	}
}
