import { readFileSync, statSync } from 'node:fs';
import {
	credentialsIn,
	fsPath,
	maskOutputs,
	type JournalEntry,
	type Listener,
	type Name,
	type Secrets,
	type Warning,
} from '../../model/index.ts';
import type { RunFolder } from '../../store/index.ts';

/**
 * The folder of a run, so that no secret of a known form or value comes into its journal: outputs and warnings are masked before a
 * byte is written. A cell that shows a secret is warned of, once.
 */
export function guarded(folder: RunFolder, secrets: Secrets, listen: Listener): RunFolder {
	const warned = new Set<number>();
	const masked = (entry: JournalEntry, seen: Set<string>): JournalEntry => {
		if (entry.event === 'warning') return { ...entry, warning: maskWarning(entry.warning, secrets) };
		if (entry.event !== 'cell end') return entry;
		return { ...entry, result: { ...entry.result, outputs: maskOutputs(entry.result.outputs, secrets, seen) } };
	};
	return {
		...folder,
		async append(entry) {
			const seen = new Set<string>();
			await folder.append(masked(entry, seen));
			if (entry.event !== 'cell end' || seen.size === 0 || warned.has(entry.result.number)) return;
			warned.add(entry.result.number);
			const warning: Warning = {
				code: 'CELLAR_SECRET_IN_OUTPUT',
				message: `cell ${entry.result.number} shows what looks like a secret (${[...seen].toSorted().join(', ')}): it is masked in the run`,
			};
			listen({ type: 'warning', warning });
			await folder.append({ event: 'warning', warning });
		},
	};
}

/** A warning may quote what a program said. */
export function maskWarning(warning: Warning, secrets: Secrets): Warning {
	return { ...warning, message: secrets.mask(warning.message) };
}

/** No file of credentials is longer; in bytes. */
const longest = 1 << 16;

/** Learns the values that a file of credentials holds, so that they are masked wherever the run shows them. */
export function learnFrom(path: Name, secrets: Secrets): void {
	const state = statSync(fsPath(path), { throwIfNoEntry: false });
	if (state?.isFile() !== true || state.size > longest) return;
	let text: string;
	try {
		text = readFileSync(fsPath(path), 'utf8');
	} catch {
		// The run may have been allowed to read it, or have removed it since; what cannot be read teaches nothing.
		return;
	}
	secrets.learn(credentialsIn(text));
}
