import type { Name } from '../../model/index.ts';
import type { Package } from '../packages.ts';

/** What a system's package manager says of files, links of the root followed on both sides. */
export interface FileLists {
	/** Null for what no package lists. Folders are shared by many packages: do not ask for them. */
	ownerOf(path: Name): Package | null;
	/** False for a folder in which it lists no file. */
	mayOwnIn(folder: Name): boolean;
	/** The path is one of its configuration files, which the user may change. */
	isConfiguration(path: Name): boolean;
	/** Whether the bytes of a file are those that its package brought; null where no digest of it is kept. */
	isAsPackaged(path: Name): boolean | null;
}
