// Reads the source of Python cells in a process of its own: a message with all of them is answered by one of what they name.
import { loadAnalyser } from './analyser.ts';

process.once('message', (message) => void answer(message as readonly string[])); // what it is asked with (`readerApart`)

async function answer(sources: readonly string[]): Promise<void> {
	const analyser = await loadAnalyser();
	process.send?.(
		sources.map((source) => analyser.cell(source)),
		() => process.disconnect(),
	);
}
