import { readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { addressOf } from '../../core/src/kernel/connection.ts';
import { createConnection } from '../../core/src/kernel/index.ts';
import { scratch } from './live.ts';

const sockets = ['shell', 'iopub', 'stdin', 'control', 'heartbeat'] as const;

test('a connection file is readable by its owner alone, in a folder that only the owner can enter', async () => {
	using folder = scratch();
	const { file, insideFile } = await createConnection({ transport: 'tcp', folder: join(folder.path, 'new', 'c') });
	expect(statSync(file).mode & 0o777).toBe(0o600);
	expect(statSync(join(folder.path, 'new', 'c')).mode & 0o777).toBe(0o700);
	expect(insideFile).toBe(file);
});

test('over tcp it names five ports of this machine that nobody listens on, and a key that is never the same', async () => {
	using folder = scratch();
	const { file, connection } = await createConnection({ transport: 'tcp', folder: folder.path });
	const other = await createConnection({ transport: 'tcp', folder: folder.path });
	const written = JSON.parse(readFileSync(file, 'utf8'));
	expect(written).toMatchObject({ transport: 'tcp', ip: '127.0.0.1', key: connection.key, signature_scheme: 'hmac-sha256' });
	expect(connection.key).toMatch(/^[0-9a-f]{64}$/);
	expect(connection.key).not.toBe(other.connection.key);
	expect(new Set(Object.values(connection.ports)).size).toBe(5);
	for (const socket of sockets) {
		expect(addressOf(connection, socket)).toBe(`tcp://127.0.0.1:${connection.ports[socket]}`);
		const refused = new Promise((settle) => connect(connection.ports[socket], '127.0.0.1').once('error', settle));
		expect(await refused).toMatchObject({ code: 'ECONNREFUSED' });
	}
});

test('over ipc a kernel in a sandbox knows the sockets by one path and we by another', async () => {
	using folder = scratch();
	const made = await createConnection({ transport: 'ipc', folder: folder.path, ipcPrefix: '/run/cellar/k' });
	expect(JSON.parse(readFileSync(made.file, 'utf8'))).toMatchObject({ transport: 'ipc', ip: '/run/cellar/k', shell_port: 1 });
	expect(made.insideFile).toBe(made.file.replace(folder.path, '/run/cellar'));
	expect(addressOf(made.connection, 'iopub')).toBe(`ipc://${folder.path}/k-2`);
});

test('a socket path that the system would cut off is refused with the length that fits', async () => {
	using folder = scratch();
	const long = join(folder.path, 'x'.repeat(100));
	await expect(createConnection({ transport: 'ipc', folder: long })).rejects.toMatchObject({ code: 'CELLAR_USAGE' });
	const fitting = join(folder.path, 'x'.repeat(107 - folder.path.length - '//k0000-1'.length));
	const { connection } = await createConnection({ transport: 'ipc', folder: fitting });
	expect(Buffer.byteLength(addressOf(connection, 'shell'))).toBe('ipc://'.length + 107);
});
