import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CellarError, type CellNames } from '../model/index.ts';
import { namesReader } from './languages/index.ts';
import { loadAnalyser, type Analyser } from './python/analyser.ts';

/**
 * What the sources of cells name, each by itself: read from their text, never run.
 *
 * @returns null for a language that is not read yet
 * @throws CellarError CELLAR_NO_ADDRESS_SPACE
 */
export async function namesIn(sources: readonly string[], language: string): Promise<readonly CellNames[] | null> {
	if (language.toLowerCase() === 'python') return await pythonNames(sources);
	const read = namesReader(language);
	return read === null ? null : sources.map(read);
}

/** The same of Python. @throws CellarError CELLAR_NO_ADDRESS_SPACE */
export async function pythonNames(sources: readonly string[]): Promise<readonly CellNames[]> {
	let analyser: Analyser;
	try {
		analyser = await loadAnalyser();
	} catch (cause) {
		if (!(cause instanceof RangeError)) throw cause;
		return await namesApart(sources);
	}
	return sources.map((source) => analyser.cell(source));
}

const program = fileURLToPath(new URL('./python/apart.js', import.meta.url));

/**
 * The same, read by a Node that reserves no more memory than it uses: which it does is settled when it starts. Batch systems limit the address space
 * of a job by the memory that it asked for.
 */
async function namesApart(sources: readonly string[]): Promise<readonly CellNames[]> {
	const reader = fork(program, { execArgv: ['--disable-wasm-trap-handler'], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
	try {
		// Where it could not begin, its end says so.
		reader.send([...sources], () => undefined);
		const ended = once(reader, 'exit').then(([code]) => Promise.reject(new Error(`the reader of cells ended with ${code}`)));
		const [names] = await Promise.race([once(reader, 'message'), ended]);
		return names as readonly CellNames[]; // what apart.ts sends
	} catch (cause) {
		throw new CellarError(
			'CELLAR_NO_ADDRESS_SPACE',
			'what reads the code of cells gets no memory under this limit of address space',
			{ hint: 'raise the limit (ulimit -v), or ask the batch system for more memory', cause },
		);
	} finally {
		reader.kill();
	}
}
