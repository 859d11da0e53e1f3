import { normalName, withoutCredentials, type Dependencies, type Remark, type SoftwareDependency } from '../model/index.ts';
import { isRecord, leftOut, reasonElsewhere, textOf } from './format.ts';

/**
 * Where pip got a distribution from.
 *
 * @see https://packaging.python.org/en/latest/specifications/direct-url-data-structure/
 */
export type Source =
	| { readonly from: 'index' }
	| {
			readonly from: 'vcs';
			readonly vcs: string;
			readonly url: string;
			readonly commit: string;
			readonly revision: string | null;
			readonly subdirectory: string | null;
	  }
	| { readonly from: 'archive'; readonly url: string; readonly sha256: string | null; readonly subdirectory: string | null }
	| { readonly from: 'folder'; readonly url: string; readonly editable: boolean; readonly subdirectory: string | null };

/** A distribution that pip can be asked for. */
export interface PipPackage {
	readonly item: SoftwareDependency;
	readonly name: string;
	readonly version: string;
	readonly source: Source;
}

/**
 * What pip can be asked for, and what it cannot. A name or an address that would not be read back as it stands (it comes from
 * a package's own metadata) is left out.
 *
 * @param tool who is asked, for the reasons: `pip`, `conda`
 * @param others which items the format holds in another way
 */
export function pipPackages(
	document: Dependencies,
	tool: string,
	others: (item: SoftwareDependency) => boolean = () => false,
): { readonly packages: readonly PipPackage[]; readonly remarks: readonly Remark[] } {
	const packages = new Map<string, PipPackage>();
	const remarks: Remark[] = [];
	for (const item of document.software) {
		if (others(item)) continue;
		const found = item.ecosystem === 'pypi' ? pipPackage(item) : reasonElsewhere(item, tool);
		if (typeof found === 'string') remarks.push(leftOut(item, found));
		else if (packages.has(normalName(item.name))) remarks.push(leftOut(item, 'another of the same name is in the file already'));
		else packages.set(normalName(item.name), found);
	}
	return { packages: [...packages.values()], remarks };
}

function pipPackage(item: SoftwareDependency): PipPackage | string {
	const { name, version } = item;
	if (version === null) return 'its version is not known';
	if (!/^[A-Za-z\d]([\w.-]*[A-Za-z\d])?$/.test(name) || !/^[A-Za-z\d][\w.+!-]*$/.test(version)) {
		return 'its name or version is none that can be asked for';
	}
	const source = sourceOf(item);
	if (source === null) return 'where it was installed from cannot be read';
	return { item, name, version, source };
}

function sourceOf({ origin }: SoftwareDependency): Source | null {
	if (origin === null) return { from: 'index' };
	const written = textOf(origin['url']);
	const url = written === null ? null : withoutCredentials(written);
	const subdirectory = textOf(origin['subdirectory']);
	if (url === null || !isPlain(url) || (subdirectory !== null && !isPlain(subdirectory))) return null;
	const { vcs_info: vcs, dir_info: folder, archive_info: archive } = origin;
	if (isRecord(vcs)) {
		const [kind, commit, revision] = [textOf(vcs['vcs']), textOf(vcs['commit_id']), textOf(vcs['requested_revision'])];
		if (kind === null || commit === null || !/^\w+$/.test(kind) || !isPlain(commit)) return null;
		return { from: 'vcs', vcs: kind, url, commit, revision, subdirectory };
	}
	if (isRecord(folder)) return { from: 'folder', url, editable: folder['editable'] === true, subdirectory };
	if (isRecord(archive)) return { from: 'archive', url, sha256: sha256Of(archive), subdirectory };
	return null;
}

function sha256Of(archive: Readonly<Record<string, unknown>>): string | null {
	const hashes = archive['hashes'];
	const found = (isRecord(hashes) ? textOf(hashes['sha256']) : null) ?? /^sha256=(.*)$/.exec(textOf(archive['hash']) ?? '')?.[1];
	return found !== undefined && /^[\da-f]{64}$/.test(found) ? found : null;
}

/** Without white space and what starts a fragment or a comment. */
const isPlain = (text: string) => /^[^\s#\\]+$/u.test(text);

/** PEP 508, for what is not editable: `name==1.0`, `name @ git+https://…@commit`. */
export function requirementOf({ name, version, source }: PipPackage): string {
	if (source.from === 'index') return `${name}==${version}`;
	const inside = source.subdirectory === null ? '' : `#subdirectory=${source.subdirectory}`;
	if (source.from === 'vcs') return `${name} @ ${source.vcs}+${source.url}@${source.commit}${inside}`;
	return `${name} @ ${source.url}${inside}`;
}

/** The path that a `file:` address names; null for any other. */
export function pathOf(url: string): string | null {
	const path = /^file:\/\/(?:localhost)?(\/[^?]*)$/.exec(url)?.[1];
	if (path === undefined) return null;
	try {
		return decodeURIComponent(path);
	} catch {
		// A name that is no UTF-8 has no text: the format cannot hold it.
		return null;
	}
}

/** By what the files of an index are looked up. */
export function fileKey(name: string, version: string): string {
	return `${normalName(name)}==${version}`;
}
