import * as v from 'valibot';
import { withoutCredentials, type Name, type Warning } from '../../model/index.ts';
import type { Package } from '../packages.ts';
import { joined, nameOfText, namesIn, parentOf, readText } from '../paths.ts';
import { nameInSpec, requestsIn, type CondaOrigin } from './origin.ts';

/** A package that conda installed. */
export interface CondaPackage extends Package {
	readonly ecosystem: 'conda';
	/** The prefix, links resolved. */
	readonly root: Name;
	/** Its json in `conda-meta`; null where only its dist-info says that it is conda's. */
	readonly record: Name | null;
	/** The names of the packages that it depends on. */
	readonly depends: readonly string[];
}

/** Packages of conda are the only ones of that ecosystem. */
export function isConda(one: Package): one is CondaPackage {
	return one.ecosystem === 'conda';
}

/** A file as conda's list has it. */
export interface CondaFile {
	readonly package: CondaPackage;
	readonly path: Name;
	/** Of what is on disk, after the prefix was written into it; null where the list does not say, and for links. */
	readonly sha256: string | null;
	readonly size: number | null;
}

/** A folder with a `conda-meta`. */
export interface CondaPrefix {
	/** Links resolved. */
	readonly folder: Name;
	readonly packages: readonly CondaPackage[];
	/** All that list the path; mostly one. */
	listing(path: Name): readonly CondaFile[];
	filesOf(one: CondaPackage): readonly CondaFile[];
	find(name: string): CondaPackage | null;
	/** The only package with files below a folder; `several` where there are more, null where there is none. */
	ownerOfFolder(folder: Name): CondaPackage | 'several' | null;
	/** Lists that could not be read. */
	readonly faults: readonly Warning[];
}

const text = v.nullish(v.string(), null);
const words = v.nullish(v.array(v.string()), []);
/** @see https://docs.conda.io/projects/conda/en/stable/dev-guide/deep-dives/install.html */
const recordSchema = v.object({
	name: v.string(),
	version: v.string(),
	...{ build: text, channel: text, subdir: text, url: text, md5: text, sha256: text },
	build_number: v.nullish(v.number(), null),
	depends: words,
	files: words,
	requested_spec: text,
	requested_specs: words,
	paths_data: v.nullish(
		v.object({
			paths: v.array(
				v.object({
					_path: v.string(),
					path_type: text,
					sha256: text,
					sha256_in_prefix: text,
					size_in_bytes: v.nullish(v.number(), null),
				}),
			),
		}),
		{ paths: [] },
	),
});
type CondaRecord = v.InferOutput<typeof recordSchema>;

const none: readonly CondaFile[] = [];

/**
 * Reads what conda, mamba, rattler or pixi installed in a prefix.
 *
 * @param folder links resolved
 */
export function openPrefix(folder: Name): CondaPrefix {
	const meta = joined(folder, 'conda-meta');
	const asked = requestsIn(readText(joined(meta, 'history')) ?? '');
	const faults: Warning[] = [];
	const packages: CondaPackage[] = [];
	const byPath = new Map<Name, CondaFile[]>();
	const byPackage = new Map<CondaPackage, readonly CondaFile[]>();
	for (const name of namesIn(meta) ?? []) {
		if (!name.endsWith('.json')) continue;
		const where = joined(meta, name);
		const record = readRecord(where);
		if (record === null) {
			faults.push({
				code: 'CELLAR_CONDA_UNREADABLE',
				message: `${where} cannot be read: which files are its package's is not known`,
			});
			continue;
		}
		const one = packageOf(record, folder, where, asked);
		const files = filesIn(record, one);
		packages.push(one);
		byPackage.set(one, files);
		for (const file of files) {
			const known = byPath.get(file.path);
			if (known === undefined) byPath.set(file.path, [file]);
			else known.push(file);
		}
	}
	const byName = new Map(packages.map((one) => [one.name, one]));
	const folders = foldersOf(byPackage, folder);
	return {
		folder,
		packages,
		listing: (path) => byPath.get(path) ?? none,
		filesOf: (one) => byPackage.get(one) ?? none,
		find: (name) => byName.get(name) ?? null,
		ownerOfFolder: (path) => folders.get(path) ?? null,
		faults,
	};
}

function readRecord(where: Name): CondaRecord | null {
	const content = readText(where);
	if (content === null) return null;
	try {
		const read = v.safeParse(recordSchema, JSON.parse(content));
		return read.success ? read.output : null;
	} catch (error) {
		if (error instanceof SyntaxError) return null;
		throw error;
	}
}

function packageOf(record: CondaRecord, folder: Name, where: Name, asked: ReadonlyMap<string, string>): CondaPackage {
	const said = record.requested_specs.length > 0 ? record.requested_specs.join(' ') : record.requested_spec;
	const requested = said === null || said === '' || said === 'None' ? (asked.get(record.name) ?? null) : withoutCredentials(said);
	const origin: CondaOrigin = {
		channel: record.channel === null ? null : withoutCredentials(record.channel),
		subdir: record.subdir,
		build: record.build,
		buildNumber: record.build_number,
		url: record.url === null || record.url === '' ? null : withoutCredentials(record.url),
		md5: record.md5,
		sha256: record.sha256,
		requested,
	};
	return {
		ecosystem: 'conda',
		name: record.name,
		version: record.version,
		root: folder,
		origin: { ...origin },
		record: where,
		depends: record.depends.flatMap((spec) => nameInSpec(spec) ?? []),
	};
}

function filesIn(record: CondaRecord, one: CondaPackage): CondaFile[] {
	const told = new Map(record.paths_data.paths.map((path) => [path._path, path]));
	// Early lists have no `paths_data`, and an empty `files` beside one means the same paths.
	const names = record.files.length > 0 ? record.files : [...told.keys()];
	return names.flatMap((name) => {
		const more = told.get(name);
		if (more?.path_type === 'directory') return [];
		const isLink = more?.path_type === 'softlink';
		return [
			{
				package: one,
				path: joined(one.root, nameOfText(name)),
				sha256: isLink ? null : (more?.sha256_in_prefix ?? more?.sha256 ?? null),
				// The size is that of the package's file: where the prefix was written into it, it may be another.
				size: isLink || (more?.sha256_in_prefix ?? null) !== null ? null : (more?.size_in_bytes ?? null),
			},
		];
	});
}

function foldersOf(files: ReadonlyMap<CondaPackage, readonly CondaFile[]>, prefix: Name): Map<Name, CondaPackage | 'several'> {
	const folders = new Map<Name, CondaPackage | 'several'>();
	for (const [one, own] of files) {
		for (const { path } of own) {
			for (let folder = parentOf(path); folder.length > prefix.length; folder = parentOf(folder)) {
				const known = folders.get(folder);
				if (known === one || known === 'several') break;
				folders.set(folder, known === undefined ? one : 'several');
			}
		}
	}
	return folders;
}
