import { sourceOfBytecode } from '../../dependencies/index.ts';
import type { CellOutput, CellResult, Facts, FileFact, Name, Run, View } from '../../model/index.ts';
import { readTables, type Tables } from '../../store/index.ts';
import type { ImageRecord } from '../record.ts';

/** A path that the recorded run used and the image does not hold. */
export interface Absent {
	readonly path: Name;
	/** The first code cell of the recorded run that used it, or something below it; null for start-up, and where `used` is false. */
	readonly cell: number | null;
	/** The recorded run was seen to use it. */
	readonly used: boolean;
	/** To follow `was`: `left out of the image by --without`. */
	readonly reason: string;
}

/** What the image was made without, by the user's word or because it is a secret, where the recorded run had used it. */
export async function leftOutOf(told: ImageRecord, recorded: string, first: Run): Promise<readonly Absent[]> {
	const secrets = told.leftOut.filter((item) => item.secret);
	if (told.without.length === 0 && secrets.length === 0) return [];
	const tables = await readTables(recorded);
	return [
		...told.without.map((path) => ({ path, ...firstUse(path, tables, first), reason: 'left out of the image by --without' })),
		...secrets.map(({ path, reason }) => ({
			path,
			...firstUse(path, tables, first),
			reason: `left out of the image: ${reason}`,
		})),
	];
}

function firstUse(path: Name, { facts, files }: Pick<Tables, 'facts' | 'files'>, first: Run): Pick<Absent, 'cell' | 'used'> {
	const real = new Map(files.map((file) => [file.path, file.realPath]));
	const uses = facts.accesses.filter(
		(access) => access.how !== 'missing' && [access.path, real.get(access.path)].some((used) => used && standsFor(used, path)),
	);
	const earliest = uses.toSorted((x, y) => x.first - y.first)[0];
	if (earliest === undefined || earliest.cell === null) return { cell: null, used: earliest !== undefined };
	return { cell: first.cells.find((cell) => cell.executions.includes(earliest.cell!))?.number ?? null, used: true };
}

/** Whether the use of one path is a use of another: of what lies below it, or of its bytecode. */
function standsFor(used: Name, path: Name): boolean {
	return used === path || used.startsWith(`${path}/`) || sourceOfBytecode(used) === path;
}

/** For a person: what is absent, and where it would have been used. */
export function absentText({ path, cell, used, reason }: Absent): string {
	const where = used ? `${cell === null ? 'start-up' : `cell ${cell}`} used it first` : 'nothing was seen to use it';
	return `${path} was ${reason}; ${where}`;
}

/** What came of a repeat, where it says that something was missing. */
export interface Missing {
	readonly first: Run;
	/** The run folder in the image's record. */
	readonly recorded: string;
	/** What the program saw when it started. */
	readonly view: View;
	readonly before: readonly CellResult[];
	readonly results: readonly CellResult[];
	/** The last words of a kernel that did not start, and the like. */
	readonly said: readonly string[];
	/** Of a traced repeat; null otherwise. */
	readonly facts: Facts | null;
}

/**
 * What the repeat missed: paths that the recorded run had used, that the image does not hold, and that an error or a message
 * of the repeat names, or that it was seen to look for.
 */
export async function missedBy(o: Missing): Promise<readonly Absent[]> {
	const texts = [...o.said, ...newTexts(o.before, o.results)];
	const sought = new Set(o.facts?.accesses.filter((access) => access.how === 'missing').map((access) => access.path));
	if (texts.length === 0 && sought.size === 0) return [];
	const tables = await readTables(o.recorded);
	const { facts, files } = tables;
	const used = new Set(facts.accesses.filter((access) => access.how !== 'missing').map((access) => access.path));
	const { cwd, connectionFile } = o.first.circumstances;
	const missed = new Map<Name, Absent>();
	for (const file of files) {
		if (!wasThere(file) || !used.has(file.path) || file.path === connectionFile) continue;
		const path = sourceOfBytecode(file.path) ?? file.path;
		if (o.view.place(path, true) !== null || missed.has(path)) continue;
		if (!sought.has(path) && !texts.some((text) => names(text, path, cwd))) continue;
		missed.set(path, { path, ...firstUse(path, tables, o.first), reason: 'not packed' });
	}
	return [...missed.values()];
}

/** What the sandbox brings itself is in no image. */
const brought = /^\/(proc|sys|dev|run)(\/|$)/;

function wasThere(file: FileFact): boolean {
	return file.existedBefore !== false && !brought.test(file.path);
}

/** How much of a text is looked at, from its end: an error's last lines say what was missing. */
const mostText = 1 << 16;

/** What the repeat's cells said and the recorded ones did not. */
function newTexts(before: readonly CellResult[], results: readonly CellResult[]): string[] {
	const known = new Map(before.map((result) => [result.execution, new Set(result.outputs.flatMap(textsOf))]));
	return results.flatMap((result) =>
		result.outputs.flatMap(textsOf).filter((text) => known.get(result.execution)?.has(text) !== true),
	);
}

function textsOf(output: CellOutput): string[] {
	if (output.output_type === 'error')
		return [`${output.ename}: ${output.evalue}\n${output.traceback.at(-1) ?? ''}`.slice(-mostText)];
	return output.output_type === 'stream' ? [output.text.slice(-mostText)] : [];
}

/** Whether a message names a path: whole, as seen from the working folder, as a library or as the module that it holds. */
function names(text: string, path: Name, cwd: string): boolean {
	if (standsIn(text, path)) return true;
	const relative = path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : null;
	if (relative !== null && standsIn(text, relative)) return true;
	const base = path.slice(path.lastIndexOf('/') + 1);
	if (/\.so(\.|$)/.test(base) && standsIn(text, base)) return true;
	return [...text.matchAll(/No module named '?([\w.]+)/g)].some(([, module]) => holdsModule(path, module!));
}

function standsIn(text: string, word: string): boolean {
	for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
		if (!/[\w./-]/.test(text[at - 1] ?? ' ') && !/[\w/-]/.test(text[at + word.length] ?? ' ')) return true;
	}
	return false;
}

/** `a/b.py`, `a/b/__init__.py` and `a/b.cpython-313-x86_64-linux-gnu.so` hold `a.b`; the file of `a` is needed for it, too. */
function holdsModule(path: Name, module: string): boolean {
	const stem = /^(.*?)(\/__init__)?(\.(cpython|abi3|pypy)[^/]*)?\.(py|so)$/.exec(path)?.[1];
	return stem !== undefined && stem.endsWith(`/${module.replaceAll('.', '/')}`);
}
