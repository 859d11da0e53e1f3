import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { CellarError } from '../model/index.ts';

/** Where a kernel's five sockets are, and the key that its messages are signed with. */
export interface Connection {
	readonly transport: 'tcp' | 'ipc';
	/** The address for tcp; for ipc the path that `-1` … `-5` are appended to. */
	readonly ip: string;
	readonly ports: Readonly<Record<'shell' | 'iopub' | 'stdin' | 'control' | 'heartbeat', number>>;
	readonly key: string;
}

/** `sun_path` holds 108 bytes, the last of which is 0 (unix(7)). */
const longestSocketPath = 107;

/**
 * Writes a connection file for one kernel, readable by its owner alone, under a name of its own.
 *
 * @param options.folder where the file goes, and the sockets of ipc; made where it is missing. Whoever made it removes it
 * @param options.ipcPrefix ipc only: the prefix by which the *kernel* knows the sockets, where it sees `folder` at another
 *   place (a sandbox). The file then names this prefix, and `connection` the one to connect to from here
 * @returns `insideFile` is where the kernel sees the file: `file` itself where there is no `ipcPrefix`
 * @throws CellarError CELLAR_USAGE where a socket's path would be longer than the system can take
 * @see https://jupyter-client.readthedocs.io/en/stable/kernels.html#connection-files
 */
export async function createConnection(options: {
	readonly transport: 'tcp' | 'ipc';
	readonly folder: string;
	readonly ipcPrefix?: string;
}): Promise<{ readonly file: string; readonly insideFile: string; readonly connection: Connection }> {
	const folder = resolve(options.folder);
	await mkdir(folder, { recursive: true, mode: 0o700 });
	const file = join(folder, `kernel-${randomUUID()}.json`);
	const key = randomBytes(32).toString('hex');
	const inside = options.ipcPrefix ?? null;
	const outside = join(folder, inside === null ? `k${randomBytes(2).toString('hex')}` : basename(inside));
	const ip = options.transport === 'tcp' ? '127.0.0.1' : outside;
	if (options.transport === 'ipc') for (const prefix of [outside, inside ?? outside]) checkLength(prefix);
	const [shell, iopub, stdin, control, heartbeat] = options.transport === 'tcp' ? await freePorts(ip) : [1, 2, 3, 4, 5];
	const connection: Connection = { transport: options.transport, ip, ports: { shell, iopub, stdin, control, heartbeat }, key };
	const written = {
		transport: options.transport,
		ip: options.transport === 'ipc' && inside !== null ? inside : ip,
		shell_port: shell,
		iopub_port: iopub,
		stdin_port: stdin,
		control_port: control,
		hb_port: heartbeat,
		key,
		signature_scheme: 'hmac-sha256',
		kernel_name: '',
	};
	await writeFile(file, `${JSON.stringify(written, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
	const insideFile = options.transport === 'ipc' && inside !== null ? join(dirname(inside), basename(file)) : file;
	return { file, insideFile, connection };
}

/** The ZeroMQ address of one of a kernel's sockets. */
export function addressOf(connection: Connection, socket: keyof Connection['ports']): string {
	const port = connection.ports[socket];
	return connection.transport === 'tcp' ? `tcp://${connection.ip}:${port}` : `ipc://${connection.ip}-${port}`;
}

function checkLength(prefix: string): void {
	if (Buffer.byteLength(prefix) + 2 <= longestSocketPath) return;
	throw new CellarError('CELLAR_USAGE', `the path of a socket would be too long: ${prefix}-1`, {
		hint: `choose a folder for temporary files (TMPDIR) with a path under ${longestSocketPath - basename(prefix).length - 3} bytes`,
	});
}

type FivePorts = readonly [number, number, number, number, number];

/** Five ports that nobody listens on: held together, so that they differ, then let go for the kernel to take. */
async function freePorts(host: string): Promise<FivePorts> {
	const hold = (): Promise<{ server: Server; port: number }> =>
		new Promise((settle, fail) => {
			const server = createServer();
			server.once('error', fail);
			server.listen(0, host, () => {
				const address = server.address();
				if (address === null || typeof address === 'string') fail(new Error(`no port on ${host}`));
				else settle({ server, port: address.port });
			});
		});
	const held = await Promise.all([hold(), hold(), hold(), hold(), hold()]);
	await Promise.all(held.map(({ server }) => new Promise((settle) => server.close(settle))));
	const [a, b, c, d, e] = held;
	return [a.port, b.port, c.port, d.port, e.port];
}
