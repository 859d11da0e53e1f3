import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { batchIn, batchSize } from './batches.ts';
import type { BatchReader } from './reader.ts';
import type { LeftOver } from './scan.ts';

/** What the scanner's thread is given. */
export interface ScannerTask {
	readonly path: string;
	/** Of each batch. */
	readonly memory: readonly SharedArrayBuffer[];
	/** Whose turn each batch is. */
	readonly turns: Int32Array;
}

export const slot = { free: 0, full: 1 } as const;

/** What it says. A batch is told when it is full; the last that it says is how the log ended. */
export type FromScanner =
	| { readonly full: number; readonly size: number }
	| { readonly left: LeftOver; readonly cut: boolean }
	| { readonly failed: Error; readonly errno: string | null };

const program = new URL('./scanning.js', import.meta.url);
/** So many batches may wait for the reader. */
const batchCount = 8;
/** The scanner keeps numbers outside of its heap. */
const limits = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

/** Whether a log can be scanned on a thread of its own: not where this code runs from its source. */
export const hasThreads = existsSync(fileURLToPath(program));

/**
 * Reads a log that another thread scans meanwhile.
 *
 * @param meanwhile see `readLog`
 * @returns true where what was compressed is cut
 * @throws what reading the file throws
 */
export async function readBeside(path: string, reader: BatchReader, meanwhile: () => boolean = () => false): Promise<boolean> {
	const memory = Array.from({ length: batchCount }, () => new SharedArrayBuffer(batchSize));
	const turns = new Int32Array(new SharedArrayBuffer(batchCount * Int32Array.BYTES_PER_ELEMENT));
	const batches = memory.map(batchIn);
	const workerData: ScannerTask = { path, memory, turns };
	const scanner = new Worker(program, { workerData, resourceLimits: limits });
	const arrived: FromScanner[] = [];
	let wake = (): void => undefined;
	const arrive = (message: FromScanner) => {
		arrived.push(message);
		wake();
	};
	scanner.on('message', arrive);
	scanner.on('error', (failed) => arrive({ failed, errno: null }));
	scanner.on('exit', () => arrive({ failed: new Error('the thread that scans the log has ended'), errno: null }));
	const next = async (): Promise<FromScanner> => {
		// Whoever waits for a timer or a signal has a turn between any two batches.
		await setImmediate();
		while (arrived.length === 0) {
			if (meanwhile()) await setImmediate();
			else await new Promise<void>((resolve) => (wake = resolve));
		}
		return arrived.shift()!;
	};
	try {
		for (;;) {
			const said = await next();
			if ('full' in said) {
				const batch = batches[said.full]!;
				batch.size = said.size;
				reader.take(batch);
				Atomics.store(turns, said.full, slot.free);
				Atomics.notify(turns, said.full);
			} else if ('left' in said) {
				reader.end(said.left);
				return said.cut;
			} else throw said.errno === null ? said.failed : Object.assign(new Error(said.failed.message), { code: said.errno });
		}
	} finally {
		await scanner.terminate();
	}
}
