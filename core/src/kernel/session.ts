import { setTimeout as sleep } from 'node:timers/promises';
import { CellarError, type JsonObject, type StartedProcess, type Warning } from '../model/index.ts';
import { openChannels, type Channel } from './channels.ts';
import type { Connection } from './connection.ts';
import { newMessageId, type Message, type Said } from './messages.ts';
import { gatherOutputs } from './outputs.ts';
import { awaitReady } from './ready.ts';
import {
	hearOwn,
	hearProbe,
	isOutput,
	isOver,
	newRunning,
	statusOf,
	type Cause,
	type ExecuteOptions,
	type Execution,
	type Running,
} from './running.ts';
import type { Kernelspec } from './specs/kernelspecs.ts';
import { watchProcess } from './watch.ts';

/** One live kernel, which runs one piece of code at a time. */
export interface Session {
	/** `python`, `R`, …, as the kernel says. */
	readonly language: string;
	/** `ipython`, `IRkernel`, …, as the kernel says. */
	readonly implementation: string;
	/** The kernel's `language_info`: what a notebook's metadata keep of it. */
	readonly languageInfo: JsonObject;
	/**
	 * Runs code as a notebook's cell is run, with nobody to answer an `input()`. As nbclient does, blank code is not sent to the
	 * kernel, and what the code's own tasks say after its end is no output (but warned of). A kernel that dies is no error.
	 */
	execute(code: string, options: ExecuteOptions): Promise<Execution>;
	/** Interrupts what is running, as the kernelspec wants it; the execution then ends as `interrupted`. Nothing where nothing runs. */
	interrupt(): Promise<void>;
	/**
	 * Interrupts what runs, asks the kernel to end, and kills it when it has not after `graceMs`; with 0 kills it at once. What a
	 * kernel that ended by itself has left behind is not touched: that is up to whoever started its process.
	 */
	shutdown(graceMs: number): Promise<void>;
	[Symbol.asyncDispose](): Promise<void>;
}

export interface SessionOptions {
	readonly connection: Connection;
	readonly process: StartedProcess;
	readonly spec: Pick<Kernelspec, 'interruptMode'>;
	/** How long the kernel may take until it answers, in milliseconds. */
	readonly startTimeoutMs: number;
	/** How long code that was interrupted for its timeout may take to end, in milliseconds; 5000 where not given. */
	readonly interruptGraceMs?: number;
	/** Hears what the user should know and what stops nothing, each kind once an execution; null where it belongs to none. */
	readonly onWarning?: (warning: Warning, execution: number | null) => void;
}

/** How long a kernel may take to shut down and code to end after an interrupt, in milliseconds, unless said otherwise. */
const defaultGraceMs = 5000;
/** How long the second half of an end is waited for in silence before the kernel is asked whether it was lost, in milliseconds. */
const probeMs = 2000;

/**
 * Opens a session with a kernel that was started with this connection: waits until it answers and is heard on every channel.
 * Where that fails the kernel is killed.
 *
 * @throws CellarError CELLAR_KERNEL_DIED (with the kernel's last words) where it ends, or has not answered in time;
 *   CELLAR_NO_IPYKERNEL where its last words say so; CELLAR_MESSAGE_UNSIGNED where all that came was signed by another key
 * @see https://jupyter-client.readthedocs.io/en/stable/messaging.html
 */
export async function openSession(options: SessionOptions): Promise<Session> {
	const { process } = options;
	const graceMs = options.interruptGraceMs ?? defaultGraceMs;
	const watch = watchProcess(process);
	const outputs = gatherOutputs();
	/** Which execution a request was made for. */
	const requests = new Map<string, number>();
	const warned = new Set<string>();
	const heard: { count: number; onIopub: boolean; info: KernelInfo | null; stranger: CellarError | null } = {
		count: 0,
		onIopub: false,
		info: null,
		stranger: null,
	};
	let running: Running | null = null;
	let executions = 0;
	let closing: Promise<void> | null = null;
	/** The request to shut down that the kernel has not answered. */
	let farewell: string | null = null;

	const warn = (code: string, message: string, execution: number | null): void => {
		const kind = `${code} ${execution}`;
		if (warned.has(kind)) return;
		warned.add(kind);
		options.onWarning?.({ code, message }, execution);
	};

	const hear = (channel: Channel, { parent, said }: Message): void => {
		const execution = (parent === null ? null : requests.get(parent)) ?? null;
		if (said.type === 'input_request') {
			warn(
				'CELLAR_INPUT_REFUSED',
				`nobody can answer ${JSON.stringify(said.prompt)}: what asked for it was interrupted`,
				execution,
			);
			if (running) stop(running, 'refused');
		} else if (running && parent === running.id && !(running.idle && channel === 'iopub')) {
			hearOwn(running, said, outputs);
		} else if (running && parent === running.probe && hearProbe(running, said)) {
			// An interrupt may hit the kernel's own code, which then says less: that is no news to whoever asked for it.
			const what = "the kernel's word that a cell had ended was lost, and perhaps outputs with it";
			if (running.cause === null) warn('CELLAR_MESSAGE_LOST', what, running.execution);
		} else if (isOutput(said) && execution !== null) {
			warn('CELLAR_LATE_OUTPUT', 'output that came after the end of its cell is not kept, as by jupyter execute', execution);
		}
	};

	const channels = openChannels(options.connection, {
		take(channel, message) {
			heard.count += 1;
			heard.onIopub ||= channel === 'iopub';
			if (message.said.type === 'kernel_info_reply') heard.info ??= message.said;
			if (channel === 'shell' && message.parent === farewell) farewell = null;
			hear(channel, message);
			watch.stir();
		},
		dropped(channel, error) {
			heard.stranger ??= error;
			warn(error.code, `${error.message} (${channel}); it was dropped`, running?.execution ?? null);
		},
		failed: (error) => watch.fail(error),
	});

	const sendInterrupt = async (run: Running): Promise<void> => {
		// Until the code has begun an interrupt has no effect: ipykernel ignores SIGINT while it is idle.
		if ((await watch.until(() => run.began || isOver(run), graceMs / 2)) === 'ended' || isOver(run)) return;
		if (options.spec.interruptMode === 'signal') process.interrupt();
		else await channels.send('control', 'interrupt_request', {});
	};

	/** Makes code end: by an interrupt and, where we ourselves want the end, by a kill when that was not enough. */
	const stop = (run: Running, cause: Cause): void => {
		run.cause ??= cause;
		const enforce = async (): Promise<void> => {
			await sendInterrupt(run);
			if (cause === 'interrupted' || (await watch.until(() => isOver(run), graceMs)) !== 'late') return;
			run.killed = true;
			await process.kill();
		};
		enforce().catch((error: unknown) => watch.fail(error));
	};

	/** Where a half of the end stays away, asks the kernel something: its answers come after what is missing, or that was lost. */
	const probe = async (run: Running): Promise<void> => {
		await watch.until(() => run.replied !== null || run.idle, null);
		let silence: 'met' | 'ended' | 'late' = 'met';
		while (silence === 'met' && !isOver(run)) {
			const before = heard.count;
			silence = await watch.until(() => heard.count !== before, probeMs);
		}
		if (silence !== 'late') return;
		run.probe = newMessageId();
		await channels.send('shell', 'kernel_info_request', {}, run.probe);
	};

	const runOut = async (run: Running, code: string): Promise<Execution['status']> => {
		if (watch.ended || closing) return 'died';
		const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false, stop_on_error: false };
		await channels.send('shell', 'execute_request', content, run.id);
		probe(run).catch((error: unknown) => watch.fail(error));
		const { timeoutSeconds } = run.options;
		const limit = timeoutSeconds === null ? null : timeoutSeconds * 1000;
		if ((await watch.until(() => isOver(run), limit)) === 'late') {
			stop(run, 'timed out');
			await watch.until(() => isOver(run), null);
		}
		return statusOf(run, closing !== null);
	};

	const askToEnd = async (waitMs: number): Promise<void> => {
		const request = newMessageId();
		const content = { restart: false };
		farewell = request;
		if (running) {
			// A kernel at work hears control alone.
			running.cause ??= 'interrupted';
			await sendInterrupt(running);
			await channels.send('control', 'shutdown_request', content, request);
			return;
		}
		// Asked on control, ipykernel 7 now and then waits 10 s for itself: its control thread still flushes stdout when its main
		// thread is gone. Asked on shell, one thread does both.
		await channels.send('shell', 'shutdown_request', content, request);
		if ((await watch.until(() => farewell === null, waitMs / 4)) !== 'late') return;
		await channels.send('control', 'shutdown_request', content, newMessageId());
	};

	const shutdown = async (waitMs: number): Promise<void> => {
		let over = watch.ended;
		try {
			if (waitMs > 0 && !over && !watch.failed) {
				const enough = sleep(waitMs, false, { ref: false });
				await Promise.race([askToEnd(waitMs), enough]);
				over = await Promise.race([process.ended.then(() => true), enough]);
			}
		} finally {
			if (!over) await process.kill();
			// What the kernel said last belongs to the code that was running.
			if (running && !watch.failed) await watch.until(() => running === null, null);
			channels.close();
		}
	};

	const close = async (waitMs: number): Promise<void> => {
		// Who cannot wait any longer need not wait for a shutdown that goes on already.
		if (closing && waitMs === 0 && !watch.ended) await process.kill();
		await (closing ??= shutdown(waitMs));
	};

	try {
		await awaitReady({ channels, watch, process, timeoutMs: options.startTimeoutMs, heard });
	} catch (error) {
		await close(0);
		throw error;
	}
	const info = heard.info ?? { implementation: '', languageInfo: {} };
	const { name: language }: JsonObject = info.languageInfo;

	return {
		language: typeof language === 'string' ? language : '',
		implementation: info.implementation,
		languageInfo: info.languageInfo,
		async execute(code, given) {
			if (running) throw new CellarError('CELLAR_INTERNAL', 'the kernel was given code while it runs other code');
			executions += 1;
			if (code.trim() === '') return { status: 'ok', outputs: [], executionCount: null };
			const run = newRunning(executions, given);
			requests.set(run.id, run.execution);
			running = run;
			try {
				const status = await runOut(run, code);
				for (const execution of run.earlier) given.onEarlier?.(execution, outputs.of(execution));
				return { status, outputs: outputs.of(run.execution), executionCount: run.count };
			} finally {
				outputs.close(run.execution);
				running = null;
			}
		},
		async interrupt() {
			if (running) stop(running, 'interrupted');
		},
		shutdown: close,
		[Symbol.asyncDispose]: () => close(defaultGraceMs),
	};
}

type KernelInfo = Extract<Said, { type: 'kernel_info_reply' }>;
