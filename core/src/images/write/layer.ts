import { createHash, type Hash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { decodeName, diskError, errnoOf, type PackedPath } from '../../model/index.ts';
import { imageTime } from '../format.ts';
import { endOfTar, headerOf, padding } from '../tar/header.ts';
import { headerLength, stamp } from './bytecode.ts';
import type { Change, LayerEntry } from './plan.ts';
import { bytesOf, openFile, type BlobPath, type OpenFile } from './source.ts';

/** Takes the bytes of a layer, or of any blob, in pieces that are good until it returns. */
export type Take = (bytes: Buffer) => void;

/** How much is gathered before it is hashed and written, and after how much the event loop gets a turn. */
const gathered = 4 << 20;

/**
 * Writes one layer as a tar file. Synchronous but for a turn of the event loop at each few megabytes: over tens of
 * thousands of small files this is many times faster than streams, and memory stays the same whatever their size.
 *
 * @param changed told of each file that is not what the run saw; the layer is then of no use
 * @param done told how many bytes were written since the last time
 */
export async function writeLayer(o: {
	readonly entries: readonly LayerEntry[];
	readonly blobPath: BlobPath;
	readonly take: Take;
	readonly changed: (change: Change) => void;
	readonly done: (bytes: number) => void;
}): Promise<{ readonly digest: string; readonly bytes: number }> {
	const hash = createHash('sha256');
	const buffer = Buffer.allocUnsafe(gathered);
	let [used, bytes] = [0, 0];
	const flush = () => {
		const full = buffer.subarray(0, used);
		hash.update(full);
		o.take(full);
		o.done(used);
		bytes += used;
		used = 0;
	};
	const put = (piece: Buffer) => {
		for (let from = 0; from < piece.length;) {
			if (used === buffer.length) flush();
			const copied = piece.copy(buffer, used, from);
			used += copied;
			from += copied;
		}
	};
	/** Reads a file straight into the buffer; how much of it there was. */
	const putFile = async (file: OpenFile, own: Hash | null, stamped: boolean): Promise<number> => {
		let read = 0;
		while (read < file.size) {
			if (used === buffer.length || (stamped && buffer.length - used < headerLength)) {
				flush();
				await turn();
			}
			const got = file.read(buffer, used, Math.min(buffer.length - used, file.size - read));
			if (got === 0 || (stamped && read === 0 && got < headerLength)) break;
			own?.update(buffer.subarray(used, used + got));
			if (stamped && read === 0) stamp(buffer.subarray(used, used + headerLength));
			used += got;
			read += got;
		}
		return read;
	};

	for (const entry of o.entries) {
		const { packed } = entry;
		const base = { name: entry.name, kind: entry.kind, mode: entry.mode, mtime: imageTime };
		if (packed === null || packed.kind !== 'file') {
			const target = packed?.kind === 'link' ? decodeName(packed.target ?? '') : Buffer.alloc(0);
			put(headerOf({ ...base, size: 0, target }));
			continue;
		}
		const file = openPacked(packed, o.blobPath);
		if (file === null) {
			o.changed({ path: packed.path, why: 'is gone' });
			continue;
		}
		try {
			put(headerOf({ ...base, size: file.size, target: Buffer.alloc(0) }));
			const wanted = packed.source.from === 'blob' ? packed.source.sha256 : (packed.expected?.sha256 ?? null);
			const own = wanted === null ? null : createHash('sha256');
			const read = await putFile(file, own, entry.stamped);
			put(Buffer.alloc(padding(read)));
			if (read < file.size || !file.unchanged()) o.changed({ path: packed.path, why: 'changed while it was packed' });
			else if (own !== null && own.digest('hex') !== wanted) o.changed({ path: packed.path, why: 'has other content' });
		} finally {
			file.close();
		}
	}
	put(endOfTar);
	flush();
	return { digest: `sha256:${hash.digest('hex')}`, bytes };
}

function openPacked(packed: PackedPath, blobPath: BlobPath): OpenFile | null {
	try {
		return openFile(bytesOf(packed, blobPath));
	} catch (cause) {
		if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return null;
		throw diskError(cause, `read ${packed.path}`, {
			where: packed.path,
			hint: 'pack as the user who may read what the run used',
		});
	}
}
