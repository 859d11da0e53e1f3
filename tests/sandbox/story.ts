import { readFileSync } from 'node:fs';
import { fsPath } from '../../core/src/model/index.ts';
import { runners, type SandboxOptions } from '../../core/src/sandbox/index.ts';

/** What became of one program in a sandbox. */
export interface Story {
	readonly code: number | null;
	readonly words: string;
	readonly layer: string;
	/** `path: kind`, with the text of files; ` (was there)` where the root held something. */
	readonly written: readonly string[];
}

/** Runs a program in a sandbox to its end and tells all of it. */
export async function story(options: SandboxOptions): Promise<Story> {
	const [bubblewrap] = runners;
	if (bubblewrap === undefined) throw new Error('no runner');
	await using sandbox = await bubblewrap.start(options);
	const { code } = await sandbox.ended;
	const written = (await sandbox.written()).map(({ path, kind, existed, hostPath }) => {
		const text = kind === 'file' && hostPath !== null ? ` ${JSON.stringify(readFileSync(fsPath(hostPath), 'utf8'))}` : '';
		return `${path}: ${kind}${text}${existed ? ' (was there)' : ''}`;
	});
	return { code, words: sandbox.lastWords(), layer: sandbox.layer, written };
}
