import { dask } from './dask.ts';
import type { Engine } from './engine.ts';

/** Every engine whose workers are started by a command: a file and a line each. */
const engines: readonly Engine[] = [dask];

/** The names that `--engine` takes. */
export const engineNames: readonly string[] = engines.map(({ name }) => name);

export function engineNamed(name: string): Engine | null {
	return engines.find((engine) => engine.name === name) ?? null;
}

/** The engine whose worker a command starts; `worker` where that is not known. */
export function engineOfCommand(argv: readonly string[]): string {
	return engines.find((engine) => engine.isWorker(argv))?.name ?? 'worker';
}
