import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { extractImage, readRecord, type Image } from '../../images/index.ts';
import { errnoOf, type Listener } from '../../model/index.ts';
import { recordRoot } from '../record.ts';

/** An image as it was unpacked. */
export interface Unpacked {
	/** The tree that the program sees; without the record, which is for us. */
	readonly root: string;
	/** The folder of the image's record. */
	readonly record: string;
}

/** Where an image of that digest lies unpacked, if it does. */
export function unpackedAt(home: string, digest: string): Unpacked {
	const place = join(home, 'roots', digest.replace('sha256:', ''));
	return { root: join(place, 'root'), record: join(place, 'record', recordRoot) };
}

/**
 * Unpacks an image, or finds it unpacked by an earlier repeat and as it was then. Of several processes that unpack the same
 * image the first one's is taken by all: it has its name only when it is whole.
 *
 * @param work a folder of this process alone, on the same disk
 * @throws CellarError CELLAR_IMAGE_HOSTILE, CELLAR_IMAGE_BROKEN, CELLAR_DISK_FULL
 */
export async function unpack(o: {
	readonly image: Image;
	readonly home: string;
	readonly work: string;
	readonly listen: Listener;
}): Promise<Unpacked> {
	const { image, home, work, listen } = o;
	const place = join(home, 'roots', image.digest.replace('sha256:', ''));
	const found = unpackedAt(home, image.digest);
	if (isWhole(place)) {
		// Whoever frees what has not been used for long goes by this.
		const now = new Date();
		utimesSync(place, now, now);
		return found;
	}
	if (existsSync(place))
		listen({ type: 'step', what: 'unpacking the image again: what was unpacked has changed', done: null, of: null });
	else listen({ type: 'step', what: 'unpacking the image', done: null, of: null });
	const fresh = join(work, 'unpacked');
	await mkdir(fresh, { mode: 0o755 });
	const program = { ...image, layers: image.layers.filter((layer) => layer.holds !== 'record') };
	await extractImage(program, join(fresh, 'root'), { onStep: (step) => listen({ type: 'step', ...step }) });
	await readRecord(image, join(fresh, 'record'));
	writeFileSync(join(fresh, stamp), stampOf(fresh));
	await mkdir(join(home, 'roots'), { recursive: true, mode: 0o700 });
	for (let attempt = 0; ; attempt++) {
		if (await renamed(fresh, place)) return found;
		// Another process was first, or what lies there is not what was unpacked.
		if (isWhole(place)) return found;
		await renamed(place, join(work, `changed-${attempt}`));
	}
}

/** What an unpacked image looked like when it was whole. */
const stamp = 'stamp';

function isWhole(place: string): boolean {
	const file = join(place, stamp);
	return existsSync(file) && readFileSync(file, 'utf8') === stampOf(place);
}

/**
 * A digest of every path below with its size, mode and times. Nobody can set a ctime: whatever was changed, put there or taken
 * away since shows, without a byte being read.
 */
function stampOf(place: string): string {
	const hash = createHash('sha256');
	const walk = (folder: Buffer) => {
		for (const name of readdirSync(folder, { encoding: 'buffer' }).toSorted((a, b) => a.compare(b))) {
			const path = Buffer.concat([folder, Buffer.from('/'), name]);
			const { size, mode, mtimeNs, ctimeNs, ino } = lstatSync(path, { bigint: true });
			hash.update(path.subarray(start.length)).update(`\0${mode} ${size} ${mtimeNs} ${ctimeNs} ${ino}\n`);
			if ((Number(mode) & 0o170000) === 0o040000) walk(path);
		}
	};
	const start = Buffer.from(place);
	for (const name of ['root', 'record']) {
		if (existsSync(join(place, name))) walk(Buffer.from(join(place, name)));
	}
	return hash.digest('hex');
}

/** Whether a folder got its new name; it does not where something is there. */
async function renamed(from: string, to: string): Promise<boolean> {
	try {
		await rename(from, to);
		return true;
	} catch (error) {
		if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errnoOf(error) ?? '')) return false;
		throw error;
	}
}
