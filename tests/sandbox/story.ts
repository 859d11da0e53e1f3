import { readFileSync } from 'node:fs';
import { fsPath } from '../../core/src/model/index.ts';
import { runners, type Sandboxed, type SandboxOptions } from '../../core/src/sandbox/index.ts';
import { untilSaid } from './wait.ts';

/** What became of one program in a sandbox. */
export interface Story {
	readonly code: number | null;
	readonly words: string;
	/** Of each that joined: its exit code and its words. */
	readonly beside: readonly string[];
	readonly layer: string;
	/** `path: kind`, with the text of files; ` (was there)` where the root held something. */
	readonly written: readonly string[];
}

/** A program, and perhaps others that join it one after the other, each when the one before has ended, once it has said `ready`. */
export interface Told extends SandboxOptions {
	readonly besides?: readonly (readonly string[])[];
	/** A port inside: what is heard there, from outside, is the last of `beside`. */
	readonly port?: number;
}

/** Runs a program in a sandbox to its end and tells all of it. */
export async function story(options: Told): Promise<Story> {
	const [bubblewrap] = runners;
	if (bubblewrap === undefined) throw new Error('no runner');
	await using sandbox = await bubblewrap.start(options);
	const beside: string[] = [];
	if (options.besides !== undefined || options.port !== undefined) await untilSaid(sandbox, 'ready');
	for (const argv of options.besides ?? []) {
		const other = await sandbox.beside({ argv });
		beside.push(`${(await other.ended).code} ${other.lastWords().trim()}`);
	}
	if (options.port !== undefined) beside.push(await heard(sandbox, options.port));
	const { code } = await sandbox.ended;
	const written = (await sandbox.written()).map(({ path, kind, existed, hostPath }) => {
		const text = kind === 'file' && hostPath !== null ? ` ${JSON.stringify(readFileSync(fsPath(hostPath), 'utf8'))}` : '';
		return `${path}: ${kind}${text}${existed ? ' (was there)' : ''}`;
	});
	return { code, words: sandbox.lastWords(), beside, layer: sandbox.layer, written };
}

/** What a connection says until it is closed. */
async function heard(sandbox: Sandboxed, port: number): Promise<string> {
	let text = '';
	for await (const bytes of sandbox.connect('127.0.0.1', port)) text += String(bytes);
	return text;
}
