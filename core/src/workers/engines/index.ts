import { dask } from './dask.ts';
import type { Engine } from './engine.ts';

/** Every engine whose workers are started by a command. */
export const engines: readonly Engine[] = [dask];

/** The engine whose worker a command starts; `worker` where that is not known. */
export function engineOfCommand(argv: readonly string[]): string {
	return engines.find((engine) => engine.isWorker(argv))?.name ?? 'worker';
}
