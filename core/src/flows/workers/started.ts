import { setTimeout as sleep } from 'node:timers/promises';
import { listeningOf, type Listening } from '../../audit/index.ts';
import type { Listener, StartedProcess, Warning } from '../../model/index.ts';
import type { Engine, Surroundings } from '../../workers/index.ts';
import { createAside } from '../run/aside.ts';
import type { Control } from '../run/control.ts';

/** Workers that are to be started for whatever manager a program turns out to be, or to start. */
export interface Starting {
	readonly engine: Engine;
	readonly count: number;
	/** The processes of the program that is, or starts, the manager. */
	readonly pids: () => Promise<readonly number[]>;
	readonly around: Surroundings;
	/** Ports on which it listens for us. */
	readonly own: ReadonlySet<number>;
	/** Starts one of them. */
	readonly start: (argv: readonly string[]) => Promise<StartedWorker>;
	readonly control: Control;
	readonly listen: Listener;
	readonly warn: (warning: Warning) => Promise<void>;
	/** Called where one cannot be started: what waits for it waits in vain. */
	readonly giveUp: () => void;
}

/** One worker that runs. */
export interface StartedWorker extends Pick<StartedProcess, 'ended' | 'kill' | 'lastWords'>, AsyncDisposable {
	/** Asks it to end. */
	terminate(): void;
	/** When it has ended: tells what it did. @param graceMs how long what it left behind may go on */
	report(graceMs: number): Promise<unknown>;
}

/** Workers that Cellar has started, or will. */
export interface StartedWorkers extends AsyncDisposable {
	/**
	 * To be called when the program has ended: ends the workers too, waits for what they report, and says what went wrong.
	 * @throws CellarError why one could not be started
	 */
	end(): Promise<void>;
}

/** Between two looks at where the program listens. */
const lookMs = 300;
/** How long a worker may take to end when its manager has; what goes on then is ended. With what that takes it is under 10 seconds. */
const endingMs = 5000;
const graceMs = 4000;

/** Looks where the program listens from now on, asks whether that is the manager, and starts the workers that it is to have. */
export function startWorkers(o: Starting): StartedWorkers {
	const stop = new AbortController();
	const aside = createAside();
	const workers: StartedWorker[] = [];
	const asked = new Set<string>();
	/** By how they are reached, their sockets: where one has ended, another may listen on its port. */
	const managers = new Map<string, string>();
	let listening: readonly Listening[] = [];
	const isThere = (contact: string) => listening.some(({ socket }) => socket === managers.get(contact));

	const watch = async (contact: string): Promise<void> => {
		const worker = await o.start(o.engine.command(contact, o.around)).catch((error: unknown) => {
			// Nobody waits for it any more, and what it was to join may be gone.
			if (stop.signal.aborted) return null;
			o.giveUp();
			throw error;
		});
		if (worker === null) return;
		workers.push(worker);
		if (stop.signal.aborted) worker.terminate();
		const { code, signal } = await worker.ended;
		const isFault = !stop.signal.aborted && code !== 0;
		await worker.report(stop.signal.aborted ? 0 : graceMs);
		if (isFault) await o.warn(failed(o.engine, worker, code === null ? `signal ${signal}` : `exit code ${code}`));
	};
	const ask = async ({ address, port, socket }: Listening): Promise<void> => {
		const contact = await o.engine.contactOf({ address, port }, o.around);
		if (contact === null || isThere(contact) || stop.signal.aborted) return;
		managers.set(contact, socket);
		o.listen({ type: 'step', what: `starting ${o.count} workers of ${o.engine.name} for ${contact}`, done: null, of: null });
		for (let n = 0; n < o.count; n++) aside.add(watch(contact));
	};
	const look = async (): Promise<void> => {
		while (!stop.signal.aborted) {
			listening = listeningOf(await o.pids());
			for (const one of listening) {
				if (asked.has(one.socket) || o.own.has(one.port)) continue;
				asked.add(one.socket);
				aside.add(ask(one));
			}
			await sleep(lookMs, undefined, { signal: stop.signal }).catch(() => undefined);
		}
	};
	const kill = () => workers.forEach((worker) => void worker.kill());
	o.control.kill.addEventListener('abort', kill, { once: true });
	aside.add(look());

	const ended = async (): Promise<void> => {
		stop.abort();
		for (const worker of workers) worker.terminate();
		const late = setTimeout(kill, endingMs);
		try {
			await aside.settled();
		} finally {
			clearTimeout(late);
			o.control.kill.removeEventListener('abort', kill);
		}
	};
	return {
		async end() {
			await ended();
			if (managers.size === 0) await o.warn(noManager(o.engine));
		},
		async [Symbol.asyncDispose]() {
			stop.abort();
			for (const worker of workers) await worker[Symbol.asyncDispose]();
			o.control.kill.removeEventListener('abort', kill);
			await aside.settled().catch(() => undefined);
		},
	};
}

function failed({ name }: Engine, worker: StartedWorker, how: string): Warning {
	const last = worker.lastWords().trim().split('\n').at(-1) ?? '';
	return {
		code: 'CELLAR_WORKER_FAILED',
		message: `a worker of ${name} ended before its run, with ${how}${last === '' ? '' : `: ${last}`}`,
	};
}

function noManager({ name }: Engine): Warning {
	const message = `nothing that the notebook started was seen to listen as a manager of ${name}: no worker was started`;
	return { code: 'CELLAR_NO_MANAGER', message };
}
