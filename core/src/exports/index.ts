/** What a run needed, written as the file that another tool reads: document in, text out. Asks nobody, reads nothing. */
import type { ExportFormat } from '../model/index.ts';
import { writeConda } from './conda.ts';
import { writeCyclonedx } from './cyclonedx.ts';
import { writeExplicit } from './explicit.ts';
import type { Writer } from './format.ts';
import { writePoncho } from './poncho.ts';
import { writePylock } from './pylock.ts';
import { writeRequirements } from './requirements.ts';

export { chooseFile, parseIndexPage, type PageFile } from './archives.ts';
export { byReason } from './format.ts';
export { fileKey } from './pip.ts';

/** `hashes` is true where the file names archives by hash, so that it gains from asking the index. */
export const writers: Readonly<Record<ExportFormat, { readonly write: Writer; readonly hashes: boolean }>> = {
	requirements: { write: writeRequirements, hashes: true },
	pylock: { write: writePylock, hashes: true },
	conda: { write: writeConda, hashes: false },
	'conda-explicit': { write: writeExplicit, hashes: false },
	poncho: { write: writePoncho, hashes: false },
	cyclonedx: { write: writeCyclonedx, hashes: true },
};
