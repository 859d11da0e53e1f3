import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runners } from '../../core/src/sandbox/index.ts';
import { giveToUser, storyAsUser } from './as-user.ts';
import { addPython, makeRoot, options, scratch } from './root.ts';
import { story } from './story.ts';
import { untilSaid } from './wait.ts';

const bubblewrap = runners[0]!;

/** Greets whoever connects to it, and ends after so many. */
const server = (times: number) => `
import socket
server = socket.create_server(("127.0.0.1", 4567))
open("/data/greeting", "w").write("well met")
print("ready", flush=True)
for n in range(${times}):
    connection, _ = server.accept()
    connection.sendall(open("/data/greeting").read().encode())
    connection.close()
`;
/** Hears the greeting, and leaves another. */
const visitor = `
import os, socket
heard = socket.create_connection(("127.0.0.1", 4567)).recv(100).decode()
open("/data/greeting", "w").write("greetings")
shm = os.listdir("/dev/shm")
print(heard, os.getpid() > 500, os.getuid(), os.getcwd(), os.uname().nodename, shm, os.environ.get("HOME"), open("/proc/self/status").read().split("CapEff:")[1].split()[0])
`;

test.each([
	['overlay', storyAsUser],
	['copy', story],
] as const)('a program that joins another shares its files and its network, and is who it is (%s)', async (layer, tell) => {
	const folder = scratch();
	const root = join(folder, 'root');
	makeRoot(root);
	const python = [addPython(root), '-I', '-c'];
	const o = {
		...options(root, join(folder, 'work'), [...python, server(3)], { layer }),
		besides: [
			[...python, visitor],
			[...python, visitor],
		],
		port: 4567,
	};
	if (tell === storyAsUser) giveToUser(folder);
	const told = await tell(o);
	const who = 'True 4321 /data vineyard [] /home/vera 0000000000000000';
	expect([told.code, ...told.beside]).toEqual([0, `0 well met ${who}`, `0 greetings ${who}`, 'greetings']);
	expect(told.written).toContain('/data/greeting: file "greetings"');
});

test('a program that joined ends when it is told to, and with the sandbox; nothing of it is reached from this machine', async () => {
	const folder = scratch();
	const root = join(folder, 'root');
	makeRoot(root);
	const python = [addPython(root), '-I', '-c'];
	const { beside, one, two } = await (async () => {
		await using sandbox = await bubblewrap.start(options(root, join(folder, 'work'), [...python, server(1)]));
		await untilSaid(sandbox, 'ready');
		const said = 'import time; print("ready", flush=True); time.sleep(600)';
		const [one, two] = [await sandbox.beside({ argv: [...python, said] }), await sandbox.beside({ argv: [...python, said] })];
		await untilSaid(one, 'ready');
		await untilSaid(two, 'ready');
		const refused = await new Promise((done) => connect(4567, '127.0.0.1').once('error', () => done(true)));
		expect(refused).toBe(true);
		expect(readFileSync(`/proc/${one.programPid}/cmdline`, 'latin1')).toContain('time.sleep');
		one.terminate();
		expect((await one.ended).code).toBe(143);
		await expect(sandbox.beside({ argv: ['no-such-program'] })).rejects.toMatchObject({ code: 'CELLAR_IMAGE_BROKEN' });
		return { beside: sandbox, one, two };
	})();
	await two.ended;
	for (const { programPid } of [one, two]) {
		while (isThere(programPid!)) await wait(10);
	}
	await expect(beside.beside({ argv: ['true'] })).rejects.toMatchObject({ code: 'CELLAR_NO_SANDBOX' });
});

function isThere(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}
