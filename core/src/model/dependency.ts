import * as v from 'valibot';
import type { Warning } from './run.ts';

export const ecosystems = [
	'pypi',
	'conda',
	'deb',
	'rpm',
	'apk',
	'cran',
	'npm',
	'julia',
	'go',
	'cargo',
	'interpreter',
	'local',
] as const;
export type Ecosystem = (typeof ecosystems)[number];

/** Which parts of the run used a thing: every scope, not only the first. `manager` is true where the manager itself did. */
const usedBy = {
	cells: v.array(v.number()),
	workers: v.array(v.string()),
	tasks: v.array(v.string()),
	manager: v.boolean(),
	/** When the manager used it for no cell: `start-up`, `after cell 3`, `during cell 3`, `after the last cell`. */
	outside: v.optional(v.array(v.string()), []),
};

const software = v.object({
	name: v.string(),
	version: v.nullable(v.string()),
	ecosystem: v.picklist(ecosystems),
	/** The user's own code named it: an import, a command. */
	direct: v.boolean(),
	why: v.array(v.picklist(['touched', 'named', 'required'])),
	...usedBy,
	/** How many of its files were used, and how large these are together. */
	files: v.number(),
	bytes: v.number(),
	/** How many of these files are data that it carries: neither code nor libraries. It packs with it, and is none of the user's. */
	dataFiles: v.optional(v.number(), 0),
	/** Where it was installed from, where that is known: a URL, a commit, a folder. */
	origin: v.nullable(v.record(v.string(), v.unknown())),
	reason: v.string(),
});
export type SoftwareDependency = v.InferOutput<typeof software>;

/** A package of which the manager and some workers, or workers among themselves, used different versions. */
const difference = v.object({
	name: v.string(),
	ecosystem: v.picklist(ecosystems),
	versions: v.array(
		v.object({ version: v.nullable(v.string()), manager: v.boolean(), workers: v.array(v.string()), tasks: v.array(v.string()) }),
	),
});
export type VersionDifference = v.InferOutput<typeof difference>;

/** What is said of it: `numpy is 2.1.0 in the manager and 1.26.4 in w2 (12 tasks)`. */
export function differenceWarning({ name, versions }: VersionDifference): Warning {
	const some = (ids: readonly string[], what: string) => (ids.length > 3 ? `${ids.length} ${what}s` : ids.join(', '));
	const uses = versions.map(({ version, manager, workers, tasks }) => {
		const numbers = [...new Set(tasks.map((task) => task.split('.', 1)[0]!))];
		const who = [manager ? 'the manager' : '', some(workers, 'worker')].filter((text) => text !== '').join(' and ');
		const ran =
			numbers.length === 0
				? ''
				: ` (${numbers.length > 3 ? '' : numbers.length === 1 ? 'task ' : 'tasks '}${some(numbers, 'task')})`;
		return `${version ?? 'of an unknown version'} in ${who}${ran}`;
	});
	const list = `${uses.slice(0, -1).join(', ')} and ${uses.at(-1)}`;
	return { code: 'CELLAR_VERSIONS_DIFFER', message: `${name} is ${list}` };
}

/** The name by which distributions are compared. @see https://peps.python.org/pep-0503/#normalized-names */
export function normalName(name: string): string {
	return name.replaceAll(/[-_.]+/g, '-').toLowerCase();
}

export const dataRoles = ['input', 'output', 'intermediate', 'updated'] as const;
const dataRole = v.picklist(dataRoles);
export type DataRole = (typeof dataRoles)[number];

const data = v.object({
	path: v.string(),
	/** Below the notebook's folder; null elsewhere. */
	relative: v.nullable(v.string()),
	role: dataRole,
	kind: v.picklist(['file', 'store', 'listing']),
	bytes: v.nullable(v.number()),
	sha256: v.nullable(v.string()),
	/** Of what was updated its first state, where that is known; null for all else. */
	sha256Before: v.optional(v.nullable(v.string()), null),
	...usedBy,
	reason: v.string(),
	/** Of a store the files that this part of the run used, by their own roles; null for all else. */
	members: v.optional(v.nullable(v.array(v.object({ role: dataRole, paths: v.array(v.string()) }))), null),
	/** As what tasks saw it, where an engine gave it another name: from the folder in which each was started. */
	as: v.optional(v.array(v.string()), []),
});
export type DataDependency = v.InferOutput<typeof data>;

export const setAsideKinds = ['configuration', 'cache', 'temporary', 'runtime', 'tool folder', 'secret', 'system'] as const;
export type SetAsideKind = (typeof setAsideKinds)[number];

/** `dependencies.json`, the document of `cellar deps --json`. */
export const dependenciesSchema = v.object({
	format: v.literal(1),
	run: v.string(),
	for: v.string(),
	notebook: v.nullable(v.string()),
	software: v.array(software),
	/** Of the whole run, whichever part is asked for. */
	differences: v.optional(v.array(difference), []),
	data: v.array(data),
	network: v.array(v.object({ address: v.string(), port: v.nullable(v.number()), name: v.nullable(v.string()), ...usedBy })),
	missing: v.nullable(v.array(v.object({ path: v.string(), ...usedBy }))),
	setAside: v.array(v.object({ path: v.string(), as: v.picklist(setAsideKinds), reason: v.string() })),
	unknown: v.array(v.object({ path: v.string(), reason: v.string() })),
});
export type Dependencies = v.InferOutput<typeof dependenciesSchema>;

/** The verdict on one path: what it is, by which rule, who owns it. Every path of the run has exactly one. */
export interface PathVerdict {
	readonly path: string;
	readonly verdict:
		| 'software'
		| 'input'
		| 'output'
		| 'intermediate'
		| 'updated'
		| SetAsideKind
		| 'missing'
		/** It was there, the run asked whether it is, and that was all. */
		| 'looked at'
		| 'unknown';
	/** The rule's stable name: `python RECORD`, `bytecode`, `secret by name`, … (docs/dependencies.md lists them). */
	readonly rule: string;
	readonly reason: string;
	readonly owner: {
		readonly name: string;
		readonly version: string | null;
		readonly ecosystem: Ecosystem;
		readonly root: string;
	} | null;
}

export const layers = ['userland', 'distributions', 'code and data', 'record'] as const;
/** In which layer of an image a path goes; the order of the list is the order of the layers. */
export type Layer = (typeof layers)[number];

/** One path that an image must hold so that a repeat can do what the run did. */
export interface PackedPath {
	/** Absolute, encoded; where it stands in the image and, unless `source` says otherwise, on this machine. */
	readonly path: string;
	readonly layer: Layer;
	readonly kind: 'file' | 'directory' | 'link';
	/** A link's text; null for others. */
	readonly target: string | null;
	/** Where the bytes are: the path itself, a blob of the store (an input's first state), or given here. */
	readonly source:
		| { readonly from: 'path' }
		| { readonly from: 'blob'; readonly sha256: string }
		| { readonly from: 'bytes'; readonly bytes: Buffer };
	readonly mode: number;
	/** What it must still be when it is packed; null where the run could not say. */
	readonly expected: { readonly size: number; readonly sha256: string | null; readonly mtime: number | null } | null;
	/** For a person: `numpy 2.3.5`, `input`, `library of …`. */
	readonly reason: string;
}

/** The files that other tools read, made of what a run needed (docs/formats.md). */
export const exportFormats = ['requirements', 'pylock', 'conda', 'conda-explicit', 'poncho', 'cyclonedx'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** What a format cannot say of a piece of software as the run had it. */
export interface Remark {
	readonly name: string;
	readonly version: string | null;
	readonly ecosystem: Ecosystem;
	/** Whether it is in the file all the same. */
	readonly held: boolean;
	readonly reason: string;
}

/** A file for another tool, and what it does not hold. */
export interface Exported {
	readonly text: string;
	/** In the order of the software; empty where the format holds it all. */
	readonly remarks: readonly Remark[];
}

/** What a distribution's own WHEEL says of the archive that it was installed from. */
export interface InstalledWheel {
	readonly name: string;
	readonly version: string;
	/** Each `Tag`, such as `py3-none-any`. */
	readonly tags: readonly string[];
	readonly build: string | null;
}

/** A file on a package index that is the one that was installed. */
export interface IndexFile {
	readonly kind: 'wheel' | 'sdist';
	readonly filename: string;
	readonly url: string;
	/** Bytes; null where the index does not say. */
	readonly size: number | null;
	/** Hexadecimal. */
	readonly sha256: string;
	/** The address of the index. */
	readonly index: string;
}
