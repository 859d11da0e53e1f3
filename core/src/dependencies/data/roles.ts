import { sha256Of } from '../paths.ts';
import type { Case } from './case.ts';

/** What a file was to the run, by what was done to it and in which order. */
export interface Role {
	readonly role: 'updated' | 'intermediate' | 'output' | 'input' | 'temporary' | 'looked at';
	readonly reason: string;
}

/**
 * The role of a file that no package owns and no other rule knows.
 *
 * A file that is opened for reading and writing and is left byte for byte the same was read. One that the run had just made
 * itself was written. What is written and later read is an intermediate, what is written alone an output.
 */
export function roleOf(one: Case): Role {
	const { story, made, file } = one;
	const gone = story.removed || file?.kind === 'gone';
	if (story.written === null) return unwritten(one, gone);
	const readFirst = story.read !== null && story.read < story.written;
	const readLater = (story.readLast !== null && story.readLast > story.written) || wasReopened(one, story.written);
	if (made) {
		if (gone) {
			return readLater
				? { role: 'intermediate', reason: 'written, read again and removed by the run' }
				: { role: 'temporary', reason: 'made and removed by the run, and never read' };
		}
		return readLater
			? { role: 'intermediate', reason: 'written by the run, and read by it later' }
			: {
					role: 'output',
					reason: story.both === null ? 'written by the run' : 'made by the run, opened for reading and writing',
				};
	}
	if (!readFirst && story.replaced) {
		return readLater
			? { role: 'intermediate', reason: 'written anew by the run, and read by it later' }
			: { role: 'output', reason: 'written anew by the run, in place of what was there' };
	}
	if (story.both !== null && !gone && isUnchanged(one)) {
		return { role: 'input', reason: 'opened for reading and writing, and left as it was' };
	}
	if (readFirst) return { role: 'updated', reason: 'read, and then changed by the run' };
	if (story.appended) return { role: 'updated', reason: 'there before the run, which added to it' };
	return { role: 'updated', reason: 'there before the run, which wrote into it' };
}

function unwritten({ story, file, names, path }: Case, gone: boolean): Role {
	const link = file?.kind === 'link' && names.at(-1) !== path ? `; a link to ${names.at(-1)}` : '';
	if (story.read !== null) {
		if (story.executed) return { role: 'input', reason: `executed by the run${link}` };
		return { role: 'input', reason: gone ? 'read by the run, and then removed' : `read by the run${link}` };
	}
	if (story.renamedTo !== null) return { role: 'input', reason: `there before the run, which renamed it to ${story.renamedTo}` };
	if (story.removed) return { role: 'output', reason: 'removed by the run; what it held was not read' };
	return { role: 'looked at', reason: 'the run asked whether it is there, and did not open it' };
}

/** How far the time of a file may lag behind the clock, in milliseconds: a tick of the kernel, of which Linux has 250 a second or more. */
const tick = 4;

/**
 * Opened once more for reading and writing, as databases are, by a cell that began when the file had already changed for the last
 * time: it was only read there.
 */
function wasReopened({ file, path, world }: Case, written: number): boolean {
	const mtime = file?.mtime ?? null;
	if (mtime === null) return false;
	return world.uses.of(path).some(({ how, cell, first }) => {
		if (how !== 'readwrite' || first <= written || cell === null) return false;
		const began = world.scopes.beganAt(cell);
		return began !== null && mtime + tick <= began;
	});
}

/** By its time where that is older than the run, otherwise by its content. */
function isUnchanged({ file, world, path }: Case): boolean {
	if (file === null) return false;
	if (file.mtime !== null && file.mtime < world.started) return true;
	if (file.sha256Before === null) return false;
	return (file.sha256After ?? sha256Of(path)) === file.sha256Before;
}
