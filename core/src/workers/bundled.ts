import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { errnoOf } from '../model/index.ts';

/** What `cellar worker bundle` puts beside the code that it takes with it: `bundled.json`. */
const bundledSchema = v.object({
	format: v.literal(1),
	/** The program that stands for strace; seen from this file. */
	tracer: v.string(),
	/** The run for which it was made. */
	ticket: v.nullable(v.unknown()),
});

export interface Bundled {
	/** Absolute. */
	readonly tracer: string;
	/** The run for which it was made, as it stands there; null where it was made for none. */
	readonly ticket: unknown;
}

/** What a bundle says of itself; null where this is none. */
export function bundled(): Bundled | null {
	let text: string;
	try {
		text = readFileSync(new URL('./bundled.json', import.meta.url), 'utf8');
	} catch (error) {
		if (errnoOf(error) === 'ENOENT') return null;
		throw error;
	}
	const { tracer, ticket } = v.parse(v.pipe(v.string(), v.parseJson(), bundledSchema), text);
	return { tracer: fileURLToPath(new URL(tracer, import.meta.url)), ticket };
}

/** How long a bundle may take to say its version, in milliseconds. */
const patienceMs = 60_000;

/** Starts a program of a bundle with an environment that has nothing, to see whether it starts. @returns what it said where it did not */
export function tryStart(program: string, args: readonly string[]): Promise<string | null> {
	return new Promise((done) => {
		const options = { env: {}, cwd: '/', timeout: patienceMs, encoding: 'utf8' as const };
		execFile('/bin/sh', [program, ...args], options, (error, stdout, stderr) => {
			done(error === null ? null : `${stderr}${stdout}`.trim() || error.message);
		});
	});
}
