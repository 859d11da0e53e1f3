import { lstatSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { isSecretName } from '../dependencies/index.ts';
import { encodeName, fsPath, type How, type JournalEntry, type Name } from '../model/index.ts';
import type { Blobs } from '../store/index.ts';

/** Saves the first state of what a run may read, so that a repeat has it even where the run changes it later. */
export interface InputKeeper {
	/** Looks at a path when the log first shows it; returns at once, the bytes are copied behind. */
	sighted(path: Name, how: How): void;
	/** Saves a file that the notebook's source names, before anything runs. */
	named(path: Name): void;
	/** Resolves when all that was begun is saved and journalled. */
	settled(): Promise<void>;
}

/** Software is kept by its package, not by its bytes; these folders hold nothing that a run owns. */
const notInputs =
	/^\/(usr|lib|lib32|lib64|bin|sbin|etc|proc|sys|dev|run|boot)\/|\/(site|dist)-packages\/|\/__pycache__\/|\/lib\/python\d/;

const readers: ReadonlySet<How> = new Set(['read', 'readwrite', 'append', 'execute']);

/**
 * @param limit bytes in all; above it a file is journalled by its hash alone
 * @param started milliseconds since 1970: what was born later is the run's own
 */
export function createInputKeeper(o: {
	readonly blobs: Blobs;
	readonly limit: number;
	readonly started: number;
	readonly prefixes: readonly string[];
	readonly append: (entry: JournalEntry) => Promise<void>;
}): InputKeeper {
	const seen = new Set<Name>();
	let left = o.limit;
	let queue: Promise<void> = Promise.resolve();

	const consider = (path: Name) => {
		if (seen.has(path) || notInputs.test(path) || isSecretName(path)) return;
		if (o.prefixes.some((prefix) => path.startsWith(`${prefix}/`))) return;
		seen.add(path);
		const state = lstatSync(fsPath(path), { throwIfNoEntry: false });
		// A link's target is opened too, and is sighted under its own name only where -y shows it: follow it here.
		if (state === undefined || state.isDirectory() || (!state.isFile() && !state.isSymbolicLink())) return;
		if (state.birthtimeMs >= o.started) return;
		queue = queue.then(async () => {
			const kept = await o.blobs.putFile(path, left);
			if (kept === null) return;
			if (kept.kept) left -= kept.size;
			await o.append({ event: 'input', path, sha256: kept.sha256, kept: kept.kept, existedBefore: true });
		});
	};
	return {
		sighted(path, how) {
			if (readers.has(how)) consider(path);
		},
		named: consider,
		settled: () => queue,
	};
}

/** Absolute names of the existing files that a notebook's source mentions. */
export function namedFiles(mentions: Iterable<string>, folder: string, home: string): Name[] {
	const found = new Set<Name>();
	for (const mention of mentions) {
		const path = mention.startsWith('~/') ? join(home, mention.slice(2)) : isAbsolute(mention) ? mention : join(folder, mention);
		if (path.includes('\0')) continue;
		if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) found.add(encodeName(Buffer.from(path)));
	}
	return [...found];
}
