import type { Exported, Remark } from '../model/index.ts';
import { heading, heldOtherwise, type ExportSource } from './format.ts';
import { fileKey, pipPackages, requirementOf, type PipPackage } from './pip.ts';

/**
 * requirements.txt, for `pip install --no-deps -r`. pip asks for a hash of everything once one line has one: they stand in the
 * file where every line can have one, and in comments otherwise.
 *
 * @see https://pip.pypa.io/en/stable/reference/requirements-file-format/
 */
export function writeRequirements(source: ExportSource): Exported {
	const { packages, remarks } = pipPackages(source.document, 'pip');
	const lines = packages.map((one) => ({ one, text: lineOf(one), sha256: sha256Of(one, source) }));
	const whole = lines.every(({ sha256 }) => sha256 !== null);
	const some = lines.some(({ sha256 }) => sha256 !== null);
	const all = [...remarks, ...folders(packages), ...(some && !whole ? withoutHash(lines) : [])];
	const note = some && !whole ? ['pip asks for a hash of everything once one line has one, so the known ones are comments.'] : [];
	const body = lines.map(({ text, sha256 }) => {
		if (sha256 === null) return `${text}\n`;
		return whole ? `${text} \\\n    --hash=sha256:${sha256}\n` : `${text}  # sha256:${sha256}\n`;
	});
	return { text: `${heading(source, all, note)}\n${body.join('')}`, remarks: all };
}

function lineOf(one: PipPackage): string {
	const { source } = one;
	if (source.from !== 'folder' || !source.editable) return requirementOf(one);
	return `-e ${source.url}${source.subdirectory === null ? '' : `#subdirectory=${source.subdirectory}`}`;
}

function sha256Of({ name, version, source }: PipPackage, { files }: ExportSource): string | null {
	if (source.from === 'archive') return source.sha256;
	return source.from === 'index' ? (files?.get(fileKey(name, version))?.sha256 ?? null) : null;
}

function folders(packages: readonly PipPackage[]): Remark[] {
	return packages
		.filter(({ source }) => source.from === 'folder')
		.map(({ item }) => heldOtherwise(item, 'installed from a folder of this machine, and another machine does not have it'));
}

function withoutHash(lines: readonly { readonly one: PipPackage; readonly sha256: string | null }[]): Remark[] {
	return lines
		.filter(({ one, sha256 }) => sha256 === null && one.source.from !== 'folder')
		.map(({ one }) => heldOtherwise(one.item, 'no hash of its archive is known'));
}
