import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse, serialize } from '../../core/src/kernel/messages.ts';

const key = 'a key';

/** A message as a kernel sends it: routing parts, the delimiter, the signature, four parts that are signed, and buffers. */
function fromKernel(type: string, content: unknown, by = key): Buffer[] {
	const parts = [{ msg_id: 'm', msg_type: type }, { msg_id: 'p' }, {}, content].map((part) => Buffer.from(JSON.stringify(part)));
	const hmac = createHmac('sha256', by);
	for (const part of parts) hmac.update(part);
	return [Buffer.from('topic'), Buffer.from('<IDS|MSG>'), Buffer.from(hmac.digest('hex')), ...parts, Buffer.from('a buffer')];
}

test('what is said, by whom it was asked for, and nothing else comes out of a signed message', () => {
	expect(parse(fromKernel('stream', { name: 'stdout', text: 'ä\n', more: 1 }), key)).toEqual({
		id: 'm',
		parent: 'p',
		said: { type: 'stream', name: 'stdout', text: 'ä\n' },
	});
});

test('a display id counts where it is one: null, and a transient that is null, are none', () => {
	const idOf = (transient: unknown): unknown => {
		const { said } = parse(fromKernel('display_data', { data: {}, metadata: {}, transient }), key);
		return 'shown' in said ? said.shown.displayId : 'nothing shown';
	};
	expect([{ display_id: 'd' }, { display_id: null }, {}, null, undefined].map(idOf)).toEqual(['d', null, null, null, null]);
});

test('a type that nobody listens to is taken for what it is, even one named like a property of every object', () => {
	for (const type of ['comm_open', 'iopub_welcome', 'toString', '__proto__']) {
		expect(parse(fromKernel(type, {}), key).said).toEqual({ type: 'other', name: type });
	}
});

test('a request has the signature that a kernel expects', () => {
	const request = { type: 'execute_request', content: { code: '1' }, id: 'i', session: 's', key };
	const frames = serialize(request);
	expect(frames).toHaveLength(6);
	const said = parse(frames, key);
	expect(said).toEqual({ id: 'i', parent: null, said: { type: 'other', name: 'execute_request' } });
	expect(JSON.parse(String(frames[2]))).toMatchObject({ session: 's', version: '5.3', msg_type: 'execute_request' });
});

test('a message by another key is refused before it is read', () => {
	expect(() => parse(fromKernel('stream', 'not even an object', 'another key'), key)).toThrow(
		expect.objectContaining({ code: 'CELLAR_MESSAGE_UNSIGNED' }),
	);
});

test('property: one changed byte in what is signed, or in the signature, and the message is refused', () => {
	const frames = fromKernel('stream', { name: 'stdout', text: 'text' });
	fc.assert(
		fc.property(fc.integer({ min: 2, max: 6 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (frame, at, change) => {
			const changed = frames.map((part) => Buffer.from(part));
			const part = changed[frame]!;
			const place = at % part.length;
			part[place] = part[place]! ^ change;
			expect(() => parse(changed, key)).toThrow(expect.objectContaining({ code: 'CELLAR_MESSAGE_UNSIGNED' }));
		}),
	);
});

test('property: frames that are not a message are refused, whatever they are', () => {
	const frame = fc.oneof(
		fc.uint8Array().map((bytes) => Buffer.from(bytes)),
		fc.constant(Buffer.from('<IDS|MSG>')),
	);
	fc.assert(
		fc.property(fc.array(frame, { maxLength: 8 }), (frames) => {
			expect(() => parse(frames, key)).toThrow(expect.objectContaining({ code: 'CELLAR_MESSAGE_UNSIGNED' }));
		}),
	);
});

test('a signed message that is not of the protocol is told apart from a forged one', () => {
	for (const content of [{ name: 'stdout' }, [], null, 'text']) {
		expect(() => parse(fromKernel('stream', content), key)).toThrow(expect.objectContaining({ code: 'CELLAR_MESSAGE_BROKEN' }));
	}
});
