import { normalName, type Exported, type IndexFile, type Remark } from '../model/index.ts';
import { heading, heldOtherwise, leftOut, pythonOf, type ExportSource } from './format.ts';
import { fileKey, pathOf, pipPackages, type PipPackage, type Source } from './pip.ts';

/** Lines of one `[[packages]]` below its name; a reason where the format cannot hold it. */
type Entry = readonly string[] | string;

/**
 * pylock.toml. Every archive in it has a hash, so what comes from an index is in it only where the index was asked.
 *
 * @see https://packaging.python.org/en/latest/specifications/pylock-toml/
 */
export function writePylock(source: ExportSource): Exported {
	const { packages, remarks } = pipPackages(source.document, 'pip');
	const all: Remark[] = [...remarks];
	const tables: string[] = [];
	for (const one of packages.toSorted((a, b) => (normalName(a.name) < normalName(b.name) ? -1 : 1))) {
		const entry = entryOf(one, source);
		if (typeof entry === 'string') {
			all.push(leftOut(one.item, entry));
			continue;
		}
		if (one.source.from === 'folder') all.push(heldOtherwise(one.item, 'a folder of this machine, and another does not have it'));
		tables.push(`\n[[packages]]\nname = ${toml(normalName(one.name))}\n${entry.map((line) => `${line}\n`).join('')}`);
	}
	const python = /^\d+\.\d+/.exec(pythonOf(source.document) ?? '')?.[0];
	const head = [
		'lock-version = "1.0"',
		// Wheels are of one minor version of Python, and the run says nothing of any other.
		...(python === undefined ? [] : [`requires-python = "==${python}.*"`]),
		'created-by = "cellar"',
		...(tables.length === 0 ? ['packages = []'] : []),
	];
	return { text: `${heading(source, all)}\n${head.join('\n')}\n${tables.join('')}`, remarks: all };
}

function entryOf({ name, version, source: from }: PipPackage, { files }: ExportSource): Entry {
	if (from.from !== 'index') return directEntry(from, version);
	if (files === null) return 'no hash of its archive is known: --resolve asks the index';
	const file = files.get(fileKey(name, version));
	if (file === undefined) return 'the index has no file that is the one that was installed';
	const lines = [`version = ${toml(version)}`, `index = ${toml(file.index)}`];
	return file.kind === 'wheel'
		? [...lines, `wheels = [${inline(archive(file))}]`]
		: [...lines, `sdist = ${inline(archive(file))}`];
}

function directEntry(from: Exclude<Source, { from: 'index' }>, version: string): Entry {
	const inside: Pairs = from.subdirectory === null ? [] : [['subdirectory', toml(from.subdirectory)]];
	if (from.from === 'vcs') {
		const revision: Pairs = from.revision === null ? [] : [['requested-revision', toml(from.revision)]];
		const { vcs, url, commit } = from;
		return [`vcs = ${inline([['type', toml(vcs)], ['url', toml(url)], ...revision, ['commit-id', toml(commit)], ...inside])}`];
	}
	if (from.from === 'folder') {
		const path = pathOf(from.url);
		if (path === null) return 'its folder has no path that can be written';
		const editable: Pairs = from.editable ? [['editable', 'true']] : [];
		return [`directory = ${inline([['path', toml(path)], ...editable, ...inside])}`];
	}
	if (from.sha256 === null) return 'no hash of its archive is known';
	return [
		`version = ${toml(version)}`,
		`archive = ${inline([['url', toml(from.url)], ...inside, ['hashes', inline([['sha256', toml(from.sha256)]])]])}`,
	];
}

type Pairs = readonly (readonly [string, string])[];

function archive(file: IndexFile): Pairs {
	const size: Pairs = file.size === null ? [] : [['size', String(file.size)]];
	const hashes = inline([['sha256', toml(file.sha256)]]);
	return [['name', toml(file.filename)], ['url', toml(file.url)], ...size, ['hashes', hashes]];
}

const inline = (pairs: Pairs) => `{ ${pairs.map(([key, value]) => `${key} = ${value}`).join(', ')} }`;

/** A basic string of TOML: JSON's escapes are its own, but JSON leaves a DEL as it is. */
const toml = (text: string) => JSON.stringify(text).replaceAll('\u007F', String.raw`\u007F`);
