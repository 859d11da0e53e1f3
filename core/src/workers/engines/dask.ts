import { basename } from 'node:path';
import type { Engine } from './engine.ts';
import { heard } from './heard.ts';

/** Dask's: `dask worker`, `dask-worker`, `python -m dask worker`, `python -m distributed.cli.dask_worker`. */
export const dask: Engine = {
	name: 'dask',
	isWorker(words) {
		const at = words.findIndex((word) => ['dask', 'dask-worker', 'distributed.cli.dask_worker'].includes(basename(word)));
		return at >= 0 && (basename(words[at]!) !== 'dask' || words[at + 1] === 'worker');
	},
	async contactOf({ address, port }, o) {
		const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
		// It speaks first and says which pickles it can read, as all of Dask's do: others are left in peace after that.
		if (!(await heard(o.connect(host, port), ['pickle-protocol'], greetingMs))) return null;
		const contact = `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`;
		// Its workers and clients listen too.
		const kind = await o.said([o.program, '-c', identity, contact]);
		return kind.split('\n').includes('Scheduler') ? contact : null;
	},
	command: (contact, { program }) => [program, '-m', 'distributed.cli.dask_worker', contact, '--nthreads', '1', '--no-dashboard'],
};

/** How long what listens may take to say its first word; milliseconds. */
const greetingMs = 2000;

/** Asks a server of Dask's for its kind, by Dask's own protocol. */
const identity = `
import asyncio, sys
from distributed.core import rpc

async def main():
    async with rpc(sys.argv[1]) as server:
        print((await server.identity())["type"])

asyncio.run(main())
`;
