import { onStderr } from './colour.ts';
import type { FlowEvent } from '@cellar/core';
import { clipped, seconds } from './text.ts';

export type ProgressMode = 'auto' | 'tty' | 'plain' | 'quiet';

/** Prints what a flow tells while it goes on, on stderr. */
export interface ProgressReporter {
	event(event: FlowEvent): void;
	/** Takes the live line away; nothing is printed after it. */
	close(): void;
}

/** `auto` is a live line in a terminal and a line a cell elsewhere. */
export function progressReporter(mode: ProgressMode, out: NodeJS.WriteStream): ProgressReporter {
	if (mode === 'quiet') return { event() {}, close() {} };
	return mode === 'tty' || (mode === 'auto' && out.isTTY)
		? liveReporter(out)
		: { event: (event) => write(out, line(event)), close() {} };
}

/** The same lines, and below them one that shows what is going on now, with its time. */
function liveReporter(out: NodeJS.WriteStream): ProgressReporter {
	let now: { text: string; since: number } | null = null;
	let shown = false;
	const clear = () => {
		if (shown) out.write('\r\u001B[K');
		shown = false;
	};
	const draw = () => {
		if (now === null) return;
		const text = `  … ${now.text}  ${seconds((performance.now() - now.since) / 1000)}`;
		out.write(`\r\u001B[K${clipped(text, (out.columns || 80) - 1)}`);
		shown = true;
	};
	const timer = setInterval(draw, 200);
	timer.unref();
	return {
		event(event) {
			clear();
			write(out, line(event));
			if (event.type === 'cell began')
				now = { text: `cell ${event.number} of ${event.of}  ${event.firstLine}`, since: performance.now() };
			else if (event.type === 'step') {
				const count = event.done === null ? '' : `  ${event.done}${event.of === null ? '' : ` of ${event.of}`}`;
				// A step that counts goes on being the same step: its clock is not set back.
				now = { text: event.what + count, since: now?.text.startsWith(event.what) ? now.since : performance.now() };
			} else if (event.type === 'run began' && event.notebook !== null)
				now = { text: 'starting the kernel', since: performance.now() };
			else if (event.type !== 'warning') now = null;
			draw();
		},
		close() {
			clearInterval(timer);
			clear();
			now = null;
		},
	};
}

function write(out: NodeJS.WriteStream, text: string | null): void {
	if (text !== null) out.write(`${text}\n`);
}

/** What stays on the page for an event; null for what only the live line shows. */
function line(event: FlowEvent): string | null {
	if (event.type === 'run began')
		return `${onStderr.bold('run')} ${event.run}${event.notebook === null ? '' : `  ${event.notebook}`}`;
	if (event.type === 'kernel ready')
		return `${onStderr.green('✓')} kernel ready  ${event.kernel}  ${onStderr.dim(seconds(event.seconds))}`;
	if (event.type === 'cell finished') {
		const { number, status } = event.result;
		const sign = status === 'finished' ? onStderr.green('✓') : onStderr.red('✗');
		return `${sign} cell ${number} of ${event.of}  ${status}  ${onStderr.dim(seconds(event.result.seconds))}`;
	}
	if (event.type === 'warning') return `${onStderr.yellow('!')} ${event.warning.message}  ${onStderr.dim(event.warning.code)}`;
	if (event.type === 'run ended') return `${onStderr.bold(`run ${event.status}`)}  ${onStderr.dim(seconds(event.seconds))}`;
	return null;
}
