import * as v from 'valibot';
import { CellarError, type Json, type JsonObject } from '../model/index.ts';
import { isObject, mapValues, readJson } from './json.ts';

// Not v.record: it would leave out keys named `constructor` or `__proto__`, and metadata is to stay as it is.
const object = v.custom<JsonObject>(isObject, 'should be an object');
const lines = v.union([v.string(), v.array(v.string())], 'should be a string or a list of strings');

const cell = v.looseObject({
	cell_type: v.string('should be a string'),
	metadata: v.optional(object, {}),
	source: lines,
	outputs: v.optional(v.array(object, 'should be a list')),
});

const named = v.nullish(v.looseObject({ name: v.optional(v.string()) }));
const content = v.looseObject({
	nbformat_minor: v.pipe(v.number('should be a number'), v.integer(), v.minValue(0)),
	metadata: v.optional(
		v.pipe(
			object,
			v.check(({ kernelspec, language_info }) => v.is(named, kernelspec) && v.is(named, language_info), 'names its kernel badly'),
		),
		{},
	),
	cells: v.array(cell, 'should be a list'),
});

/** A cell as nbformat has it; lists of lines are joined. What Cellar does not know of stays on it as it was. */
export interface NotebookCell {
	readonly cell_type: string;
	readonly id?: Json;
	readonly metadata: JsonObject;
	readonly source: string;
	readonly outputs?: readonly JsonObject[];
	readonly execution_count?: Json;
	readonly attachments?: Json;
}

/** Metadata of a notebook: what Cellar reads of it by name, and everything else. */
export type NotebookMetadata = JsonObject & {
	readonly kernelspec?: { readonly name?: string; readonly display_name?: string; readonly language?: string };
	readonly language_info?: { readonly name?: string };
};

/** A notebook of nbformat 4, in memory. */
export interface Notebook {
	readonly nbformat: 4;
	readonly nbformat_minor: number;
	readonly metadata: NotebookMetadata;
	readonly cells: readonly NotebookCell[];
}

/**
 * Reads a notebook of nbformat 4.0 to 4.5; a later 4.x is read as far as it is known.
 *
 * @param where what to call it in an error: its path, as the user gave it
 * @throws CellarError CELLAR_NOT_A_NOTEBOOK with the line, or the field; CELLAR_NOTEBOOK_TOO_OLD with the command that converts it
 * @see https://nbformat.readthedocs.io/en/latest/format_description.html
 */
export function parseNotebook(bytes: Uint8Array, where: string): Notebook {
	const value = parse(decode(bytes, where), where);
	if (!isObject(value)) throw notANotebook(where, 'it is JSON, but not an object');
	const version = value['nbformat'] ?? (Array.isArray(value['worksheets']) ? 3 : null);
	if (version === null) throw notANotebook(where, 'it is JSON, but has no "nbformat"');
	if (typeof version === 'number' && version < 4) {
		throw new CellarError('CELLAR_NOTEBOOK_TOO_OLD', `nbformat ${version} was left behind in 2015; Cellar reads nbformat 4`, {
			hint: `jupyter nbconvert --to notebook --inplace '${where}'`,
			where,
		});
	}
	if (version !== 4) throw notANotebook(where, `nbformat ${typeof version === 'number' ? version : 'of this kind'} is not known`);
	const checked = v.safeParse(content, value);
	if (!checked.success) {
		const [issue] = checked.issues;
		const path = v.getDotPath(issue) ?? 'it';
		throw notANotebook(where, issue.input === undefined ? `${path} is missing` : `${path} ${issue.message}`);
	}
	const { nbformat_minor, metadata, cells } = checked.output;
	const known = ['code', 'markdown', 'raw'];
	const stranger = cells.findIndex((cell) => !known.includes(cell.cell_type));
	if (stranger >= 0 && nbformat_minor <= 5) {
		throw notANotebook(where, `cells.${stranger}.cell_type is "${cells[stranger]!.cell_type}", which nbformat 4.5 does not know`);
	}
	return {
		...checked.output,
		nbformat: 4,
		nbformat_minor,
		metadata,
		cells: cells.map(joinCell),
	};
}

function decode(bytes: Uint8Array, where: string): string {
	if (bytes.length === 0) throw notANotebook(where, 'it is empty');
	try {
		return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
	} catch (cause) {
		throw notANotebook(where, 'it is not text in UTF-8', { cause });
	}
}

function parse(text: string, where: string): Json {
	const read = readJson(text);
	if ('value' in read) return read.value;
	const { message, line, column } = read.fault;
	const conflict = /^(<<<<<<<|>>>>>>>) /m.test(text);
	throw notANotebook(where, `it is not JSON: line ${line}, column ${column}: ${message}`, {
		hint: conflict
			? 'it holds the markers of a merge conflict (<<<<<<<): settle that first'
			: 'a notebook ends in .ipynb and is JSON',
	});
}

function notANotebook(where: string, why: string, more: { hint?: string; cause?: unknown } = {}): CellarError {
	return new CellarError('CELLAR_NOT_A_NOTEBOOK', `${where} cannot be read as a notebook: ${why}`, { where, ...more });
}

function joinCell(cell: v.InferOutput<typeof content>['cells'][number]): NotebookCell {
	// The rest of a cell is JSON, as everything that was read here.
	const { outputs, attachments, ...rest } = cell as typeof cell & { readonly attachments?: Json };
	return {
		...rest,
		source: joined(cell.source),
		...(outputs === undefined ? {} : { outputs: outputs.map(joinOutput) }),
		...(attachments === undefined
			? {}
			: { attachments: isObject(attachments) ? mapValues(attachments, joinBundle) : attachments }),
	};
}

function joinOutput(output: JsonObject): JsonObject {
	const { text, data } = output;
	return {
		...output,
		...(isLines(text) ? { text: text.join('') } : {}),
		...(data === undefined ? {} : { data: joinBundle(data) }),
	};
}

/** A media type whose content is JSON is left alone: there a list of strings is a list of strings. */
function joinBundle(bundle: Json): Json {
	if (!isObject(bundle)) return bundle;
	return mapValues(bundle, (value, type) =>
		!/^application\/(.*\+)?json$/.test(type) && isLines(value) ? value.join('') : value,
	);
}

function joined(source: string | readonly string[]): string {
	return typeof source === 'string' ? source : source.join('');
}

function isLines(value: Json | undefined): value is readonly string[] {
	return Array.isArray(value) && value.every((line) => typeof line === 'string');
}

/** A cell that can be executed, as a person counts them: `number` from 1, over the code cells; `index` from 0, over all cells. */
export interface CodeCell {
	readonly number: number;
	readonly index: number;
	readonly id: string | null;
	readonly source: string;
	readonly tags: readonly string[];
}

/** The code cells, in order; empty ones are counted too. */
export function codeCells(notebook: Notebook): readonly CodeCell[] {
	return notebook.cells
		.map((cell, index) => ({ cell, index }))
		.filter(({ cell }) => cell.cell_type === 'code')
		.map(({ cell, index }, at) => ({
			number: at + 1,
			index,
			id: typeof cell.id === 'string' ? cell.id : null,
			source: cell.source,
			tags: tagsOf(cell),
		}));
}

/** A cell's tags, as JupyterLab and papermill use them. */
export function tagsOf(cell: NotebookCell): readonly string[] {
	const { tags } = cell.metadata;
	return isLines(tags) ? tags : [];
}
