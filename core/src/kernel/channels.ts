import { randomUUID } from 'node:crypto';
import { Dealer, Subscriber } from 'zeromq';
import { CellarError, type JsonObject } from '../model/index.ts';
import { addressOf, type Connection } from './connection.ts';
import { newMessageId, parse, serialize, type Message } from './messages.ts';

export type Channel = 'shell' | 'iopub' | 'control' | 'stdin';

/** The four sockets of one client of a kernel. They connect by themselves as soon as the kernel listens. */
export interface Channels {
	/** Sends a request; its id is what the answers to it name as their parent. */
	send(channel: 'shell' | 'control', type: string, content: JsonObject, id?: string): Promise<string>;
	close(): void;
}

/** Where a client's messages go. Called one at a time, in the order in which each channel brought them. */
export interface Listener {
	/** A message whose signature was right. */
	take(channel: Channel, message: Message): void;
	/** A message was dropped: CELLAR_MESSAGE_UNSIGNED or CELLAR_MESSAGE_BROKEN. */
	dropped(channel: Channel, error: CellarError): void;
	/** A channel cannot go on, or `take` threw. */
	failed(error: unknown): void;
}

/** How long a socket waits before it tries to connect again, in milliseconds: a kernel takes a second to listen. */
const retry = { reconnectInterval: 20, reconnectMaxInterval: 200 };

/** Connects to a kernel that is there, or that will be. */
export function openChannels(connection: Connection, listener: Listener): Channels {
	const session = randomUUID();
	// A kernel answers on stdin whoever asked on shell: one identity for both (the protocol's section on routing).
	const dealer = (): Dealer => new Dealer({ routingId: session, linger: 0, receiveHighWaterMark: 0, ...retry });
	// No high-water mark: above it, ZeroMQ would throw outputs away.
	const iopub = new Subscriber({ linger: 0, receiveHighWaterMark: 0, ...retry });
	const sockets = { shell: dealer(), control: dealer(), stdin: dealer(), iopub };
	iopub.subscribe();

	const listen = async (channel: Channel): Promise<void> => {
		for await (const frames of sockets[channel]) {
			let message: Message;
			try {
				message = parse(frames, connection.key);
			} catch (error) {
				if (!(error instanceof CellarError)) throw error;
				listener.dropped(channel, error);
				continue;
			}
			listener.take(channel, message);
		}
	};
	for (const channel of ['shell', 'control', 'stdin', 'iopub'] as const) {
		sockets[channel].connect(addressOf(connection, channel));
		listen(channel).catch((error: unknown) => listener.failed(error));
	}
	return {
		async send(channel, type, content, id = newMessageId()) {
			await sockets[channel].send(serialize({ type, content, id, session, key: connection.key }));
			return id;
		},
		close() {
			for (const socket of Object.values(sockets)) socket.close();
		},
	};
}
