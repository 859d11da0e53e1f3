import type { InstalledWheel } from '../../model/index.ts';
import { joined, readText } from '../paths.ts';
import type { Distribution } from './site.ts';

/**
 * What a distribution's WHEEL says of the archive that it was installed from.
 *
 * @returns null where it has none: it was put there by something else than a wheel
 * @see https://packaging.python.org/en/latest/specifications/binary-distribution-format/
 */
export function installedWheel({ info, name, version }: Distribution): InstalledWheel | null {
	const text = version === null ? null : readText(joined(info, 'WHEEL'));
	if (text === null || version === null) return null;
	const values = (field: string) =>
		[...text.matchAll(new RegExp(`^${field}:[ \\t]*(\\S+)`, 'gim'))].map((match) => match[1] ?? '');
	const tags = values('Tag');
	return tags.length === 0 ? null : { name, version, tags, build: values('Build')[0] ?? null };
}
