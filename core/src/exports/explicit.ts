import { withoutCredentials, type Exported, type Remark, type SoftwareDependency } from '../model/index.ts';
import { heading, leftOut, reasonElsewhere, textOf, type ExportSource } from './format.ts';

/**
 * conda's explicit list: the very archives, for `conda create --file`, with nothing to solve.
 *
 * @see https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html#building-identical-conda-environments
 */
export function writeExplicit(source: ExportSource): Exported {
	const remarks: Remark[] = [];
	const lines: string[] = [];
	const platforms = new Set<string>();
	for (const item of source.document.software) {
		const line = item.ecosystem === 'conda' ? lineOf(item) : null;
		if (line !== null) {
			lines.push(line);
			platforms.add(textOf(item.origin?.['subdir']) ?? 'noarch');
		} else remarks.push(leftOut(item, reasonOf(item)));
	}
	platforms.delete('noarch');
	const platform = [...platforms].toSorted().join(', ');
	const more = platform === '' ? [] : [`platform: ${platform}`];
	return { text: `${heading(source, remarks, more)}@EXPLICIT\n${lines.map((line) => `${line}\n`).join('')}`, remarks };
}

/** `url#md5`; null where the archive's address is not known. */
function lineOf({ origin }: SoftwareDependency): string | null {
	const written = textOf(origin?.['url']);
	if (written === null) return null;
	const url = withoutCredentials(written);
	const md5 = textOf(origin?.['md5']);
	return /^[^\s#]+$/.test(url) ? `${url}${md5 !== null && /^[\da-f]{32}$/.test(md5) ? `#${md5}` : ''}` : null;
}

function reasonOf(item: SoftwareDependency): string {
	if (item.ecosystem === 'conda') return 'the address of its archive is not known';
	if (item.ecosystem === 'pypi') return 'an explicit list holds conda packages alone; --format conda lists it below pip';
	return reasonElsewhere(item, 'conda');
}
