import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import * as v from 'valibot';
import { CellarError, type JsonObject, type MimeBundle } from '../model/index.ts';

/** The version of the wire protocol that our headers name. */
const protocol = '5.3';
const delimiter = Buffer.from('<IDS|MSG>');

/**
 * What a kernel says, by message type, as far as a session listens; every other type is `other`.
 *
 * @see https://jupyter-client.readthedocs.io/en/stable/messaging.html
 */
export type Said =
	| { readonly type: 'stream'; readonly name: string; readonly text: string }
	| { readonly type: 'display_data' | 'update_display_data'; readonly shown: Shown }
	| { readonly type: 'execute_result'; readonly shown: Shown; readonly count: number | null }
	| { readonly type: 'error'; readonly ename: string; readonly evalue: string; readonly traceback: readonly string[] }
	| { readonly type: 'clear_output'; readonly wait: boolean }
	| { readonly type: 'status'; readonly state: string }
	| { readonly type: 'execute_input'; readonly count: number | null }
	| { readonly type: 'execute_reply'; readonly status: string; readonly count: number | null }
	| { readonly type: 'kernel_info_reply'; readonly implementation: string; readonly languageInfo: JsonObject }
	| { readonly type: 'input_request'; readonly prompt: string }
	| { readonly type: 'other'; readonly name: string };

/** Something shown, in as many forms as the kernel could make of it. `displayId` lets a later message change it. */
export interface Shown {
	readonly data: MimeBundle;
	readonly metadata: JsonObject;
	readonly displayId: string | null;
}

export interface Message {
	readonly id: string;
	/** The id of the request that this answers or follows from; null for what a kernel says of its own accord. */
	readonly parent: string | null;
	readonly said: Said;
}

const header = v.object({ msg_id: v.string(), msg_type: v.string() });
const parentHeader = v.object({ msg_id: v.optional(v.nullable(v.string())) });
// Whatever JSON.parse gives is JSON: the guard only has to tell an object from the rest.
const json = v.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value));
const count = v.optional(v.nullable(v.number()), null);
const shown = v.pipe(
	v.object({
		data: v.optional(json, {}),
		metadata: v.optional(json, {}),
		transient: v.optional(v.nullable(v.object({ display_id: v.optional(v.nullable(v.string())) }))),
	}),
	v.transform(({ data, metadata, transient }): Shown => ({
		data,
		metadata,
		displayId: transient?.display_id ? transient.display_id : null,
	})),
);

/** How the content of each type that is listened to becomes what was said. */
const readers: Readonly<Record<string, (content: unknown) => Said>> = {
	stream: reader(v.object({ name: v.string(), text: v.string() }), (c) => ({ type: 'stream', ...c })),
	display_data: reader(shown, (c) => ({ type: 'display_data', shown: c })),
	update_display_data: reader(shown, (c) => ({ type: 'update_display_data', shown: c })),
	execute_result: (content) => ({
		type: 'execute_result',
		shown: v.parse(shown, content),
		count: v.parse(v.object({ execution_count: count }), content).execution_count,
	}),
	error: reader(v.object({ ename: v.string(), evalue: v.string(), traceback: v.array(v.string()) }), (c) => ({
		type: 'error',
		...c,
	})),
	clear_output: reader(v.object({ wait: v.optional(v.boolean(), false) }), (c) => ({ type: 'clear_output', ...c })),
	status: reader(v.object({ execution_state: v.string() }), (c) => ({ type: 'status', state: c.execution_state })),
	execute_input: reader(v.object({ execution_count: count }), (c) => ({ type: 'execute_input', count: c.execution_count })),
	execute_reply: reader(v.object({ status: v.string(), execution_count: count }), (c) => ({
		type: 'execute_reply',
		status: c.status,
		count: c.execution_count,
	})),
	kernel_info_reply: reader(
		v.object({ implementation: v.optional(v.string(), ''), language_info: v.optional(json, {}) }),
		(c) => ({ type: 'kernel_info_reply', implementation: c.implementation, languageInfo: c.language_info }),
	),
	input_request: reader(v.object({ prompt: v.optional(v.string(), '') }), (c) => ({ type: 'input_request', ...c })),
};

function reader<const S extends v.GenericSchema>(
	schema: S,
	make: (content: v.InferOutput<S>) => Said,
): (content: unknown) => Said {
	return (content) => make(v.parse(schema, content));
}

/** A request as frames to be sent, signed. `session` names the client, the same for all its requests; `id` is its own. */
export function serialize(request: {
	readonly type: string;
	readonly content: JsonObject;
	readonly id: string;
	readonly session: string;
	readonly key: string;
	readonly at?: Date;
}): Buffer[] {
	const head = {
		msg_id: request.id,
		msg_type: request.type,
		session: request.session,
		username: 'cellar',
		date: (request.at ?? new Date()).toISOString(),
		version: protocol,
	};
	const parts = [head, {}, {}, request.content].map((part) => Buffer.from(JSON.stringify(part)));
	return [delimiter, Buffer.from(sign(parts, request.key)), ...parts];
}

/** A new id for a request. */
export function newMessageId(): string {
	return randomUUID();
}

/**
 * The message in frames that came from a kernel's socket. Nothing is read from them before their signature is known to be right.
 *
 * @throws CellarError CELLAR_MESSAGE_UNSIGNED where the signature is missing or wrong, CELLAR_MESSAGE_BROKEN where a signed
 *   message is not what the protocol says
 */
export function parse(frames: readonly Buffer[], key: string): Message {
	const start = frames.findIndex((frame) => frame.equals(delimiter));
	const [signature, head, parent, metadata, content] = start < 0 ? [] : frames.slice(start + 1, start + 6);
	if (!signature || !head || !parent || !metadata || !content) {
		throw new CellarError('CELLAR_MESSAGE_UNSIGNED', `a message of ${frames.length} parts came that has no signature`);
	}
	const right = Buffer.from(sign([head, parent, metadata, content], key));
	if (signature.length !== right.length || !timingSafeEqual(signature, right)) {
		throw new CellarError('CELLAR_MESSAGE_UNSIGNED', "a message came whose signature is not by this kernel's key");
	}
	let type = 'unknown';
	try {
		const heading = v.parse(header, read(head));
		type = heading.msg_type;
		const said = Object.hasOwn(readers, type) ? readers[type]?.(read(content)) : undefined;
		return {
			id: heading.msg_id,
			parent: v.parse(parentHeader, read(parent)).msg_id ?? null,
			said: said ?? { type: 'other', name: type },
		};
	} catch (cause) {
		throw new CellarError('CELLAR_MESSAGE_BROKEN', `the kernel sent a message (${type}) that is not of the Jupyter protocol`, {
			cause,
		});
	}
}

function read(frame: Buffer): unknown {
	return JSON.parse(frame.toString('utf8'));
}

function sign(parts: readonly Buffer[], key: string): string {
	const hmac = createHmac('sha256', key);
	for (const part of parts) hmac.update(part);
	return hmac.digest('hex');
}
