import { dask } from './dask.ts';
import type { Engine } from './engine.ts';
import { taskvine } from './taskvine.ts';

/** Every engine whose workers are started by a command: a file and a line each. */
const engines: readonly Engine[] = [dask, taskvine];

/** The names that `--engine` takes. */
export const engineNames: readonly string[] = engines.map(({ name }) => name);

export function engineNamed(name: string): Engine | null {
	return engines.find((engine) => engine.name === name) ?? null;
}

/** Whether the worker that a command starts ends when who started it does. */
export function endsWithParent(argv: readonly string[]): boolean {
	return engines.some((engine) => engine.isWorker(argv) && engine.endsWithParent?.(argv) === true);
}

/** The engine whose worker a command starts; `worker` where that is not known. */
export function engineOfCommand(argv: readonly string[]): string {
	return engines.find((engine) => engine.isWorker(argv))?.name ?? 'worker';
}
