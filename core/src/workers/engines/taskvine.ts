import { accessSync, constants } from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import type { Engine } from './engine.ts';

const workerProgram = 'vine_worker';

/**
 * TaskVine's `vine_worker`: its tasks are told by the folders that it makes (docs/tracing.md), not by marks.
 *
 * @see https://cctools.readthedocs.io/en/stable/man_pages/vine_worker/
 */
export const taskvine: Engine = {
	name: 'taskvine',
	isWorker: (words) => basename(words[0] ?? '') === workerProgram,
	// As a factory starts it.
	endsWithParent: (words) => words.includes('--parent-death'),
	async contactOf({ address, port }) {
		const host = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address;
		return (await isManager(host, port)) ? `${host}:${port}` : null;
	},
	command(contact, { program }) {
		const at = contact.lastIndexOf(':');
		// conda brings it beside the Python that has the manager.
		const beside = join(dirname(program), workerProgram);
		return [canRun(beside) ? beside : workerProgram, '--cores', '1', contact.slice(0, at), contact.slice(at + 1)];
	},
};

function canRun(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}

/** No status is longer before it says how many workers there are. */
const longest = 1 << 16;

/**
 * Whether a manager of TaskVine's listens there: it tells its status to whoever asks by HTTP, when its program next waits for tasks.
 * That may take as long as the program goes on: whatever else listens closes the connection when it ends.
 */
function isManager(host: string, port: number): Promise<boolean> {
	return new Promise((done) => {
		const socket = connect({ host, port }, () => socket.write('GET /manager_status HTTP/1.1\r\n\r\n'));
		let heard = '';
		const end = (found: boolean) => {
			socket.destroy();
			done(found);
		};
		socket.on('data', (bytes) => {
			heard += bytes.toString('latin1');
			if (heard.includes('workers_connected') && heard.includes('tasks_waiting')) end(true);
			else if (heard.length > longest) end(false);
		});
		socket.on('error', () => end(false));
		socket.on('close', () => end(false));
	});
}
