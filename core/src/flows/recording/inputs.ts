import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { sourceOfBytecode, whySecret, type ProjectMatcher } from '../../dependencies/index.ts';
import { CellarError, encodeName, type How, type JournalEntry, type Name, type Warning } from '../../model/index.ts';
import { look, type Blobs, type Put } from '../../store/index.ts';
import { createAside } from '../run/aside.ts';

/** Saves the first state of what a run may read, so that a repeat has it even where the run changes it later. */
export interface InputKeeper {
	/** Looks at a path when the log first shows it; returns at once, the bytes are copied behind. */
	sighted(path: Name, how: How): void;
	/** Saves a file that the notebook's source names, before anything runs. */
	named(path: Name): void;
	/** Resolves when all that was begun is saved and journalled. @throws CellarError of the store or the journal, the first */
	settled(): Promise<void>;
}

/** Software is kept by its package, not by its bytes; these folders hold nothing that a run owns. */
const notInputs =
	/^\/(usr|lib|lib32|lib64|bin|sbin|etc|proc|sys|dev|run|boot)\/|\/(site|dist)-packages\/|\/__pycache__\/|\/lib\/python\d/;

const readers: ReadonlySet<How> = new Set(['read', 'readwrite', 'append', 'execute']);

/**
 * @param o.prefixes files, and folders with all below them, that hold no input
 * @param o.limit bytes in all; above it a file is journalled by its hash alone, and so is one for which the disk has no room
 * @param o.started milliseconds since 1970: what was born later is the run's own
 */
export function createInputKeeper(o: {
	readonly blobs: Blobs;
	readonly limit: number;
	readonly started: number;
	readonly prefixes: readonly string[];
	/** The project's own rules say what more holds credentials. */
	readonly project: Pick<ProjectMatcher, 'whySecret'>;
	readonly append: (entry: JournalEntry) => Promise<void>;
	/** Hears of a file that holds credentials, which is not kept. */
	readonly onSecret: (path: Name) => void;
	readonly warn: (warning: Warning) => Promise<void>;
}): InputKeeper {
	const known = new Set<Name>();
	const aside = createAside();
	let left = o.limit;
	let last: Promise<void> = Promise.resolve();

	const put = async (path: Name): Promise<Put | null> => {
		try {
			return await o.blobs.putFile(path, left);
		} catch (error) {
			if (!(error instanceof CellarError) || error.code !== 'CELLAR_DISK_FULL') throw error;
			await o.warn({ code: 'CELLAR_INPUT_NOT_KEPT', message: `the disk has no room to keep ${path} as it was before the run` });
			return o.blobs.putFile(path, 0);
		}
	};
	const keep = async (path: Name) => {
		const kept = await put(path);
		// The log is read behind the run: what was changed by now is not as it was, and must not pass for it.
		if (kept === null || isChanged(path, o.started)) return;
		if (kept.kept) left -= kept.size;
		await o.append({ event: 'input', path, sha256: kept.sha256, kept: kept.kept, existedBefore: true });
	};
	const consider = (path: Name) => {
		if (known.has(path) || notInputs.test(path)) return;
		if (o.prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`))) return;
		known.add(path);
		const seen = look(path);
		// A link's target is opened too, and is sighted under its own name only where -y shows it: follow it here.
		if (seen.kind !== 'file' && seen.kind !== 'link') return;
		// What holds credentials is neither hashed nor kept, whatever other name it has.
		const names = [path, seen.realPath ?? path];
		if (names.some((name) => whySecret(name) !== null) || o.project.whySecret(names) !== null) return o.onSecret(path);
		if (seen.born !== null && seen.born >= o.started) return;
		// One after another: what is left of the limit is known when the one before has been kept.
		last = last.catch(() => undefined).then(() => keep(path));
		aside.add(last);
	};
	return {
		sighted(path, how) {
			if (!readers.has(how)) return;
			consider(path);
			// Python reads bytecode in place of its source, and a repeat needs the source.
			const source = sourceOfBytecode(path);
			if (source !== null) consider(source);
		},
		named: consider,
		settled: () => aside.settled(),
	};
}

/** Whether a file was written to since the run began. One whose time lies in the future was given that time. */
function isChanged(path: Name, started: number): boolean {
	const seen = look(path);
	const { mtime } = seen.kind === 'link' && seen.realPath !== null ? look(seen.realPath) : seen;
	return mtime !== null && mtime >= started && mtime <= Date.now();
}

/** Absolute names of the existing files that a notebook's source mentions. */
export function namedFiles(mentions: Iterable<string>, folder: string, home: string): Name[] {
	const found = new Set<Name>();
	for (const mention of mentions) {
		const path = mention.startsWith('~/') ? join(home, mention.slice(2)) : isAbsolute(mention) ? mention : join(folder, mention);
		if (existsSync(path)) found.add(encodeName(Buffer.from(path)));
	}
	return [...found];
}
