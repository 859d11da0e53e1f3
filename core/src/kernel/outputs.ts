import type { CellOutput, JsonObject, MimeBundle } from '../model/index.ts';
import type { Said, Shown } from './messages.ts';

/** How many characters of output are kept of one cell: half of what one JavaScript string can hold. */
export const outputLimit = 2 ** 28;

/**
 * The outputs of a session's cells, as the kernel's messages make and change them. No clock, no input or output: the same
 * messages give the same outputs, however a stream was cut into them.
 *
 * Outputs are what nbclient makes of the messages, but that streams of one name which follow each other are one output: where
 * the kernel cuts a stream depends on time alone.
 */
export interface Outputs {
	/**
	 * Takes what the kernel said on behalf of an execution.
	 *
	 * @returns `fresh`: the output that was appended, of a stream only the new piece; null where nothing was. `earlier`: the
	 *   other executions whose outputs changed
	 */
	take(execution: number, said: Said): { readonly fresh: CellOutput | null; readonly earlier: readonly number[] };
	/** The outputs of an execution as they stand. */
	of(execution: number): readonly CellOutput[];
	/** Lets go of an execution that has ended, unless a later one can still change it. */
	close(execution: number): void;
}

/** A stream grows in place, so that its length costs no copies. */
interface Stream {
	readonly output_type: 'stream';
	readonly name: string;
	text: string;
}
type Kept = Exclude<CellOutput, { output_type: 'stream' }> | Stream;

interface Sheet {
	list: Kept[];
	/** At which places of `list` a display id is shown. */
	readonly places: Map<string, number[]>;
	clearNext: boolean;
	characters: number;
	lost: number;
}

/** @param limit how many characters are kept of one execution; what comes after is counted and told in a last stream */
export function gatherOutputs(limit: number = outputLimit): Outputs {
	const sheets = new Map<number, Sheet>();

	const sheetOf = (execution: number): Sheet => {
		const known = sheets.get(execution);
		if (known) return known;
		const fresh: Sheet = { list: [], places: new Map(), clearNext: false, characters: 0, lost: 0 };
		sheets.set(execution, fresh);
		return fresh;
	};

	/** Shows something new wherever its display id is shown already; tells in which executions. */
	const update = (shown: Shown): readonly number[] => {
		const changed: number[] = [];
		for (const [execution, sheet] of sheets) {
			const places = shown.displayId === null ? [] : (sheet.places.get(shown.displayId) ?? []);
			if (places.length > 0) changed.push(execution);
			for (const place of places) {
				const old = sheet.list[place]!;
				if ('data' in old) sheet.list[place] = { ...old, data: shown.data, metadata: shown.metadata };
			}
		}
		return changed;
	};

	return {
		take(execution, said) {
			const sheet = sheetOf(execution);
			if (said.type === 'clear_output') {
				if (said.wait) sheet.clearNext = true;
				else clear(sheet);
				return { fresh: null, earlier: [] };
			}
			const shown = 'shown' in said ? said.shown : null;
			const earlier = shown === null ? [] : update(shown).filter((other) => other !== execution);
			const fresh = outputOf(said);
			if (fresh === null) return { fresh, earlier };
			if (sheet.clearNext) clear(sheet);
			const size = charactersOf(fresh);
			if (sheet.characters + size > limit && fresh.output_type !== 'error') {
				sheet.lost += size;
				return { fresh: null, earlier };
			}
			sheet.characters += size;
			if (shown?.displayId != null) placesOf(sheet, shown.displayId).push(sheet.list.length);
			append(sheet, fresh);
			return { fresh, earlier };
		},
		of(execution) {
			const sheet = sheets.get(execution);
			if (!sheet) return [];
			const outputs = sheet.list.map((output): CellOutput => ({ ...output }));
			return sheet.lost === 0 ? outputs : [...outputs, told(sheet.lost)];
		},
		close(execution) {
			const sheet = sheets.get(execution);
			if (sheet && [...sheet.places.values()].every((places) => places.length === 0)) sheets.delete(execution);
			else if (sheet) sheet.clearNext = false;
		},
	};
}

function append(sheet: Sheet, fresh: CellOutput): void {
	const last = sheet.list.at(-1);
	if (fresh.output_type !== 'stream') sheet.list.push(fresh);
	else if (last?.output_type === 'stream' && last.name === fresh.name) last.text += fresh.text;
	else sheet.list.push({ ...fresh });
}

function clear(sheet: Sheet): void {
	sheet.list = [];
	sheet.places.clear();
	sheet.clearNext = false;
	sheet.characters = 0;
	sheet.lost = 0;
}

function placesOf(sheet: Sheet, displayId: string): number[] {
	const places = sheet.places.get(displayId) ?? [];
	sheet.places.set(displayId, places);
	return places;
}

/** The output that a message brings; null for a message that brings none. */
function outputOf(said: Said): CellOutput | null {
	switch (said.type) {
		case 'stream':
			return { output_type: 'stream', name: said.name, text: said.text };
		case 'display_data':
			return { output_type: 'display_data', data: said.shown.data, metadata: said.shown.metadata };
		case 'execute_result':
			return {
				output_type: 'execute_result',
				data: said.shown.data,
				metadata: said.shown.metadata,
				execution_count: said.count,
			};
		case 'error':
			return { output_type: 'error', ename: said.ename, evalue: said.evalue, traceback: said.traceback };
		default:
			return null;
	}
}

function charactersOf(output: CellOutput): number {
	if (output.output_type === 'stream') return output.text.length;
	if (output.output_type === 'error') return output.traceback.reduce((sum, line) => sum + line.length, output.evalue.length);
	return lengthOf(output.data);
}

function lengthOf(data: MimeBundle | JsonObject): number {
	let sum = 0;
	for (const value of Object.values(data)) sum += typeof value === 'string' ? value.length : JSON.stringify(value).length;
	return sum;
}

function told(lost: number): CellOutput {
	return { output_type: 'stream', name: 'stderr', text: `[cellar] ${lost} more characters of output were not kept\n` };
}
