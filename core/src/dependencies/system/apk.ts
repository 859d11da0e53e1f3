import { createHash } from 'node:crypto';
import type { Name } from '../../model/index.ts';
import type { Package } from '../packages.ts';
import { joined, nameOfText, readBytes, readText } from '../paths.ts';
import { usrMerge } from './dpkg.ts';
import type { FileLists } from './lists.ts';

interface Entry {
	readonly package: Package;
	/** `Q1` and the base64 of a sha1, `Q2` and that of a sha256; null where none is kept. */
	checksum: string | null;
}

/**
 * Opens apk's database: one text, a paragraph for each package, in which `F:` names a folder, and `R:` a file in it.
 *
 * @param files where it may be; the first that is there counts
 * @see https://wiki.alpinelinux.org/wiki/Apk_spec
 */
export function openApk(files: readonly Name[], root: Name = '/'): FileLists {
	const straight = usrMerge(root);
	const entries = new Map<Name, Entry>();
	const text = files.map(readText).find((one) => one !== null) ?? '';
	for (const paragraph of text.split(/\n{2,}/)) readParagraph(paragraph, (path, entry) => entries.set(straight(path), entry));
	return {
		ownerOf: (path) => entries.get(straight(path))?.package ?? null,
		mayOwnIn: () => entries.size > 0,
		// What apk does not overwrite where it was changed: all in /etc, unless a machine's own settings say otherwise.
		isConfiguration: (path) => path.startsWith('/etc/') && entries.has(straight(path)),
		isAsPackaged(path) {
			const checksum = entries.get(straight(path))?.checksum ?? null;
			const algorithm = checksum?.startsWith('Q1') === true ? 'sha1' : checksum?.startsWith('Q2') === true ? 'sha256' : null;
			const bytes = checksum === null || algorithm === null ? null : readBytes(path);
			if (checksum === null || algorithm === null || bytes === null) return null;
			return createHash(algorithm).update(bytes).digest('base64') === checksum.slice(2);
		},
	};
}

function readParagraph(paragraph: string, add: (path: Name, entry: Entry) => void): void {
	let one: Package = { ecosystem: 'apk', name: '', version: null, root: '/', origin: null };
	let folder = '/';
	let last: Entry | null = null;
	for (const line of paragraph.split('\n')) {
		const value = line.slice(2);
		switch (line.slice(0, 2)) {
			case 'P:':
				one = { ...one, name: value };
				break;
			case 'V:':
				one = { ...one, version: value };
				break;
			case 'F:':
				folder = joined('/', nameOfText(value));
				break;
			case 'R:':
				add(joined(folder, nameOfText(value)), (last = { package: one, checksum: null }));
				break;
			case 'Z:':
				if (last !== null) last.checksum = value;
				break;
		}
	}
}
