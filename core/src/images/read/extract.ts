import { randomBytes } from 'node:crypto';
import {
	chmodSync,
	closeSync,
	constants,
	fchmodSync,
	futimesSync,
	linkSync,
	lutimesSync,
	mkdirSync,
	openSync,
	readdirSync,
	renameSync,
	rmSync,
	statfsSync,
	symlinkSync,
	utimesSync,
	writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { CellarError, diskError, errnoOf } from '../../model/index.ts';
import { imageTime } from '../format.ts';
import type { Image, ImageLayer } from './open.ts';
import { layersOf, openLayer, planLayers, sizeOf, type SafeEntry, type SafeLayer } from './plan.ts';

export interface ExtractOptions {
	/** Told how far it is, in bytes. */
	readonly onStep?: (step: { readonly what: string; readonly done: number; readonly of: number }) => void;
}

/**
 * Writes the root that an image holds. All of it is checked before the first byte is written, no link is followed while
 * it is written, and the folder has its name only when it is whole. Owner is who does it; modes and times are the image's.
 *
 * @param into a folder that is not there yet, or is empty
 * @throws CellarError CELLAR_IMAGE_HOSTILE with the entry, CELLAR_IMAGE_BROKEN, CELLAR_DISK_FULL, CELLAR_NO_PERMISSION,
 *   CELLAR_USAGE where something is in `into`; then nothing was written
 */
export async function extractImage(image: Image, into: string, o: ExtractOptions = {}): Promise<void> {
	await extractLayers(image.layers, into, o);
}

/**
 * Writes the files of the record layer alone, as `extractImage` does: they stand at their paths in the image.
 *
 * @throws CellarError as `extractImage`
 */
export async function readRecord(image: Image, into: string): Promise<void> {
	await extractLayers(layersOf(image.layers, 'record', image.path), into, {});
}

async function extractLayers(layers: readonly ImageLayer[], into: string, o: ExtractOptions): Promise<void> {
	const place = resolve(into);
	const free = roomIn(place, into);
	const planned = await planLayers(layers, free);
	const of = sizeOf(planned);
	if (of > free) {
		throw new CellarError('CELLAR_DISK_FULL', `the image needs ${of} bytes below ${dirname(place)}, where ${free} are free`, {
			where: into,
			hint: 'make room there, or give another folder; nothing was written',
		});
	}
	const root = join(dirname(place), `.${basename(place)}.${randomBytes(6).toString('hex')}.tmp`);
	const longest = planned.reduce((most, { entries }) => entries.reduce((all, { path }) => Math.max(all, path.length), most), 0);
	if (Buffer.byteLength(root) + 1 + longest >= longestPath) {
		throw new CellarError('CELLAR_USAGE', `the image's paths become too long below ${into}`, {
			hint: 'give a folder with a shorter path',
		});
	}
	try {
		mkdirSync(root, { mode: 0o700 });
		let done = 0;
		for (const layer of planned) {
			await writeLayer(layer, root, free, (bytes) => {
				done += bytes;
				o.onStep?.({ what: `unpacking ${layer.what}`, done, of });
			});
		}
		writeLinks(planned, root);
		finishFolders(planned, root);
		renameSync(root, place);
	} catch (cause) {
		rmSync(root, { recursive: true, force: true });
		throw diskError(cause, `unpack the image into ${into}`, {
			where: into,
			hint: 'nothing of it is left there; give another folder',
		});
	}
}

/** How many bytes are free there. */
function roomIn(place: string, into: string): number {
	try {
		const there = readdirSync(place);
		if (there.length > 0)
			throw new CellarError('CELLAR_USAGE', `${into} is not empty`, { hint: 'give a folder that is not there yet' });
	} catch (error) {
		if (errnoOf(error) === 'ENOTDIR') throw new CellarError('CELLAR_USAGE', `${into} is no folder`, { cause: error });
		if (errnoOf(error) !== 'ENOENT') throw diskError(error, `look into ${into}`, { where: into });
	}
	try {
		const state = statfsSync(dirname(place));
		return state.bavail * state.bsize;
	} catch (cause) {
		throw new CellarError('CELLAR_NO_SUCH_FILE', `there is no folder ${dirname(place)}`, { where: into, cause });
	}
}

/** PATH_MAX: with the NUL at its end. */
const longestPath = 4096;
/** After how many bytes the event loop gets a turn. */
const often = 32 << 20;

/** Writes by the plan and not by what the file says now: nothing that changes under us leads elsewhere. */
async function writeLayer(
	{ layer, what, entries }: SafeLayer,
	root: string,
	most: number,
	tell: (bytes: number) => void,
): Promise<void> {
	await using stream = openLayer(layer, what, most);
	const below = Buffer.from(`${root}/`);
	const made = new Set<string>();
	let sinceTurn = 0;
	for (const entry of entries) {
		const path = Buffer.concat([below, entry.path]);
		makeFoldersAbove(entry.path, below, made);
		if (entry.kind === 'directory') makeFolder(entry.path, below, made);
		if (entry.kind !== 'file') continue;
		await stream.skip(entry.offset - stream.position);
		const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
		try {
			await stream.each(entry.size, (bytes) => writeAll(file, bytes));
			fchmodSync(file, entry.mode | 0o400);
			futimesSync(file, entry.mtime, entry.mtime);
		} finally {
			closeSync(file);
		}
		sinceTurn += entry.size;
		if (sinceTurn >= often) {
			tell(sinceTurn);
			sinceTurn = 0;
			await turn();
		}
	}
	tell(sinceTurn);
}

/** Links come last of all: while files are written there is none that could be gone through. */
function writeLinks(layers: readonly SafeLayer[], root: string): void {
	const below = Buffer.from(`${root}/`);
	for (const entry of layers.flatMap((layer) => layer.entries)) {
		const path = Buffer.concat([below, entry.path]);
		if (entry.kind === 'hard link') linkSync(Buffer.concat([below, entry.target]), path);
		if (entry.kind !== 'link') continue;
		symlinkSync(entry.target, path);
		lutimesSync(path, entry.mtime, entry.mtime);
	}
}

/** Folders of which no entry speaks are made too; whose they are in the image is known by the plan. */
function makeFoldersAbove(path: Buffer, below: Buffer, made: Set<string>): void {
	const last = path.lastIndexOf(0x2f);
	if (last < 0 || made.has(path.toString('latin1', 0, last))) return;
	for (let at = path.indexOf(0x2f); at >= 0; at = path.indexOf(0x2f, at + 1)) makeFolder(path.subarray(0, at), below, made);
}

function makeFolder(path: Buffer, below: Buffer, made: Set<string>): void {
	const name = path.toString('latin1');
	if (made.has(name)) return;
	made.add(name);
	try {
		mkdirSync(Buffer.concat([below, path]), 0o755);
	} catch (error) {
		// From a layer before: the plan knows of nothing else that could be there.
		if (errnoOf(error) !== 'EEXIST') throw error;
	}
}

/** The last thing, deepest first: whatever is written into a folder changes its time, and a mode may forbid to write. */
function finishFolders(layers: readonly SafeLayer[], root: string): void {
	const folders = new Map<string, Pick<SafeEntry, 'mode' | 'mtime'>>();
	for (const { entries } of layers) {
		for (const entry of entries) {
			const path = entry.path.toString('latin1');
			for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
				const above = path.slice(0, at);
				if (!folders.has(above)) folders.set(above, { mode: 0o755, mtime: imageTime });
			}
			if (entry.kind === 'directory') folders.set(path, entry);
		}
	}
	for (const [path, { mode, mtime }] of [...folders].toSorted(([a], [b]) => b.length - a.length)) {
		const place = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);
		chmodSync(place, mode | 0o700);
		utimesSync(place, mtime, mtime);
	}
	chmodSync(root, 0o755);
	utimesSync(root, imageTime, imageTime);
}

function writeAll(file: number, bytes: Buffer): void {
	let done = 0;
	while (done < bytes.length) done += writeSync(file, bytes, done);
}
