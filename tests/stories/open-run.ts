import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Place, Started } from './cellar.ts';
import { runUnderWay } from './external.ts';

interface RunDocument {
	readonly workers: readonly {
		readonly id: string;
		readonly engine: string;
		readonly log: string;
		readonly tasks: number | null;
	}[];
	readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/** A run that goes on until it is ended. */
export interface OpenRun extends AsyncDisposable {
	readonly run: string;
	readonly end: () => Promise<RunDocument>;
}

export async function openRun(place: Place): Promise<OpenRun> {
	const audit = place.start(['audit', '--json', '--', 'sh', '-c', 'until [ -e go ]; do sleep 0.1; done']);
	const run = await runUnderWay(place);
	const go = () => writeFileSync(join(place.folder, 'go'), '');
	return {
		run,
		end: async () => {
			go();
			const said = await audit.ended;
			expect(said.code, said.stderr).toBe(0);
			return said.json<RunDocument>();
		},
		async [Symbol.asyncDispose]() {
			go();
			await audit.ended;
		},
	};
}

/** A worker of the run that has begun, and waits to be let go. @param then what it does after that, in sh */
export async function startHeld(place: Place, run: string, then = ':'): Promise<Started> {
	const waits = `echo ready >&2; until [ -e later ]; do sleep 0.1; done; ${then}`;
	const worker = place.start(['worker', '--run', run, '--', 'sh', '-c', waits]);
	await worker.said('ready');
	return worker;
}

export function letGo(place: Place): void {
	writeFileSync(join(place.folder, 'later'), '');
}
