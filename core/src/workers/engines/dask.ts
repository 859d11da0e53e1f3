import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { basename } from 'node:path';
import type { Engine, Surroundings } from './engine.ts';

/** Dask's: `dask worker`, `dask-worker`, `python -m dask worker`, `python -m distributed.cli.dask_worker`. */
export const dask: Engine = {
	name: 'dask',
	isWorker(words) {
		const at = words.findIndex((word) => ['dask', 'dask-worker', 'distributed.cli.dask_worker'].includes(basename(word)));
		return at >= 0 && (basename(words[at]!) !== 'dask' || words[at + 1] === 'worker');
	},
	async contactOf({ address, port }, o) {
		const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
		if (!(await greets(host, port))) return null;
		const contact = `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`;
		// Its workers and clients listen too.
		return (await said([...python(o), '-c', identity, contact], o)) === 'Scheduler' ? contact : null;
	},
	command: (contact, o) => [...python(o), '-m', 'distributed.cli.dask_worker', contact, '--nthreads', '1', '--no-dashboard'],
};

const python = ({ program }: Surroundings) => [program];

/** How long what listens may take to say its first word, and to say what it is; milliseconds. */
const greetingMs = 2000;
const answerMs = 30_000;
/** No greeting of Dask's is longer. */
const longest = 1 << 16;

/** Asks a server of Dask's for its kind, by Dask's own protocol. */
const identity = `
import asyncio, sys
from distributed.core import rpc

async def main():
    async with rpc(sys.argv[1]) as server:
        print((await server.identity())["type"])

asyncio.run(main())
`;

/** Whether the server speaks first and says which pickles it can read, as all of Dask's do: others are left in peace after that. */
function greets(host: string, port: number): Promise<boolean> {
	return new Promise((done) => {
		const socket = connect({ host, port });
		let heard = '';
		const end = (found: boolean) => {
			socket.destroy();
			done(found);
		};
		socket.setTimeout(greetingMs, () => end(false));
		socket.on('data', (bytes) => {
			heard += bytes.toString('latin1');
			if (heard.includes('pickle-protocol')) end(true);
			else if (heard.length > longest) end(false);
		});
		socket.on('error', () => end(false));
		socket.on('end', () => end(false));
	});
}

/** What a command prints, without blanks around it; nothing where it fails. */
function said(command: readonly string[], { cwd, env }: Surroundings): Promise<string> {
	const [program = '', ...words] = command;
	return new Promise((done) => {
		const child = spawn(program, words, { cwd, env, stdio: ['ignore', 'pipe', 'ignore'], timeout: answerMs });
		let text = '';
		child.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()));
		child.once('error', () => done(''));
		child.once('close', () => done(text.trim()));
	});
}
