import { basename, dirname, join } from 'node:path';
import type { Engine } from './engine.ts';
import { heard } from './heard.ts';

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
	// It tells its status to whoever asks by HTTP, when its program next waits for tasks. That may take as long as the program goes on:
	// whatever else listens closes the connection when it ends.
	async contactOf({ address, port }, { connect }) {
		const host = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address;
		const socket = connect(host, port);
		socket.write('GET /manager_status HTTP/1.1\r\n\r\n');
		return (await heard(socket, ['workers_connected', 'tasks_waiting'], null)) ? `${host}:${port}` : null;
	},
	command(contact, { program, canRun }) {
		const at = contact.lastIndexOf(':');
		// conda brings it beside the Python that has the manager.
		const beside = join(dirname(program), workerProgram);
		// Without --single-shot it goes on when its manager has ended, and works for whoever listens on that port next.
		const options = ['--single-shot', '--cores', '1'];
		return [canRun(beside) ? beside : workerProgram, ...options, contact.slice(0, at), contact.slice(at + 1)];
	},
};
