// Reads the source of Python cells in a process of its own, once, by messages: started by ../names.ts.
import { loadAnalyser } from './analyser.ts';

process.once('message', (message) => void answer(message as readonly string[])); // what names.ts sends

async function answer(sources: readonly string[]): Promise<void> {
	const analyser = await loadAnalyser();
	process.send?.(
		sources.map((source) => analyser.cell(source)),
		() => process.disconnect(),
	);
}
