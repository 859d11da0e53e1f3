import type { Dependencies, Exported, IndexFile, Remark, SoftwareDependency } from '../model/index.ts';

/** What a file is made of. Nothing else goes into it, so that the same run gives the same file. */
export interface ExportSource {
	readonly document: Dependencies;
	/** When the run began, ISO 8601 in UTC. */
	readonly started: string;
	/** Cellar's own version. */
	readonly cellar: string;
	/** The files of the index, by `fileKey`; null where it was not asked. */
	readonly files: ReadonlyMap<string, IndexFile> | null;
}

export type Writer = (source: ExportSource) => Exported;

/** The remark that a piece of software is not in the file. */
export function leftOut({ name, version, ecosystem }: SoftwareDependency, reason: string): Remark {
	return { name, version, ecosystem, held: false, reason };
}

/** The remark that a piece of software is in the file, but not as the run had it. */
export function heldOtherwise({ name, version, ecosystem }: SoftwareDependency, reason: string): Remark {
	return { name, version, ecosystem, held: true, reason };
}

/** The version of Python that ran; null where there was none, or where several did and the code names none or more than one. */
export function pythonOf({ software }: Dependencies): string | null {
	const versions = (items: readonly SoftwareDependency[]) => [...new Set(items.flatMap((item) => item.version ?? []))];
	const pythons = software.filter((item) => item.name === 'python' && isPython(item));
	const all = versions(pythons);
	const [only, other] = all.length > 1 ? versions(pythons.filter((item) => item.direct)) : all;
	return other === undefined ? (only ?? null) : null;
}

const isPython = (item: SoftwareDependency) => item.ecosystem === 'interpreter' || item.ecosystem === 'conda';

/** What stands at the top of a file that has comments: what it was made of, and all that it does not hold. */
export function heading(source: ExportSource, remarks: readonly Remark[], more: readonly string[] = []): string {
	const { document, cellar } = source;
	const python = pythonOf(document);
	const lines = [`Made by Cellar ${cellar} of run ${document.run}, for ${document.for}.`];
	if (python !== null) lines.push(`It ran on Python ${python}.`);
	lines.push(...more);
	for (const held of [false, true]) {
		for (const [reason, items] of byReason(remarks.filter((remark) => remark.held === held))) {
			lines.push(`${held ? 'In another way than the run had it' : 'Not in this file'}: ${reason}`);
			for (const { name, version, ecosystem } of items) lines.push(`  ${name} ${version ?? '(version unknown)'} (${ecosystem})`);
		}
	}
	const data = document.data.filter((item) => item.role === 'input' || item.role === 'updated').length;
	if (data > 0) lines.push(`Not in this file: data, ${data} ${data === 1 ? 'input' : 'inputs'}; cellar pack holds them`);
	const unknown = document.unknown.length;
	if (unknown > 0) lines.push(`Not in this file: what no rule could name, ${unknown} ${unknown === 1 ? 'path' : 'paths'}`);
	return lines.map((line) => `# ${oneLine(line)}\n`).join('');
}

/** The remarks with one reason together, in the order in which reasons first come. */
export function byReason(remarks: readonly Remark[]): Map<string, readonly Remark[]> {
	const groups = new Map<string, readonly Remark[]>();
	for (const remark of remarks) groups.set(remark.reason, [...(groups.get(remark.reason) ?? []), remark]);
	return groups;
}

/** A name of a package's own choice must not end the comment that it stands in. */
function oneLine(text: string): string {
	// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
	return text.replaceAll(/[\u0000-\u001F\u007F\u0085\u2028\u2029]/g, ' ');
}

/** Why software of each ecosystem is in no list of Python packages. */
export function reasonElsewhere(item: SoftwareDependency, tool: string): string {
	if (item.ecosystem === 'local') return 'your own modules go with the notebook; cellar pack holds them';
	if (item.ecosystem === 'interpreter') return `${tool} does not install interpreters`;
	return `${tool} does not install packages of this kind (${item.ecosystem})`;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string | null {
	return typeof value === 'string' && value !== '' ? value : null;
}
