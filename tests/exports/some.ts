import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { writers } from '../../core/src/exports/index.ts';
import type { Dependencies, ExportFormat, Exported, IndexFile, SoftwareDependency } from '../../core/src/model/index.ts';

/** The interpreter with the readers of the formats. */
export const readers = join(resolve(import.meta.dirname, '../..'), '.cache/venv/exports/bin/python');

/** What a Python program of the readers prints as JSON, given a text on its stdin. */
export function read<T>(code: string, text: string): T {
	if (!existsSync(readers)) throw new Error('the environment exports is missing: node scripts/setup.mjs --tests makes it');
	const said: unknown = JSON.parse(execFileSync(readers, ['-I', '-c', code], { encoding: 'utf8', input: text }));
	return said as T; // whoever asks knows what its own code prints
}

/** A piece of software; what is not given is as it mostly is. */
export function software(one: Partial<SoftwareDependency> & Pick<SoftwareDependency, 'name'>): SoftwareDependency {
	return {
		version: '1.0',
		ecosystem: 'pypi',
		direct: false,
		why: ['touched'],
		cells: [1],
		workers: [],
		tasks: [],
		manager: true,
		outside: [],
		files: 1,
		dataFiles: 0,
		bytes: 10,
		origin: null,
		reason: '1 of its files was opened',
		...one,
	};
}

export const commit = '0123456789abcdef0123456789abcdef01234567';
export const hash = 'ab'.repeat(32);

export const fromIndex = software({ name: 'Seven.Of_Nine', version: '7.9', direct: true, cells: [1, 3] });
export const fromGit = software({
	name: 'gitted',
	origin: {
		url: 'https://example.org/gitted.git',
		vcs_info: { vcs: 'git', commit_id: commit, requested_revision: 'main' },
		subdirectory: 'python',
	},
});
export const fromArchive = software({
	name: 'archived',
	version: '2.1',
	origin: { url: 'https://example.org/archived-2.1-py3-none-any.whl', archive_info: { hashes: { sha256: hash } } },
});
export const inPlace = software({
	name: 'in-place',
	origin: { url: 'file:///home/u/my%20lib', dir_info: { editable: true }, commit },
});
export const python = software({ name: 'python', version: '3.12.4', ecosystem: 'interpreter' });
export const system = software({ name: 'bash', version: '5.2.15-2+b2', ecosystem: 'deb' });
export const ownModule = software({ name: 'helper', version: null, ecosystem: 'local', origin: { folder: '/home/u' } });
export const condaPackage = software({
	name: 'libtiny',
	version: '2.1',
	ecosystem: 'conda',
	origin: {
		channel: 'https://u:p@conda.example.org/t/to-ken/tiny',
		subdir: 'linux-64',
		build: 'h1_0',
		buildNumber: 0,
		url: 'https://conda.example.org/t/to-ken/tiny/linux-64/libtiny-2.1-h1_0.conda',
		md5: '0123456789abcdef0123456789abcdef',
		sha256: hash,
		requested: 'libtiny >=2',
	},
});

/** One of every kind. */
export const everything = [fromArchive, system, fromGit, ownModule, inPlace, condaPackage, python, fromIndex];

export function document(items: readonly SoftwareDependency[], more: Partial<Dependencies> = {}): Dependencies {
	return {
		format: 1,
		run: '20260102-030405-abcd',
		for: 'run',
		notebook: '/home/u/my analysis.ipynb',
		software: [...items],
		data: [],
		differences: [],
		network: [],
		missing: null,
		setAside: [],
		unknown: [],
		...more,
	};
}

/** What the index would say of `fromIndex`. */
export const indexFile: IndexFile = {
	kind: 'wheel',
	filename: 'seven_of_nine-7.9-py3-none-any.whl',
	url: 'https://files.example.org/seven_of_nine-7.9-py3-none-any.whl',
	size: 7000,
	sha256: 'cd'.repeat(32),
	index: 'https://index.example.org/simple',
};

export function written(format: ExportFormat, items: readonly SoftwareDependency[], resolved = false): Exported {
	return writers[format].write({
		document: document(items),
		started: '2026-01-02T03:04:05.678Z',
		cellar: '1.2.3',
		files: resolved ? new Map([['seven-of-nine==7.9', indexFile]]) : null,
	});
}

/** The file without its comments. */
export function body({ text }: Exported): string {
	return text.replaceAll(/^#.*\n/gm, '').replace(/^\n/, '');
}

/** The names that are in no file, and those that are in it otherwise. */
export function remarked({ remarks }: Exported): { left: string[]; otherwise: string[] } {
	const names = (held: boolean) => remarks.filter((one) => one.held === held).map((one) => one.name);
	return { left: names(false), otherwise: names(true) };
}
