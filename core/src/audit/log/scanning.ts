// Scans a compressed log on a thread of its own: started by threads.ts.
import { parentPort, workerData } from 'node:worker_threads';
import { errnoOf } from '../../model/index.ts';
import { batchIn, type Batch } from './batches.ts';
import { createScanner } from './scan.ts';
import { pushAll } from './source.ts';
import { slot, type FromScanner, type ScannerTask } from './threads.ts';

const { path, memory, turns } = workerData as ScannerTask; // what threads.ts gives it
const batches = memory.map(batchIn);
let current = 0;

const tell = (message: FromScanner) => parentPort?.postMessage(message, []);

/** Hands a batch to the reader, and waits until the next one is free. */
const next = (done: Batch): Batch => {
	Atomics.store(turns, current, slot.full);
	tell({ full: current, size: done.size });
	current = (current + 1) % batches.length;
	Atomics.wait(turns, current, slot.full);
	return batches[current]!;
};

const scanner = createScanner(batches[current]!, next);
try {
	const cut = await pushAll(path, (chunk) => scanner.push(chunk));
	tell({ left: scanner.end(), cut });
} catch (cause) {
	tell({ failed: cause instanceof Error ? cause : new Error(String(cause)), errno: errnoOf(cause) });
}
