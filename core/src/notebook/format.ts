import type { Json, JsonObject } from '../model/index.ts';
import { isObject, mapValues, writeJson } from './json.ts';
import type { Notebook, NotebookCell } from './parse.ts';

/**
 * The text of a notebook file, as `nbformat.write` makes it, to the byte: texts as lists of lines, keys sorted, an indent of
 * one, nothing escaped that need not be, and a newline at the end.
 */
export function formatNotebook(notebook: Notebook): string {
	const { orig_nbformat: _, orig_nbformat_minor: __, signature: ___, ...metadata } = notebook.metadata;
	return `${writeJson({ ...notebook, metadata, cells: notebook.cells.map(splitCell) })}\n`;
}

function splitCell(cell: NotebookCell): object {
	const { trusted: _, ...metadata } = cell.metadata;
	return {
		...cell,
		metadata,
		source: linesOf(cell.source),
		...(cell.outputs === undefined || cell.cell_type !== 'code' ? {} : { outputs: cell.outputs.map(splitOutput) }),
		...(isObject(cell.attachments) ? { attachments: mapValues(cell.attachments, splitBundle) } : {}),
	};
}

function splitOutput(output: JsonObject): JsonObject {
	const { output_type, text, data } = output;
	if (output_type === 'stream' && typeof text === 'string') return { ...output, text: linesOf(text) };
	if (data === undefined || (output_type !== 'display_data' && output_type !== 'execute_result')) return output;
	return { ...output, data: splitBundle(data) };
}

function splitBundle(bundle: Json): Json {
	if (!isObject(bundle)) return bundle;
	return mapValues(bundle, (value, type) => (typeof value === 'string' && isText(type) ? linesOf(value) : value));
}

function isText(type: string): boolean {
	return type.startsWith('text/') || type === 'application/javascript' || type === 'image/svg+xml';
}

/** `str.splitlines(True)`: Python knows more ends of lines than most. */
function linesOf(text: string): string[] {
	return text.match(line) ?? [];
}

const ends = '\n\r\v\f\u001c-\u001e\u0085\u2028\u2029';
const line = new RegExp(`[^${ends}]*(?:\r\n|[${ends}])|[^${ends}]+$`, 'g');
