import { expect, test } from 'vitest';
import { live } from './live.ts';

// The other side is odd-kernel.py: Jupyter's own Session, made to go wrong in one way at a time.

test('nothing of the first cell is lost to a kernel that is heard late: it is asked again until its iopub speaks', async () => {
	await using kernel = await live({ odd: ['deaf', '4'] });
	expect(kernel.session).toMatchObject({ language: 'orders', implementation: 'odd' });
	expect(await kernel.run('reply long before the outputs')).toMatchObject({ outputs: [{ text: 'late but in time' }] });
});

test('a cell is over when the kernel has replied and is idle, in whichever order the two come', async () => {
	await using kernel = await live({ odd: ['plain'] });
	expect(await kernel.run('reply long before the outputs')).toMatchObject({
		status: 'ok',
		outputs: [{ text: 'late but in time' }],
	});
	expect(await kernel.run('idle long before the reply')).toMatchObject({ status: 'ok', outputs: [{ text: 'early' }] });
	expect(kernel.warnings).toEqual([]);
});

test('a lost reply or a lost idle ends in a warning, and not in a wait without end', async () => {
	await using kernel = await live({ odd: ['plain'] });
	for (const code of ['lose the idle', 'lose the reply']) {
		expect(await kernel.run(code)).toMatchObject({ status: 'ok', outputs: [{ text: 'kept' }] });
	}
	expect(kernel.warnings.map(({ code, execution }) => [code, execution])).toEqual([
		['CELLAR_MESSAGE_LOST', 1],
		['CELLAR_MESSAGE_LOST', 2],
	]);
});

test('a message with a wrong signature is dropped and told', async () => {
	await using kernel = await live({ odd: ['plain'] });
	expect(await kernel.run('let another sign')).toMatchObject({ status: 'ok', outputs: [{ text: 'right right' }] });
	expect(kernel.warnings).toMatchObject([{ code: 'CELLAR_MESSAGE_UNSIGNED', execution: 1 }]);
});

test('a kernel whose every message is signed by another key is not taken for ours', async () => {
	await expect(live({ odd: ['forger'], startTimeoutMs: 3000 })).rejects.toMatchObject({
		code: 'CELLAR_MESSAGE_UNSIGNED',
		message: expect.stringContaining('signature'),
	});
});

test('a message that is not of the protocol is dropped and told; one of an unknown type is passed over', async () => {
	await using kernel = await live({ odd: ['plain'] });
	expect(await kernel.run('say what no protocol knows')).toMatchObject({ status: 'ok', outputs: [{ text: 'after it' }] });
	expect(kernel.warnings.map(({ code }) => code)).toEqual(['CELLAR_MESSAGE_BROKEN']);
});

test('a kernel that wants its interrupts as messages gets them so', async () => {
	await using kernel = await live({ odd: ['plain'], spec: { interruptMode: 'message' } });
	expect(await kernel.run('ask all the same')).toMatchObject({ status: 'error', outputs: [{ ename: 'Interrupted' }] });
	expect(kernel.warnings).toMatchObject([{ code: 'CELLAR_INPUT_REFUSED', execution: 1 }]);
});
