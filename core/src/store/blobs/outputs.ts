import { createHash } from 'node:crypto';
import type { CellOutput, CellResult, Json, OutputFact } from '../../model/index.ts';
import type { Blobs } from './blobs.ts';

/**
 * The rows of the table `outputs`: each representation of each output of each execution, its bytes in the blob store.
 *
 * @param limit bytes in all; what comes after it has its hash alone
 */
export async function keepOutputs(results: readonly CellResult[], blobs: Blobs, limit: number): Promise<readonly OutputFact[]> {
	const facts: OutputFact[] = [];
	let left = limit;
	for (const result of results) {
		for (const [at, output] of result.outputs.entries()) {
			for (const { media, name, content } of representations(output)) {
				const fits = content.length <= left;
				if (fits) left -= content.length;
				facts.push({
					cell: result.execution,
					output: at,
					kind: output.output_type,
					media,
					name,
					bytes: content.length,
					sha256: createHash('sha256').update(content).digest('hex'),
					blob: fits ? await blobs.putBytes(content) : null,
				});
			}
		}
	}
	return facts;
}

interface Representation {
	readonly media: string;
	readonly name: string | null;
	readonly content: Buffer;
}

function representations(output: CellOutput): readonly Representation[] {
	if (output.output_type === 'stream') {
		return [{ media: 'text/plain', name: output.name, content: Buffer.from(output.text, 'utf8') }];
	}
	if (output.output_type === 'error') {
		return [{ media: 'text/plain', name: output.ename, content: Buffer.from(output.traceback.join('\n'), 'utf8') }];
	}
	return Object.keys(output.data)
		.toSorted()
		.map((media) => ({ media, name: null, content: bytesOf(media, output.data[media] ?? null) }));
}

/** The wire carries pictures, sounds and PDF as base64; SVG is text. */
function bytesOf(media: string, value: Json): Buffer {
	if (typeof value !== 'string') return Buffer.from(JSON.stringify(value), 'utf8');
	const binary = /^(image|audio|video)\/|^application\/(pdf|octet-stream)$/.test(media) && !media.includes('svg');
	return Buffer.from(value, binary ? 'base64' : 'utf8');
}
