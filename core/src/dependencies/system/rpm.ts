import { createHash } from 'node:crypto';
import { encodeName, type Name } from '../../model/index.ts';
import type { Package } from '../packages.ts';
import { isFile, joined, readBytes } from '../paths.ts';
import { usrMerge } from './dpkg.ts';
import type { FileLists } from './lists.ts';
import { readBlobTable } from './sqlite.ts';

/** rpm's database, as far as it can be read. */
export interface RpmLists extends FileLists {
	/** A database that is there and cannot be read; null where there is none, or it was. */
	readonly unread: Name | null;
}

interface Entry {
	readonly package: Package;
	readonly configuration: boolean;
	readonly digest: string;
	readonly algorithm: 'md5' | 'sha256' | null;
}

/**
 * Opens rpm's database where it is one of SQLite, as rpm writes it since 4.16. Those before, of Berkeley DB, and openSUSE's
 * ndb are found and not read.
 *
 * @param folders where it may be; the first that holds one counts
 * @see https://rpm-software-management.github.io/rpm/manual/format_header.html
 */
export function openRpm(folders: readonly Name[], root: Name = '/'): RpmLists {
	const straight = usrMerge(root);
	const entries = new Map<Name, Entry>();
	const unread = readDatabase(folders, (path, entry) => entries.set(straight(path), entry));
	return {
		unread,
		ownerOf: (path) => entries.get(straight(path))?.package ?? null,
		mayOwnIn: () => entries.size > 0,
		isConfiguration: (path) => entries.get(straight(path))?.configuration === true,
		isAsPackaged(path) {
			const entry = entries.get(straight(path));
			if (entry === undefined || entry.digest === '' || entry.algorithm === null) return null;
			const bytes = readBytes(path);
			return bytes === null ? null : createHash(entry.algorithm).update(bytes).digest('hex') === entry.digest;
		},
	};
}

function readDatabase(folders: readonly Name[], add: (path: Name, entry: Entry) => void): Name | null {
	for (const folder of folders) {
		const path = joined(folder, 'rpmdb.sqlite');
		const bytes = readBytes(path);
		if (bytes !== null) {
			const rows = readBlobTable(bytes, readBytes(`${path}-wal`), 'Packages');
			for (const row of rows ?? []) readHeader(row.bytes, add);
			return rows === null ? path : null;
		}
		for (const name of ['Packages', 'Packages.db']) if (isFile(joined(folder, name))) return joined(folder, name);
	}
	return null;
}

/** Numbers of what a header holds. */
const tags = {
	...{ name: 1000, version: 1001, release: 1002, epoch: 1003 },
	...{ digests: 1035, flags: 1037, folderOf: 1116, bases: 1117, folders: 1118, algorithm: 5011 },
};
const isConfiguration = 1;

/** A header is an index (what, of which type, where, how many) and then the values. */
function readHeader(header: Buffer, add: (path: Name, entry: Entry) => void): void {
	if (header.length < 8) return;
	const count = header.readUInt32BE(0);
	const data = 8 + 16 * count;
	if (data > header.length) return;
	const index = new Map<number, { at: number; count: number }>();
	for (let at = 8; at < data; at += 16)
		index.set(header.readUInt32BE(at), { at: data + header.readUInt32BE(at + 8), count: header.readUInt32BE(at + 12) });
	const strings = (tag: number): Buffer[] => {
		const found = index.get(tag);
		const all: Buffer[] = [];
		for (let at = found?.at ?? 0; all.length < (found?.count ?? 0);) {
			const end = header.indexOf(0, at);
			if (end < 0) break;
			all.push(header.subarray(at, end));
			at = end + 1;
		}
		return all;
	};
	const numbers = (tag: number): number[] => {
		const found = index.get(tag);
		if (found === undefined || found.at + 4 * found.count > header.length) return [];
		return Array.from({ length: found.count }, (_, at) => header.readUInt32BE(found.at + 4 * at));
	};
	const word = (tag: number) => strings(tag)[0]?.toString('utf8') ?? '';
	const [epoch] = numbers(tags.epoch);
	const one: Package = {
		ecosystem: 'rpm',
		name: word(tags.name),
		version: `${epoch === undefined ? '' : `${epoch}:`}${word(tags.version)}-${word(tags.release)}`,
		...{ root: '/', origin: null },
	};
	const [folders, folderOf, flags, digests] = [
		strings(tags.folders),
		numbers(tags.folderOf),
		numbers(tags.flags),
		strings(tags.digests),
	];
	const [told = 1] = numbers(tags.algorithm);
	const algorithm = told === 1 ? 'md5' : told === 8 ? 'sha256' : null;
	for (const [at, base] of strings(tags.bases).entries()) {
		const folder = folders[folderOf[at] ?? -1];
		if (folder === undefined) continue;
		add(encodeName(Buffer.concat([folder, base])), {
			...{ package: one, algorithm, digest: digests[at]?.toString('latin1') ?? '' },
			configuration: ((flags[at] ?? 0) & isConfiguration) !== 0,
		});
	}
}
